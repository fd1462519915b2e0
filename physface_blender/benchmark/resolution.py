"""How far the solved state lies from the network's, from coarse hexahedra to fine ones, without contact."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..simulation.state import SimulationState
from ..simulation.tissue import Tissue
from .faces import make_face, make_tissue, set_frame
from .machine import describe_machine, thread_count, today
from .minimizers import Descent, FrameMinimizer
from .played_frames import PlayedFrames, played_frames
from .point_actuation import PointActuation

RESOLUTIONS_MM = (6.8, 4.5, 3.0, 2.0, 1.3)
POSES = 4
RESIDUAL = 1e-6
"""Relative; no product solve stops before 7e-6."""
MAX_ITERATIONS = 200

PAPER = {6.8: 1.4679, 4.5: 1.1270, 3.0: 0.9469, 2.0: 0.8975, 1.3: 0.8848}
"""Vertex-to-vertex error in millimeters against scans (Yang et al. 2024, Learning a Generalized Physical Face Model From
Data, table 2)."""
PAPER_NETWORK = 0.8642

PAGE = """# Resolution and exactness

Made by `python3 build.py bench resolution` on {date}: {processor}, {threads} threads.

The actuation tensors are taken from the network's deformation *at the nodes*, with the shape functions of the
simulation (consistent, the product), so that the network's pose is an exact minimizer wherever the bones agree with it.
The papers evaluate them at points. Both are solved twice: with bones that hold the tissue where the network's nodes
take it, which leaves the discretization alone, and with the skull fixed and the mandible rigid. The last column is the
product: rigid bones, and a target that was brought into agreement with them without moving the skin.
Poses {poses} of {name}, identity of seed 1, no contact.

Distance of the simulated skin from the network's in millimeters: mean / 99 % / largest, over all vertices that tissue
carries.

| hexes | number | agreeing bones, consistent | agreeing, at points | rigid bones, consistent | rigid, at points | product |
|---|---|---|---|---|---|---|
{errors}

In the first of these columns no step is taken: what is left is the skin between nodes. With rigid bones neither way is
exact, because the network moves the tissue at skull and mandible not quite as these move, and strain knows nothing of
place: what is off at the bone is off up to the skin. Hence the agreement of the last column.

Residual of the network's own pose and of the solved one (the norm of the forces through K⁻¹ over that of the stress that
the actuation can exert), and Newton steps from the one to the other. Medians over the poses.

| hexes | agreeing bones, consistent | agreeing, at points | rigid bones, consistent | rigid, at points | product |
|---|---|---|---|---|---|
{residuals}

For comparison, the paper's vertex-to-vertex error against scans (Yang et al. 2024, table 2), and what of it simulating
adds to the {network:.4f} mm of the paper's network:

