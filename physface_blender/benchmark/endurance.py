"""A long take played from beginning to end with contact: does anything intersect, fail or grow?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.played_performance import PerformancePlayer
from ..simulation.state import Status
from .faces import EFFECTS, SEED, make_face
from .machine import describe_machine, thread_count, today
from .memory import current_memory_bytes
from .played_frames import played_frames

RESOLUTION_MM = 4.0
FRAMES = 1000
SAMPLE_EVERY = 100

PAGE = """# A thousand frames

Made by `{command}` on {date}: {processor}, {threads} threads, load average {load} at the start. Frames 1 to {frames} of
{name}, identity of seed {seed}, cells of {resolution:g} mm, contact with friction {friction:g}, every frame started from the
one before. Intersections are counted by a counter that is not the solver's, in the single precision of Blender's meshes.

| | |
|---|---|
| frames that converged | {converged} of {frames} |
| intersections of lips, inner mouth and teeth, all frames together | {mouth} |
| intersections of lids and eyeballs | {lids} |
| smallest distance between surfaces | {distance:.4f} mm |
| seconds a frame, median, slowest tenth, slowest | {median:.2f}, {tenth:.2f}, {slowest:.2f} |
| iterations a frame, median, most | {iterations:.0f}, {most} |

Memory of the process, megabytes, after every {every} frames: {memory}.
"""


def play_long(data: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Play the first thousand frames of the validation take, or all of a shorter performance.

    Args:
        data: folder of the source data.
        tell: told how far it is.

    Returns:
        What the page shows, and command, date and machine.
    """
    machine, frames = describe_machine(), played_frames(data)
    weights = frames.weights[:FRAMES]
    _, assets, character = make_face(RESOLUTION_MM, None, thread_count())
    player = PerformancePlayer(character, assets.template, EFFECTS)
    statuses: Counter[Status] = Counter()
    mouth, lids, state = 0, 0, None
    results, seconds, memory = [], [], []
    for index, row in enumerate(weights):
        face = character.pose(row, effects=EFFECTS, start=state)
        state = face.state
        statuses[face.result.status] += 1
        results.append((face.result.iterations, face.result.minimum_distance_mm))
        seconds.append(face.result.seconds)
        mouth += player.count(face).total
        lids += player.count_at_lids(face)
        if (index + 1) % SAMPLE_EVERY == 0:
            memory.append(current_memory_bytes())
            tell(f"{index + 1} of {len(weights)} frames, {mouth + lids} intersections")
    iterations, distances = np.array(results).T
    return {
        "command": "python3 build.py bench endurance",
        "date": today(),
        "machine": machine,
        "name": frames.name,
        "frames": len(weights),
        "resolution_mm": RESOLUTION_MM,
        "converged": statuses[Status.CONVERGED],
        "intersections_mouth": mouth,
        "intersections_lids": lids,
        "smallest_distance_mm": float(distances.min()),
        "solver_seconds": {
            "median": float(np.median(seconds)),
            "slowest_tenth": float(np.percentile(seconds, 90)),
            "slowest": float(max(seconds)),
        },
        "iterations": {"median": float(np.median(iterations)), "most": int(iterations.max())},
        "memory_bytes": memory,
    }


def endurance_page(document: dict[str, Any]) -> str:
    """Return the measurements of ``play_long`` as a page in Markdown."""
    machine, seconds, iterations = (document[name] for name in ("machine", "solver_seconds", "iterations"))
    return PAGE.format(
        command=document["command"],
        date=document["date"],
        processor=machine["processor"],
        threads=machine["threads"],
        load=machine["load_average"],
        frames=document["frames"],
        name=document["name"],
        seed=SEED,
        resolution=document["resolution_mm"],
        friction=EFFECTS.friction,
        converged=document["converged"],
        mouth=document["intersections_mouth"],
        lids=document["intersections_lids"],
        distance=document["smallest_distance_mm"],
        median=seconds["median"],
        tenth=seconds["slowest_tenth"],
        slowest=seconds["slowest"],
        iterations=iterations["median"],
        most=iterations["most"],
        every=SAMPLE_EVERY,
        memory=", ".join("?" if size is None else f"{size / 1e6:.0f}" for size in document["memory_bytes"]),
    )
