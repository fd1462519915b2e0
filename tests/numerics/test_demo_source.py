"""What the demo plays: ranges on the command line, frames worth showing, words for them."""

import numpy as np
import pytest

from physface_blender.demo import source
from physface_blender.demo.console import Console, time_left
from physface_blender.demo.errors import DemoError
from physface_blender.performance.arkit import expression
from physface_blender.performance.curves import Performance
from physface_blender.performance.range_of_motion import range_of_motion


def capture(count: int) -> Performance:
    rng = np.random.default_rng(5)
    return Performance(np.arange(count) / 30.0, rng.random((count, 52)), np.ones(count, dtype=bool), "take")


@pytest.mark.parametrize(
    ("text", "is_capture", "expected"),
    [
        (None, False, (0, 200)),
        (None, True, (0, 96)),
        ("0:10", True, (0, 10)),
        (" 5 : 9 ", True, (5, 9)),
        ("150:", True, (150, 200)),
        (":7", False, (0, 7)),
        (":", False, (0, 200)),
    ],
)
def test_ranges_as_on_the_command_line(text, is_capture, expected):
    assert source.frame_range(text, capture(200), is_capture=is_capture) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("5:5", "holds no frames"),
        ("9:5", "holds no frames"),
        ("0:201", "which has 200 frames; choose an end up to 200"),
        ("300:301", "goes beyond take"),
        ("-3:5", "not of the form A:B"),
        ("12", "not of the form A:B"),
        ("a:b", "not of the form A:B"),
        ("1:2:3", "not of the form A:B"),
    ],
)
def test_ranges_that_cannot_be_played_get_one_sentence(text, sentence):
    with pytest.raises(DemoError, match=sentence) as caught:
        source.frame_range(text, capture(200), is_capture=True)
    assert "\n" not in str(caught.value)


def test_the_built_in_performance_shows_its_key_poses():
    tiles = source.tiles(range_of_motion(), 10, 60, is_capture=False)
    assert [label for _, label in tiles] == [
        "14  brows",
        "24  smile",
        "33  snarl",
        "42  pucker",
        "49  press",
        "58  jaw open",
    ]
    assert [pose for pose, _ in tiles] == [4, 14, 23, 32, 39, 48]


def test_a_capture_shows_the_frames_that_differ_most():
    weights = np.zeros((50, 52))
    weights[20:22] = expression(jawOpen=0.9)
    weights[40] = expression(mouthSmileLeft=0.6, mouthSmileRight=0.7)
    take = Performance(np.arange(50) / 30.0, weights, np.ones(50, dtype=bool), "take")
    assert source.tiles(take, 10, 50, is_capture=True) == (
        (0, "10  rest"),
        (10, "20  jawOpen 0.90"),
        (30, "40  mouthSmile 0.70"),
    )


def test_as_many_frames_are_shown_as_asked_for():
    chosen = source.most_different(capture(100).weights, 7)
    assert len(set(chosen)) == 7
    assert chosen == sorted(chosen)
    assert source.most_different(np.zeros((5, 52)), 7) == [0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "about 5 s left"), (42.0, "about 40 s left"), (89.0, "about 90 s left"), (200.0, "about 3 min left")],
)
def test_durations_in_words(seconds, words):
    assert time_left(seconds) == words


def test_a_log_gets_a_line_now_and_then_and_a_terminal_one_line(capsys):
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        console = Console(stream)
        for number in range(5):
            console.progress(f"step {number}")
        console.say("done")
    assert log.getvalue() == "step 0\ndone\n"
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().endswith("\rdone\n")
