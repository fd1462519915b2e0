"""Preconditioned conjugate gradients that stop by the length of the displacements, not by a residual.

A residual is dominated by what is stiff (the springs of the bones, the barrier), which the preconditioner removes in
the first iteration; what the animator sees is the slow remainder. So the iteration ends when an increment no longer
moves anything visibly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    right: np.ndarray,
    length: Callable[[np.ndarray], float],
    relative: float,
    absolute: float,
    max_iterations: int,
    radius: float = np.inf,
    solved: np.ndarray | None = None,
) -> tuple[np.ndarray, float, int]:
    """Solve a symmetric system, or go as far as its curvature is positive and the solution is not too long.

    Args:
        product: multiplies by the matrix.
        precondition: solves with a positive definite matrix near it.
        right: right-hand side, any shape.
        length: measures a displacement.
        relative: the iteration ends when two increments in a row are shorter than this fraction of the solution,
        absolute: or shorter than this, whichever is longer.
        max_iterations: bound on the iterations.
        radius: length at which the solution is cut off (Steihaug 1983); a quadratic model is not to be trusted farther.
        solved: the right-hand side through the preconditioner, where the caller has it already; it is left as it is.

    Returns:
        The solution, the norm of the right-hand side through the preconditioner, and the number of iterations. After
        any number of iterations, one at least, the solution is a descent direction.
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    solved = precondition(residual) if solved is None else solved
    direction = solved.copy()
    square = first = float(np.vdot(residual, solved))
    if first <= 0.0:
        return solution, 0.0, 0
    before = 0.0
    for iteration in range(max_iterations):
        image = product(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 1e-14 * square:
            return _shortened(direction if iteration == 0 else solution, length, radius), np.sqrt(first), iteration
        step = square / curvature
        solution += step * direction
        if length(solution) > radius:
            return _shortened(solution, length, radius), np.sqrt(first), iteration + 1
        now = step * length(direction)
        if max(now, before) <= max(absolute, relative * length(solution)):
            return solution, np.sqrt(first), iteration + 1
        before = now
        residual -= step * image
        solved = precondition(residual)
        previous, square = square, float(np.vdot(residual, solved))
        if square <= 1e-24 * first:
            return solution, np.sqrt(first), iteration + 1
        direction *= square / previous
        direction += solved
    return solution, np.sqrt(first), max_iterations


def _shortened(vector: np.ndarray, length: Callable[[np.ndarray], float], radius: float) -> np.ndarray:
    """Return a vector, scaled to the radius if it is longer."""
    size = length(vector)
    return vector if size <= radius else vector * (radius / size)
