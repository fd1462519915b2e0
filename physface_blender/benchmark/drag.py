"""A slider dragged for some seconds, asked of a worker process as Blender asks it: how often is the face shown?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..backend.client import WorkerClient
from ..backend.errors import BackendError
from ..backend.identity import Identity
from ..backend.messages import CreateCharacter, Failed, Posed, PoseLive, Reply
from ..backend.settings import BackendSettings
from ..performance.arkit import expression
from .faces import SEED
from .machine import describe_machine, thread_count, today

RESOLUTIONS_MM = (6.8, 4.0)
SLIDER = "jawOpen"
SECONDS = 6.0
SWEEP_SECONDS = 0.8
"""From one end of the slider to the other: a quick hand."""
STEPS_A_SECOND = 50.0
"""Of the mouse."""
TICK_SECONDS = 0.015
"""Between two looks at the backend, as in Blender."""

PAGE = """# A dragged slider

Made by `python3 build.py bench drag` on {date}: {processor}, {threads} threads, load average {load} at the start.
`{slider}` goes from 0 to 1 and back, {sweep:g} s each way, for {seconds:g} s; identity of seed {seed}. The backend is asked
as Blender asks it, without a window: what a window takes of the processors comes on top where there is no graphics card.

| cells | | shown a second | between two, median, longest | after it was asked, median, longest | settled after the end |
|---|---|---|---|---|---|
{rows}
"""


@dataclass
class Drag:
    """What came of one drag.

    Attributes:
        shown: times at which a face came.
        ages: of these faces, seconds since they were asked for.
        settled: seconds from the end of the drag to the last face.
    """

    shown: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    settled: float = 0.0

    def row(self, resolution: float, kind: str) -> str:
        """The row of the page."""
        gaps, ages = 1000.0 * np.diff(self.shown), 1000.0 * np.array(self.ages)
        return (
            f"| {resolution:g} mm | {kind} | {len(self.shown) / SECONDS:.1f} | {np.median(gaps):.0f}, {gaps.max():.0f} ms "
            f"| {np.median(ages):.0f}, {ages.max():.0f} ms | {self.settled:.2f} s |"
        )


def measure_drag(tell: Callable[[str], None]) -> str:
    """Drag with the network alone and with physics; return the page in Markdown.

    Raises:
        BackendError: the backend could not serve a request.
    """
    machine, rows = describe_machine(), []
    client = WorkerClient(BackendSettings())
    client.start()
    try:
        for resolution in RESOLUTIONS_MM:
            identity = tuple(Identity.from_seed(SEED).coefficients.tolist())
            client.request(CreateCharacter(character="face", identity=identity, resolution_mm=resolution))
            for physics in (False, True):
                kind = "physics" if physics else "network"
                tell(f"a drag at {resolution:g} mm, {kind}")
                for warming in (0.5, 1.0, 0.0):
                    client.request(_pose(warming, physics=physics))
                    _rest(client)
                rows.append(_dragged(client, physics=physics).row(resolution, kind))
    finally:
        client.close()
    return PAGE.format(
        date=today(),
        processor=machine["processor"],
        threads=thread_count(),
        load=machine["load_average"],
        slider=SLIDER,
        sweep=SWEEP_SECONDS,
        seconds=SECONDS,
        seed=SEED,
        rows="\n".join(rows),
    )


def _dragged(client: WorkerClient, *, physics: bool) -> Drag:
    drag, asked, before = Drag(), {}, None
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < SECONDS:
        way = np.floor(now * STEPS_A_SECOND) / STEPS_A_SECOND / SWEEP_SECONDS
        weight = float(1.0 - abs(way % 2.0 - 1.0))
        if weight != before:
            before, asked[client.request(_pose(weight, physics=physics))] = weight, now
        for reply in _replies(client):
            if isinstance(reply, Posed):
                drag.shown.append(now)
                drag.ages.append(now - asked[reply.serial])
        time.sleep(TICK_SECONDS)
    _rest(client)
    drag.settled = time.perf_counter() - began - SECONDS
    return drag


def _pose(weight: float, *, physics: bool) -> PoseLive:
    return PoseLive(character="face", expression=tuple(expression(**{SLIDER: weight})), physics=physics)


def _rest(client: WorkerClient) -> None:
    """Wait until everything is answered."""
    while client.unanswered_count:
        _replies(client)
        time.sleep(TICK_SECONDS)


def _replies(client: WorkerClient) -> list[Reply]:
    replies = client.poll()
    for reply in replies:
        if isinstance(reply, Failed):
            raise BackendError(reply.sentence)
    return replies
