"""Sparse Cholesky factorizations of the stiffness of a face: ours, SciPy's and that of cholespy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import cholespy
import numpy as np
from scipy.sparse import csr_matrix

from ..anatomy.material_space import MaterialSpace
from ..simulation.dissection import dissect, lattice_coordinates
from ..simulation.factorization import SuperLUFactor
from ..simulation.supernodal import SupernodalFactor
from ..simulation.tissue import Tissue

SOLVES = 5
_REFERENCE = "SciPy `splu`, our order, float64"


@dataclass(frozen=True)
class FactorTimes:
    """One factorization.

    Attributes:
        name: in words.
        factor_seconds: order and factor.
        solve_seconds: three right-hand sides together; the median of some.
        error: distance from SciPy's solution over its length, both in the norm of the stiffness.
    """

    name: str
    factor_seconds: float
    solve_seconds: float
    error: float


def compare_factorizations(tissue: Tissue, space: MaterialSpace) -> list[FactorTimes]:
    """Factorize the stiffness of a tissue in every way.

    Args:
        tissue: whose stiffness.
        space: what it is made from.
    """
    matrix, patch = tissue.stiffness, tissue.patch_nodes
    graph = (matrix.indptr, matrix.indices)
    coordinates = lattice_coordinates(space.hexes, space.cells, matrix.shape[0])
    # The mouth's lining is tied across the lattice, so no plane of it may divide these nodes from others.
    lining = np.arange(len(space.node_positions), matrix.shape[0])

    def ours(precision: type, last: np.ndarray) -> Callable[[], Callable]:
        return lambda: SupernodalFactor(matrix, dissect(coordinates, graph, last), precision).solve

    ways = {
        "ours, float32, contact patch as root (the product)": ours(np.float32, patch),
        "ours, float32, small root": ours(np.float32, lining),
        "ours, float64, small root": ours(np.float64, lining),
        _REFERENCE: lambda: SuperLUFactor(matrix, dissect(coordinates, graph, lining)).solve,
        "`cholespy`, its own order, float64": lambda: _cholespy(matrix, np.float64),
        "`cholespy`, its own order, float32": lambda: _cholespy(matrix, np.float32),
    }
    right = np.random.default_rng(0).normal(size=(matrix.shape[0], 3))
    times, solutions = [], {}
    for name, factorize in ways.items():
        started = time.perf_counter()
        solve = factorize()
        factored = time.perf_counter() - started
        solution = solve(right)
        seconds = []
        for _ in range(SOLVES):
            started = time.perf_counter()
            solution = solve(right)
            seconds.append(time.perf_counter() - started)
        solutions[name] = solution
        times.append((name, factored, float(np.median(seconds))))
    exact = solutions[_REFERENCE]
    length = _energy_norm(matrix, exact)
    return [FactorTimes(*row, _energy_norm(matrix, solutions[row[0]] - exact) / length) for row in times]


def _energy_norm(matrix: csr_matrix, displacement: np.ndarray) -> float:
    return float(np.sqrt(np.vdot(displacement, matrix @ displacement)))


def _cholespy(matrix: csr_matrix, precision: type) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that solves with cholespy on the CPU; it orders the matrix itself, whatever order it comes in."""
    make = cholespy.CholeskySolverD if precision is np.float64 else cholespy.CholeskySolverF
    entries = matrix.tocoo()
    solver = make(matrix.shape[0], entries.row, entries.col, entries.data.astype(np.float64), cholespy.MatrixType.COO)

    def solve(right: np.ndarray) -> np.ndarray:
        right = np.ascontiguousarray(right, dtype=precision)
        solution = np.zeros_like(right)
        solver.solve(right, solution)
        return solution.astype(np.float64)

    return solve
