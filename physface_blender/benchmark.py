"""``python -m physface_blender.benchmark``: how fast a face is made and posed on this machine.

Four figures for each resolution: the set-up of a character whose material space has to be cut and of one whose material
space lies in the cache, and the seconds per frame of the built-in performance with and without contact, every frame
started from the one before. The network alone is timed too. Compiling is not measured: a first frame goes unmeasured.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .backend.assets import FaceAssets
from .backend.character import Character, CharacterSettings
from .backend.identity import Identity
from .backend.settings import default_thread_count
from .performance.range_of_motion import range_of_motion
from .simulation.state import Status

SEED = 1
"""The identity that is measured; the mean face would not need a repair of its rest shape."""

FIRST_FRAME = 40
"""Of the built-in performance at 24 frames per second: then the lips purse, press, part and are bitten."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the figures and write them to a file; returns 0, or exits with 2 for a wrong argument."""
    parser = argparse.ArgumentParser(prog="build.py bench", description=__doc__.split("\n\n")[1])
    parser.add_argument(
        "--resolution", type=float, nargs="+", default=[4.0, 2.0], metavar="MM", help="edges of the hexes"
    )
    parser.add_argument("--frames", type=int, default=24, metavar="N", help="frames that are played")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args(arguments)
    most = range_of_motion().frame_count - FIRST_FRAME
    if not 1 <= options.frames <= most:
        parser.error(f"--frames has to be between 1 and {most}, not {options.frames}.")
    figures = measure(options.resolution, options.frames)
    text = json.dumps(figures, indent=2)
    print(text)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def measure(resolutions_mm: Sequence[float], frame_count: int) -> dict[str, Any]:
    """All figures, as they go into the file.

    Args:
        resolutions_mm: edges of the hexes in millimeters.
        frame_count: length of the played part, from ``FIRST_FRAME`` on.
    """
    weights = range_of_motion().weights[FIRST_FRAME : FIRST_FRAME + frame_count]
    return {
        "command": "python3 build.py bench",
        "processor": platform.processor() or platform.machine(),
        "threads": default_thread_count(),
        "frames": [FIRST_FRAME, FIRST_FRAME + frame_count],
        "resolutions": [_measure_resolution(resolution, weights) for resolution in resolutions_mm],
    }


def _measure_resolution(resolution_mm: float, weights: np.ndarray) -> dict[str, Any]:
    """The figures of one resolution for expressions (T, 52)."""
    settings = CharacterSettings(resolution_mm=resolution_mm)
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = _timed_character(settings, Path(folder))
        warm, character = _timed_character(settings, Path(folder))
    started = time.perf_counter()
    character.pose(weights[0])  # makes the simulator and compiles
    simulator_seconds = time.perf_counter() - started
    return {
        "resolution_mm": resolution_mm,
        "hexes": len(character.space.hexes),
        "nodes": len(character.space.node_positions),
        "setup_seconds": {"first_time": cold, "cached": warm, "simulator_and_first_frame": simulator_seconds},
        "with_contact": _measure_frames(character, weights, physics=True, contact=True),
        "without_contact": _measure_frames(character, weights, physics=True, contact=False),
        "network_only": _measure_frames(character, weights, physics=False, contact=False),
    }


def _timed_character(settings: CharacterSettings, cache: Path) -> tuple[float, Character]:
    """Seconds to make a character with weights and template read anew, and the character."""
    started = time.perf_counter()
    character = Character(Identity.from_seed(SEED), settings, cache_directory=cache, assets=FaceAssets.load())
    return time.perf_counter() - started, character


def _measure_frames(character: Character, weights: np.ndarray, *, physics: bool, contact: bool) -> dict[str, Any]:
    """Play expressions (T, 52) one after the other."""
    seconds, iterations, unconverged, state = [], [], 0, None
    character.pose(weights[0], physics=physics, contact=contact)
    for row in weights:
        started = time.perf_counter()
        face = character.pose(row, physics=physics, contact=contact, start=state)
        seconds.append(time.perf_counter() - started)
        state = face.state
        if face.result is not None:
            iterations.append(face.result.iterations)
            unconverged += face.result.status is not Status.CONVERGED
    figures = {
        "seconds_per_frame": {"median": float(np.median(seconds)), "p90": float(np.percentile(seconds, 90))},
        "frames_per_second": len(seconds) / sum(seconds),
    }
    if iterations:
        figures["iterations"] = {"median": float(np.median(iterations)), "max": max(iterations)}
        figures["frames_not_converged"] = unconverged
    return figures


if __name__ == "__main__":
    sys.exit(main())
