"""Ways to minimize the energy and to factorize K, compared on frames of a performance at 2 mm."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .faces import make_face, make_tissue, play, set_frame
from .factor_comparison import FactorTimes, compare_factorizations
from .machine import describe_machine, thread_count, today
from .minimizers import METHODS, Descent, FrameMinimizer
from .played_frames import PlayedFrames, played_frames

RESOLUTION_MM = 2.0
WARM_UP_MM = 6.8
WARM_FRAMES = 9
COMPARED = (0, 4, 8)
"""Of the consecutive frames, those that are solved by every method from the state of the frame before."""
COLD_POSES = 3
"""Poses that are solved from the network's target, with no frame before."""
RESIDUALS = (1e-4, 1e-5, 3e-6)
"""Relative; the product stops at 1e-6 to 7e-6, where the next step moves the skin by less than 0.01 mm."""
MAX_ITERATIONS = 1000

PAGE = """# Solvers compared

Made by `python3 build.py bench solvers` on {date}: {processor}, {threads} threads, load average {load} at the start.
{hexes} hexes of 2 mm, {nodes} nodes, no contact.

## Minimizing the energy of a frame

All four on the same kernels, with the same factor of K, from the same start to the same residual (the norm of the
forces through K⁻¹ over that of the stress that the actuation can exert). Medians over {frames}. Anderson's method mixes 5
steps, L-BFGS keeps 8 pairs with K as initial Hessian, Newton's method solves its steps by conjugate gradients with K as
preconditioner. A dash: not reached in {most} iterations, or no step lowers the energy any more.

{methods}

The product stops these frames at residuals of {product}, where the next step would move no point of the skin by 0.01 mm.

## Factorizing K

Three right-hand sides at a time, medians of a solve. The error is the distance from SciPy's solution for random
forces, relative to its length, both in the norm of K; a preconditioner needs no more than single precision. The contact
patch as root costs time, and gives the compliance that contact is solved with; the small root is the lining of the mouth.

{factors}
"""


def compare_solvers(data: Path, tell: Callable[[str], None]) -> str:
    """Compare methods and factorizations and return the page.

    Args:
        data: folder of the source data.
        tell: told what is done next.
    """
    machine, threads, frames = describe_machine(), thread_count(), played_frames(data)
    tell("compiling")
    _, assets, character = make_face(WARM_UP_MM, None, threads)
    times = play(character, frames.leap(1), contact=False)
    tissue = make_tissue(assets.space(WARM_UP_MM), character.rest_shape, character.settings)
    start = set_frame(tissue, times.starts[0], times.states[0])
    for method in METHODS:
        FrameMinimizer(tissue).run(method, start, 0.0, 2)
    tell("the face at 2 mm")
    with tempfile.TemporaryDirectory() as folder:
        _, assets, character = make_face(RESOLUTION_MM, Path(folder), threads)
    warm = play(character, frames.leap(WARM_FRAMES), contact=False)
    begins = [(f"frame {frames.leap_start + 1 + i}", warm.starts[i], warm.states[i]) for i in COMPARED]
    for pose in frames.poses(COLD_POSES):
        state = character.pose(frames.weights[pose], contact=False).state
        begins.append((f"frame {pose}", None, state))
    tissue = make_tissue(assets.space(RESOLUTION_MM), character.rest_shape, character.settings)
    runs: dict[str, dict[str, list[Descent]]] = {"warm": {}, "cold": {}}
    for name, start, state in begins:
        nodes = set_frame(tissue, start, state)
        for method in METHODS:
            descent = FrameMinimizer(tissue).run(method, nodes, min(RESIDUALS), MAX_ITERATIONS)
            tell(
                f"{name}, {'cold' if start is None else 'warm'}, {method}: {len(descent.measures) - 1} iterations in "
                f"{descent.seconds[-1]:.2f} s to {descent.measures[-1]:.1e}"
            )
            runs["cold" if start is None else "warm"].setdefault(method, []).append(descent)
    tell("factorizations")
    space = character.space
    factors = compare_factorizations(tissue, space)
    return PAGE.format(
        date=today(),
        processor=machine["processor"],
        threads=threads,
        load=machine["load_average"],
        hexes=len(space.hexes),
        nodes=tissue.stiffness.shape[0],
        frames=_frames_in_words(frames, begins),
        most=MAX_ITERATIONS,
        methods=_methods_table(runs),
        product=f"{min(warm.residuals):.0e} to {max(warm.residuals):.0e}",
        factors=_factors_table(factors),
    )


def _frames_in_words(frames: PlayedFrames, begins: list) -> str:
    warm = ", ".join(name.removeprefix("frame ") for name, start, _ in begins if start is not None)
    cold = ", ".join(name.removeprefix("frame ") for name, start, _ in begins if start is None)
    return (
        f"frames {warm} of {frames.name}, started from the frame before (warm), and frames {cold}, started from the "
        "network's pose (cold)"
    )


def _methods_table(runs: dict[str, dict[str, list[Descent]]]) -> str:
    heads = [f"to {residual:.0e}" for residual in RESIDUALS]
    lines = [
        "| start | method | " + " | ".join(heads) + " | solves with K |",
        "|---|---|" + "---|" * (len(heads) + 1),
    ]
    for kind, methods in runs.items():
        for method, descents in methods.items():
            cells = [_median_cell(descents, residual) for residual in RESIDUALS]
            solves = np.median([descent.solves for descent in descents])
            lines.append(f"| {kind} | {method} | " + " | ".join(cells) + f" | {solves:.0f} |")
    return "\n".join(lines)


def _median_cell(descents: list[Descent], residual: float) -> str:
    """Return the median of seconds and iterations to a residual, or a dash if one of the frames never got there."""
    reached = [descent.until(residual) for descent in descents]
    if None in reached:
        return "–"
    seconds, iterations = np.median(np.array(reached), axis=0)
    return f"{seconds:.2f} s, {iterations:g} iterations"


def _factors_table(times: list[FactorTimes]) -> str:
    lines = ["| factorization | order and factor | solve | error |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.factor_seconds:.1f} s | {1000.0 * row.solve_seconds:.0f} ms | {row.error:.0e} |"
        for row in times
    ]
    return "\n".join(lines)
