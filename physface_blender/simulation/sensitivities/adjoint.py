"""The adjoint of a converged solve: one linear system with the true Hessian at the minimum.

At a minimum the gradient g(u, theta) vanishes, so du/dtheta = -H^-1 dg/dtheta with H = dg/du (paper 001, appendix
7.2.1, equations 19 and 20). A number L(u) needs no such matrix but the adjoint displacement alone, H lambda = dL/du;
then dL/dtheta = -lambda . dg/dtheta for every theta.

H is the true Hessian, elastic and of the barrier. What the solver uses in its place is lifted towards positive
semidefinite, which is as good for finding a minimum and wrong for differentiating it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..tissue import Tissue
from .exact_contact import ExactContact

_TOLERANCE = 1e-9
"""Residual at the end relative to the first, both through the preconditioner."""
_MAX_ITERATIONS = 1000
"""Bound on the work; poses of the face at 4 mm took 40 to 80 iterations, with lips pressed or not."""


class SensitivityError(ValueError):
    """A pose has no derivatives: it is no minimum, or the solve that ended there did not converge."""


def adjoint_displacement(
    tissue: Tissue, nodes: np.ndarray, surface: np.ndarray | None, contact: ExactContact | None, loss: np.ndarray
) -> np.ndarray:
    """Solve for the adjoint displacement.

    Args:
        tissue: the energies of the frame.
        nodes: (N, 3) the minimum, millimeters.
        surface: its colliding surfaces, or None without contact.
        contact: the barrier's true Hessian there, or None where nothing touches.
        loss: (N, 3) derivatives of a number by the nodes.

    Returns:
        (N, 3), millimeters per newton times the number's unit per millimeter.

    Raises:
        SensitivityError: if the Hessian is not positive definite, or if the system was not solved.
    """
    precondition = tissue.preconditioner(tissue.expand(nodes, surface, curvature=False).barrier)
    tissue.elasticity.linearize(nodes, exact=True)

    def product(direction: np.ndarray) -> np.ndarray:
        out = tissue.elasticity.hessian_product(direction) + tissue.attachments.matrix @ direction
        if contact is not None:
            out[tissue.patch_nodes] += contact.product(direction[tissue.patch_nodes])
        return out

    return _solve(product, precondition, loss)


def _solve(
    product: Callable[[np.ndarray], np.ndarray], precondition: Callable[[np.ndarray], np.ndarray], right: np.ndarray
) -> np.ndarray:
    """Solve a symmetric positive definite system by conjugate gradients, all the way.

    The solver's own iteration ends when nothing moves visibly and makes the best of negative curvature; here the
    solution must be exact, and negative curvature means that there is none. The new direction is made orthogonal with
    the change of the residual (Polak and Ribiere), because the preconditioner rounds to single precision.
    """
    solution, residual = np.zeros_like(right), right.copy()
    solved = precondition(residual)
    direction = solved.copy()
    square = first = float(np.vdot(residual, solved))
    if first == 0.0:
        return solution
    for _ in range(_MAX_ITERATIONS):
        image = product(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 0.0:
            raise SensitivityError(
                "The pose is not a minimum of the energy, so it has no derivatives; solve it to a smaller tolerance."
            )
        step = square / curvature
        solution += step * direction
        change = -step * image
        residual += change
        solved = precondition(residual)
        now = float(np.vdot(residual, solved))
        if now <= _TOLERANCE**2 * first:
            return solution
        direction = solved + (float(np.vdot(change, solved)) / square) * direction
        square = now
    raise SensitivityError(
        f"The adjoint system was not solved in {_MAX_ITERATIONS} iterations; the pose lies next to one without derivatives."
    )
