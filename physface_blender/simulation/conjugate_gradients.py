"""Preconditioned conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    right: np.ndarray,
    tolerance: float,
    max_iterations: int,
    is_enough: Callable[[float], bool] = lambda norm: False,
) -> tuple[np.ndarray, float, int]:
    """Solve a symmetric positive semidefinite system, or go as far as its curvature is positive.

    Args:
        product: multiplies by the matrix.
        precondition: solves with a positive definite matrix near it.
        right: right-hand side, any shape.
        tolerance: relative reduction of the residual, measured through the preconditioner.
        max_iterations: bound on the iterations.
        is_enough: asked once with the norm of the right-hand side through the preconditioner; True ends with one
            preconditioned step.

    Returns:
        The solution, the norm of the right-hand side through the preconditioner, and the number of iterations. With
        one iteration at most the solution is a descent direction; so it is after any number of them.
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    solved = precondition(residual)
    direction = solved.copy()
    square = first = float(np.vdot(residual, solved))
    if first <= 0.0:
        return solution, 0.0, 0
    if is_enough(np.sqrt(first)):
        return solved, np.sqrt(first), 0
    for iteration in range(max_iterations):
        image = product(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 1e-14 * square:
            return (direction if iteration == 0 else solution), np.sqrt(first), iteration
        length = square / curvature
        solution += length * direction
        residual -= length * image
        solved = precondition(residual)
        previous, square = square, float(np.vdot(residual, solved))
        if square <= tolerance * tolerance * first:
            return solution, np.sqrt(first), iteration + 1
        direction *= square / previous
        direction += solved
    return solution, np.sqrt(first), max_iterations
