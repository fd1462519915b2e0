"""The order in which requests are served."""

from physface_blender.backend.messages import Cancelled, Ping, PoseFrame, PoseLive, Superseded
from physface_blender.backend.request_queue import RequestQueue

NEUTRAL = (0.0,) * 52


def live(serial, character="Face"):
    return PoseLive(serial=serial, character=character, expression=NEUTRAL)


def frame(serial):
    return PoseFrame(serial=serial, character="Face", frame=serial, expression=NEUTRAL)


def drain(queue):
    taken = []
    while (request := queue.take()) is not None:
        taken.append(request.serial)
    return taken


def test_only_the_newest_live_request_of_a_character_waits():
    queue = RequestQueue()
    assert queue.put(live(1)) == []
    assert queue.put(live(2, "Other")) == []
    assert queue.put(live(3)) == [Superseded(serial=1)]
    assert queue.put(live(4)) == [Superseded(serial=3)]
    assert drain(queue) == [2, 4]


def test_frames_and_pings_are_never_replaced_and_keep_their_order():
    queue = RequestQueue()
    requests = [frame(1), Ping(serial=2), live(3), frame(4), live(5), frame(6)]
    replaced = [reply for request in requests for reply in queue.put(request)]
    assert replaced == [Superseded(serial=3)]
    assert drain(queue) == [1, 2, 4, 5, 6]


def test_a_request_that_started_is_not_replaced():
    queue = RequestQueue()
    queue.put(live(1))
    assert queue.take().serial == 1
    assert queue.put(live(2)) == []


def test_cancelling_takes_out_what_waits_and_nothing_else():
    queue = RequestQueue()
    for serial in (1, 2, 3):
        queue.put(frame(serial))
    assert queue.cancel(2) == Cancelled(serial=2)
    assert queue.cancel(2) is None
    assert queue.cancel(99) is None
    assert drain(queue) == [1, 3]
