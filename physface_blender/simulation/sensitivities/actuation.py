"""Derivatives of the actuation by the target it comes from, with those of a work by the actuation (`elasticity`).

With M = F A = R S and L = tr(S) I - S, a change dM turns R by R [omega]x, omega = L^-1 axial(R^T dM - dM^T R). The
stress is 2 w (F - R A), so minus the work of an adjoint displacement with gradient Lambda has the derivative

    2 w sym(R^T Lambda + F^T R [v]x),   v = L^-1 axial(R^T Lambda A - A Lambda^T R),

by A. Where A itself is R^T F of a target, a number with the derivative Y by A has R (Y - [v]x) by F, with
v = L^-1 axial(Y A - A Y).
"""

from __future__ import annotations

import numpy as np

from ..elasticity import ShapeTargeting
from ..hexahedron import gauss_points, shape_gradients
from ..polar import polar_rotations


def target_gradient(elasticity: ShapeTargeting, target_nodes: np.ndarray, by_actuation: np.ndarray) -> np.ndarray:
    """Return the derivatives (N, 3) by the target of a number whose derivatives by A = R^T F of the target are known.

    Args:
        elasticity: of the character; its actuation is not read.
        target_nodes: (N, 3) millimeters.
        by_actuation: (E, 8, 3, 3) symmetric.
    """
    deformation = _deformation(elasticity, target_nodes)
    rotation = _rotations(deformation)
    actuation = _transposed(rotation) @ deformation
    by_deformation = rotation @ (by_actuation - _spin(actuation, by_actuation @ actuation))
    by_reference = by_deformation @ _transposed(elasticity.inverse_jacobians)
    corners = np.einsum("eqxa,qia->eix", by_reference, shape_gradients(gauss_points()), optimize=True)
    indices = elasticity.hexes.ravel()
    return np.stack(
        [np.bincount(indices, corners[:, :, axis].ravel(), elasticity.node_count) for axis in range(3)], axis=1
    )


def _deformation(elasticity: ShapeTargeting, nodes: np.ndarray) -> np.ndarray:
    """Return the gradients (E, 8, 3, 3) of a field with the values nodes (N, 3) by the rest shape."""
    corners = nodes[elasticity.hexes]
    reference = np.einsum("eix,qia->eqxa", corners, shape_gradients(gauss_points()), optimize=True)
    return reference @ elasticity.inverse_jacobians


def _rotations(matrices: np.ndarray) -> np.ndarray:
    return polar_rotations(np.ascontiguousarray(matrices).reshape(-1, 3, 3)).reshape(matrices.shape)


def _transposed(matrices: np.ndarray) -> np.ndarray:
    return matrices.swapaxes(-1, -2)


def _spin(stretch: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Return [v]x (E, 8, 3, 3), v = (tr(S) I - S)^-1 axial(W - W^T), for stretches S and works W of the same shape.

    Zero where the nearest rotation is not unique, as in the Hessian.
    """
    trace = np.trace(stretch, axis1=-2, axis2=-1)[..., None, None]
    system = trace * np.eye(3) - stretch
    singular = np.linalg.det(system) <= 1e-12 * trace[..., 0, 0] ** 3
    system[singular] = np.eye(3)
    axial = np.stack([work[..., i, j] - work[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=-1)
    axial[singular] = 0.0
    x, y, z = np.moveaxis(np.linalg.solve(system, axial[..., None])[..., 0], -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(stretch.shape)
