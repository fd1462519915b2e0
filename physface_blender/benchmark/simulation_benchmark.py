"""The benchmark of the simulator: all figures of one machine, in under ten minutes."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.character import Character
from ..simulation.tissue import Tissue
from .faces import EFFECTS, FrameTimes, make_face, make_tissue, play, set_frame
from .figures import AIMS, judged
from .machine import describe_machine, memory_bandwidth, thread_count, today
from .memory import measure_memory
from .minimizers import FrameMinimizer
from .played_frames import PlayedFrames, played_frames
from .slab import make_slab, solve_slab

RESOLUTION_MM = 2.0
PREVIEW_MM = 4.0
PREVIEW_TOLERANCE_MM = 0.05
"""A fifth of a pixel on a face of 1000 pixels: nearer than this no change is seen while the face moves."""
WARM_UP_MM = 6.8
GROWTH_MM = (1.3, 2.0, 3.0, 4.5, 6.8)
STRETCHES = 5
STRETCH_FRAMES = 3
LEAP_FRAMES = 3
COMPARED_FRAMES = (0, 1, 2)
"""Of the leap."""
LOCAL_GLOBAL_ITERATIONS = 1000
"""Bound on the reference; a frame in which it did not arrive would count with what it took so far."""
SOLVES = 10
SLAB_RUNS = 3

Tell = Callable[[str], None]


def measure_simulation(data: Path, tell: Tell) -> dict[str, Any]:
    """Measure everything.

    Args:
        data: folder of the source data, whose validation take is played.
        tell: told what is measured next.

    Returns:
        The figures by name, each with value, target and whether it was reached, and command, date, machine, frames and
        details.
    """
    machine, threads, frames = describe_machine(), thread_count(), played_frames(data)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = _Benchmark(frames, threads, Path(folder), tell)
        tell("memory at 2 mm, in a process of its own")
        benchmark.memory(data)
        benchmark.face()
        benchmark.preview()
        benchmark.slab()
        benchmark.growth()
    return {
        **{name: judged(name, benchmark.values[name]) for name in AIMS},
        "command": "python3 build.py bench",
        "date": today(),
        "machine": machine,
        "frames": f"{STRETCHES} stretches of {STRETCH_FRAMES} frames, evenly spread over the {frames.name} of "
        f"{len(frames.weights)}; leaps: frames {frames.leap_start + 1} to {frames.leap_start + LEAP_FRAMES}",
        "details": benchmark.details,
    }


class _Benchmark:
    """The measurements one after the other, their values and details.

    Args:
        frames: what is played.
        threads: of network and simulator.
        cache: an empty folder.
        tell: told what is measured next.
    """

    def __init__(self, frames: PlayedFrames, threads: int, cache: Path, tell: Tell) -> None:
        self.values: dict[str, float | None] = {}
        self.details: dict[str, Any] = {}
        self._frames = frames
        self._stretches, self._leap = frames.stretches(STRETCHES, STRETCH_FRAMES), frames.leap(LEAP_FRAMES)
        self._threads = threads
        self._cache = cache
        self._tell = tell
        self._growth: dict[float, tuple[int, float]] = {}

    def memory(self, data: Path) -> None:
        """The most memory that a face takes."""
        peak = measure_memory(data, RESOLUTION_MM)
        self.details["memory"] = peak
        self.values["peak_memory_gb"] = None if peak["played"] is None else peak["played"] / 1e9

    def face(self) -> None:
        """Set-up and frames at the resolution of a bake."""
        self._tell("compiling")
        self._warm_up()
        self._tell("set-up at 2 mm")
        cold, _, _ = make_face(RESOLUTION_MM, self._cache, self._threads)
        gc.collect()
        cached, assets, character = make_face(RESOLUTION_MM, self._cache, self._threads)
        self.values["setup_2mm_s"], self.values["setup_2mm_cached_s"] = cold, cached

        self._tell("frames at 2 mm")
        without = play(character, self._stretches, contact=False)
        within = play(character, self._stretches)
        leaping, touching = (play(character, self._leap, contact=contact) for contact in (False, True))
        for name, times in (
            ("warm", without),
            ("contact", within),
            ("warm_leaps", leaping),
            ("contact_leaps", touching),
        ):
            self.details[f"frame_2mm_{name}"] = {"friction": EFFECTS.friction, **times.details()}
            self.values[f"frame_2mm_{name}_s"] = times.median()
        self.values["contact_overhead"] = within.median() / without.median()
        self._grow(character)
        self._second_thread(without)

        tissue = make_tissue(assets.space(RESOLUTION_MM), character.rest_shape, character.settings)
        del character
        self._tell("local–global on the same frames")
        self._speedup(tissue, leaping)
        self._tell("memory bandwidth")
        self._bandwidth(tissue)

    def _warm_up(self) -> None:
        """Compile and load everything that is used later."""
        _, assets, character = make_face(WARM_UP_MM, self._cache, self._threads)
        weights = self._frames.leap(2)
        play(character, weights, physics=False)
        play(character, weights)
        times = play(character, weights, contact=False)
        tissue = make_tissue(assets.space(WARM_UP_MM), character.rest_shape, character.settings)
        start = set_frame(tissue, times.starts[0], times.states[0])
        for method in ("local–global", "Newton–PCG"):
            FrameMinimizer(tissue).run(method, start, 0.0, 2)

    def _second_thread(self, two: FrameTimes) -> None:
        """The speed-up by the second thread; not measurable with more or fewer than two."""
        self.values["parallel_efficiency_2"] = None
        if self._threads < 2:
            return
        self._tell("one thread at 2 mm")
        timed = {}
        for threads in (1, 2):
            if threads == self._threads:
                timed[threads] = two
                continue
            _, _, character = make_face(RESOLUTION_MM, self._cache, threads)
            timed[threads] = play(character, self._stretches, contact=False)
        self.details["one_thread"] = timed[1].details()
        self.values["parallel_efficiency_2"] = timed[1].median() / (2.0 * timed[2].median())

    def _speedup(self, tissue: Tissue, times: FrameTimes) -> None:
        """Newton's method against local–global, each to the residual at which the product stops on that frame."""
        compared = []
        for frame in COMPARED_FRAMES:
            start = set_frame(tissue, times.starts[frame], times.states[frame])
            residual = times.residuals[frame]
            row = {"frame": self._frames.leap_start + 1 + frame, "residual": residual}
            for key, method in (("newton", "Newton–PCG"), ("local_global", "local–global")):
                descent = FrameMinimizer(tissue).run(method, start, residual, LOCAL_GLOBAL_ITERATIONS)
                row[key] = {
                    "seconds": descent.seconds[-1],
                    "iterations": len(descent.measures) - 1,
                    "residual": descent.measures[-1],
                }
            compared.append(row)
        self.details["local_global"] = compared
        self.values["speedup_vs_local_global"] = float(
            np.median([row["local_global"]["seconds"] / row["newton"]["seconds"] for row in compared])
        )

    def _bandwidth(self, tissue: Tissue) -> None:
        """How near a solve with the factor is to the time that reading it takes."""
        right = np.random.default_rng(0).normal(size=(len(tissue.rest_nodes), 3))
        seconds = []
        for _ in range(SOLVES):
            started = time.perf_counter()
            tissue.factor.solve(right)
            seconds.append(time.perf_counter() - started)
        read = tissue.factor.nbytes
        bandwidths = {str(count): memory_bandwidth(count) for count in sorted({1, self._threads})}
        solve = float(np.median(seconds))
        self.details["solve"] = {"bytes_read": read, "seconds": solve, "bandwidth_bytes_per_s": bandwidths}
        self.values["solve_fraction_of_bandwidth"] = read / solve / bandwidths[str(self._threads)]

    def preview(self) -> None:
        """Frames at the resolution of the preview, and of the network alone."""
        self._tell("frames at 4 mm")
        _, _, character = make_face(PREVIEW_MM, self._cache, self._threads)
        simulated = play(character, self._stretches, tolerance_mm=PREVIEW_TOLERANCE_MM)
        leaping = play(character, self._leap, tolerance_mm=PREVIEW_TOLERANCE_MM)
        network = play(character, self._stretches, physics=False)
        self.details["preview_4mm"] = {"tolerance_mm": PREVIEW_TOLERANCE_MM, **simulated.details()}
        self.details["preview_4mm_leaps"] = {"tolerance_mm": PREVIEW_TOLERANCE_MM, **leaping.details()}
        self.details["network_only"] = network.details()
        self.values["preview_4mm_fps"] = 1.0 / simulated.median()
        self.values["preview_4mm_leaps_fps"] = 1.0 / leaping.median()
        self.values["network_only_fps"] = 1.0 / network.median()

    def slab(self) -> None:
        """The peer's slab; the least of some runs, as the peer was measured."""
        self._tell("the peer's slab")
        solve_slab(make_slab((8, 6, 3)), 1)
        figures, _ = solve_slab(make_slab(), SLAB_RUNS)
        self.details["peer_slab"] = asdict(figures)
        self.values["peer_slab_60k_s"] = figures.solve_seconds

    def growth(self) -> None:
        """Frames without contact at all resolutions."""
        for resolution in GROWTH_MM:
            if resolution in self._growth:
                continue
            self._tell(f"frames at {resolution:g} mm")
            gc.collect()
            _, _, character = make_face(resolution, self._cache, self._threads)
            self._grow(character)
            del character
        hexes, seconds = zip(*(self._growth[resolution] for resolution in GROWTH_MM), strict=True)
        self.details["growth"] = [
            {"resolution_mm": resolution, "hexes": count, "median_s": median}
            for resolution, count, median in zip(GROWTH_MM, hexes, seconds, strict=True)
        ]
        self.values["growth_exponent"] = float(np.polyfit(np.log(hexes), np.log(seconds), 1)[0])

    def _grow(self, character: Character) -> None:
        """Note the time of a frame of each stretch for the growth."""
        times = play(character, self._frames.stretches(STRETCHES, 1), contact=False)
        self._growth[character.settings.resolution_mm] = len(character.space.hexes), times.median()