| hexes | paper | added by simulating |
|---|---|---|
{paper}
"""


@dataclass(frozen=True)
class Solved:
    """One way to take the actuation, over all poses at one resolution.

    Attributes:
        distances: (P, V) millimeters between simulated skin and network's.
        before: (P,) residuals at the network's pose.
        after: (P,) residuals of the solved state.
        steps: (P,) Newton steps.
    """

    distances: np.ndarray
    before: np.ndarray
    after: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True)
class ResolutionErrors:
    """One resolution.

    Attributes:
        resolution_mm: edge of the hexes.
        hexes: their number.
        ways: agreeing bones, consistent and at points; rigid bones, consistent and at points; the product.
    """

    resolution_mm: float
    hexes: int
    ways: tuple[Solved, ...]


def compare_resolutions(data: Path, tell: Callable[[str], None]) -> str:
    """Solve some poses at all resolutions and return the page.

    Args:
        data: folder of the source data.
        tell: told what is done next.
    """
    frames = played_frames(data)
    poses = frames.poses(POSES)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for resolution in RESOLUTIONS_MM:
            gc.collect()
            rows.append(measure_resolution(resolution, frames, poses, Path(folder), tell))
            tell(f"{_error_row(rows[-1])} {_residual_row(rows[-1])}")
    return PAGE.format(
        date=today(),
        processor=describe_machine()["processor"],
        threads=thread_count(),
        poses=", ".join(map(str, poses)),
        name=frames.name,
        network=PAPER_NETWORK,
        errors="\n".join(map(_error_row, rows)),
        residuals="\n".join(map(_residual_row, rows)),
        paper="\n".join(map(_paper_row, RESOLUTIONS_MM)),
    )


def measure_resolution(
    resolution_mm: float, frames: PlayedFrames, poses: list[int], cache: Path, tell: Callable[[str], None]
) -> ResolutionErrors:
    """Solve poses in both ways at one resolution.

    Args:
        resolution_mm: edge of the hexes.
        frames: the performance.
        poses: frames of it.
        cache: folder for material spaces.
        tell: told what is done next.
    """
    tell(f"{resolution_mm:g} mm: the face")
    _, assets, character = make_face(resolution_mm, cache, thread_count())
    shared, rest, settings = assets.space(resolution_mm), character.rest_shape, character.settings
    carried = np.flatnonzero(shared.space.skin.inside)
    tell(f"{resolution_mm:g} mm: the network and its points")
    weights = frames.weights[poses]
    network = [character.pose(row, physics=False).skin[carried] for row in weights]
    at_points = PointActuation(assets, character)
    tensors = [at_points.tensors(row).astype(np.float32) for row in weights]
    # A solve that is cancelled at once knows its target and its bones, which is all that is wanted of it here.
    agreed = [character.pose(row, contact=False, should_cancel=lambda: True).state for row in weights]
    states = [
        replace(state, target_nodes=character.network_nodes(row)) for state, row in zip(agreed, weights, strict=True)
    ]
    del character, at_points  # two factors at once would take as much memory again
    gc.collect()
    tell(f"{resolution_mm:g} mm: solving")
    tissue = make_tissue(shared, rest, settings)

    def distances(nodes: list[np.ndarray]) -> np.ndarray:
        skins = [rest.skin_with_nodes(shared, each)[carried] for each in nodes]
        return np.stack([np.linalg.norm(a - b, axis=1) for a, b in zip(skins, network, strict=True)])

    def solved(targets: list[SimulationState], actuations: list[np.ndarray] | None, *, agreeing: bool) -> Solved:
        descents = []
        for index, state in enumerate(targets):
            actuation = None if actuations is None else actuations[index]
            descents.append(_solve(tissue, state, actuation, agreeing=agreeing))
        return Solved(
            distances([descent.nodes for descent in descents]),
            np.array([descent.measures[0] for descent in descents]),
            np.array([descent.measures[-1] for descent in descents]),
            np.array([len(descent.measures) - 1 for descent in descents]),
        )

    ways = [
        solved(states, actuations, agreeing=agreeing) for agreeing in (True, False) for actuations in (None, tensors)
    ]
    ways.append(solved(agreed, None, agreeing=False))
    return ResolutionErrors(resolution_mm, len(shared.space.hexes), tuple(ways))


def _solve(tissue: Tissue, state: SimulationState, actuation: np.ndarray | None, *, agreeing: bool) -> Descent:
    """Minimize the energy of a state's frame from its target.

    Args:
        tissue: of the character.
        state: gives target and bones.
        actuation: (E, 8, 3, 3) other tensors than the consistent ones; None for these.
        agreeing: whether the bones hold the tissue where the target's nodes take it.
    """
    start = set_frame(tissue, None, state, actuation)
    # Springs are linear: taking their force at the target off everywhere moves their far ends to where the target is.
    load = tissue.attachments.energy_and_gradient(start)[1] if agreeing else None
    return FrameMinimizer(tissue).run("Newton–PCG", start, RESIDUAL, MAX_ITERATIONS, load=load)


def _error_row(row: ResolutionErrors) -> str:
    cells = [
        f"{way.distances.mean():.4f} / {np.percentile(way.distances, 99):.3f} / {way.distances.max():.2f}"
        for way in row.ways
    ]
    return f"| {row.resolution_mm:g} mm | {row.hexes:,} | {' | '.join(cells)} |"


def _residual_row(row: ResolutionErrors) -> str:
    cells = [
        f"{np.median(way.before):.0e} → {np.median(way.after):.0e}, {np.median(way.steps):g} steps" for way in row.ways
    ]
    return f"| {row.resolution_mm:g} mm | {' | '.join(cells)} |"


def _paper_row(resolution_mm: float) -> str:
    error = PAPER[resolution_mm]
    return f"| {resolution_mm:g} mm | {error:.4f} mm | {error - PAPER_NETWORK:.4f} mm |"
