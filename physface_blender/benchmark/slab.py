"""The slab that a peer's solver was measured on (DiffPD with shape targeting on hexahedra, run unmodified).

150 x 120 x 20 mm in 83 x 66 x 11 = 60,258 hexahedra, the bottom fixed, a smooth random actuation whose eigenvalues differ
from 1 by up to 0.2, from rest until the forces are 3e-6 of what they were. On two cores of a Xeon the peer takes 24
iterations of L-BFGS and 16.4 s, 11.3 s with CHOLMOD in place of its own factorization, after 132 s of preparation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..simulation.conditions import Conditions
from ..simulation.hexahedron import gauss_points, shape_values
from ..simulation.obstacle import REST_POSE
from ..simulation.settings import SimulationSettings
from ..simulation.tissue import Tissue
from .minimizers import Descent, FrameMinimizer

SIZE_MM = (150.0, 120.0, 20.0)
COUNTS = (83, 66, 11)
STRONGEST = 0.2
RELATIVE_GRADIENT = 3e-6
MAX_ITERATIONS = 100
_WAVES = 12
_SHORTEST_WAVE_MM = 25.0


@dataclass(frozen=True)
class HeldPoints:
    """Points in hexahedra, as the attachments of a material space give them.

    Attributes:
        hexes: (P,) int32.
        corners: (P, 8) int32 nodes.
        weights: (P, 8).
        areas: (P,) square millimeters.
    """

    hexes: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    areas: np.ndarray


@dataclass(frozen=True)
class Slab:
    """A box of hexahedra with what the simulation reads of a material space."""

    resolution_mm: float
    node_positions: np.ndarray
    hexes: np.ndarray
    cells: np.ndarray
    fill: np.ndarray
    skull_attachment: HeldPoints
    mandible_attachment: HeldPoints
    border_nodes: np.ndarray


@dataclass(frozen=True)
class SlabFigures:
    """What was measured.

    Attributes:
        hexes: of the slab.
        setup_seconds: stiffness, order and factor.
        solve_seconds: from rest to the relative gradient.
        iterations: Newton steps.
        factor_uses: solves with the factor.
        relative_gradient: reached.
    """

    hexes: int
    setup_seconds: float
    solve_seconds: float
    iterations: int
    factor_uses: int
    relative_gradient: float


def make_slab(counts: tuple[int, int, int] = COUNTS) -> Slab:
    """Return the slab in so many cells along x, y and z, its bottom on bone."""
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3)
    shape = np.array(counts) + 1
    corners = [cells + np.array([i & 1, i >> 1 & 1, i >> 2 & 1]) for i in range(8)]
    hexes = np.stack([np.ravel_multi_index(tuple(corner.T), shape) for corner in corners], axis=1).astype(np.int32)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    edges = np.array(SIZE_MM) / counts
    nodes = grid * edges
    bottom = np.flatnonzero(cells[:, 2] == 0)
    held = np.concatenate([hexes[bottom][:, corner] for corner in range(4)])
    cell = np.tile(bottom, 4)
    # Every bottom corner of every cell, so that a node is held by as many points as cells meet in it.
    weights = np.repeat(np.eye(8)[:4], len(bottom), axis=0)
    areas = np.full(len(held), edges[0] * edges[1] / 4.0)
    nothing = np.zeros(0, dtype=np.int32)
    nobody = HeldPoints(nothing, np.zeros((0, 8), dtype=np.int32), np.zeros((0, 8)), np.zeros(0))
    return Slab(
        resolution_mm=float(edges.mean()),
        node_positions=nodes,
        hexes=hexes,
        cells=cells.astype(np.int32),
        fill=np.ones(len(hexes)),
        skull_attachment=HeldPoints(cell.astype(np.int32), hexes[cell], weights, areas),
        mandible_attachment=nobody,
        border_nodes=nothing,
    )


def smooth_actuation(slab: Slab, seed: int = 0) -> np.ndarray:
    """Return random actuation tensors (E, 8, 3, 3) that vary smoothly, eigenvalues within 1 -+ ``STRONGEST``.

    Every entry is a sum of plane waves of at least 25 mm; the whole is scaled so that the largest eigenvalue of A - I is
    ``STRONGEST`` in size.
    """
    rng = np.random.default_rng(seed)
    points = np.einsum("qc,ecx->eqx", shape_values(gauss_points()), slab.node_positions[slab.hexes])
    entries = np.zeros((6, *points.shape[:2]))
    for entry in entries:
        for _ in range(_WAVES):
            wave = rng.normal(size=3)
            wave *= 2.0 * np.pi / (np.linalg.norm(wave) * rng.uniform(_SHORTEST_WAVE_MM, 4.0 * _SHORTEST_WAVE_MM))
            entry += np.cos(points @ wave + rng.uniform(0.0, 2.0 * np.pi))
    symmetric = np.moveaxis(entries[[[0, 1, 2], [1, 3, 4], [2, 4, 5]]], (0, 1), (2, 3))
    symmetric *= STRONGEST / np.abs(np.linalg.eigvalsh(symmetric)).max()
    return np.eye(3) + symmetric


def solve_slab(slab: Slab, runs: int) -> tuple[SlabFigures, Descent]:
    """Solve the slab from rest with Newton's method; kernels should have been compiled before.

    Args:
        slab: what is solved.
        runs: how often; the fastest counts, as with the peer.
    """
    started = time.perf_counter()
    rest = slab.node_positions
    tissue = Tissue(slab, rest, None, SimulationSettings(contact=False))
    setup = time.perf_counter() - started
    tissue.set_target(rest, REST_POSE, Conditions(), smooth_actuation(slab))
    free = rest[:, 2] > 0.0
    first = float(np.linalg.norm(tissue.expand(rest, None, curvature=False).gradient[free]))

    def relative_gradient(force: np.ndarray, _solved: np.ndarray) -> float:
        return float(np.linalg.norm(force[free])) / first

    minimizer = FrameMinimizer(tissue)
    descents = [
        minimizer.run("Newton–PCG", rest, RELATIVE_GRADIENT, MAX_ITERATIONS, relative_gradient) for _ in range(runs)
    ]
    fastest = min(descents, key=lambda descent: descent.seconds[-1])
    figures = SlabFigures(
        hexes=len(slab.hexes),
        setup_seconds=setup,
        solve_seconds=fastest.seconds[-1],
        iterations=len(fastest.measures) - 1,
        factor_uses=fastest.solves,
        relative_gradient=fastest.measures[-1],
    )
    return figures, fastest
