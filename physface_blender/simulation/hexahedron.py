"""The trilinear hexahedron: its quadrature points and the map between reference cube and rest shape.

Corner ``i`` of a hexahedron sits at bits ``(x = i & 1, y = i >> 1 & 1, z = i >> 2 & 1)`` of the unit cube, and
quadrature point ``q`` at the same bits of the 2 x 2 x 2 Gauss rule. Hexahedra are isoparametric: the rest shape may
be any trilinear image of the cube, which is how one grid in canonical space serves every identity.
"""

from __future__ import annotations

import numpy as np

GAUSS_OFFSET = 0.5 - 0.5 / np.sqrt(3.0)
"""Distance of a Gauss point from the nearer face of the unit cube."""


class RestShapeError(ValueError):
    """The rest positions of some hexahedra enclose no volume, so nothing can be simulated on them."""


def gauss_points() -> np.ndarray:
    """Return the (8, 3) Gauss points of the unit cube, in the order of the corners; each weighs 1/8."""
    bits = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
    return np.where(bits == 0, GAUSS_OFFSET, 1.0 - GAUSS_OFFSET)


def shape_values(local: np.ndarray) -> np.ndarray:
    """Return the (P, 8) trilinear weights of the corners at (P, 3) points of the unit cube."""
    local = np.asarray(local, dtype=np.float64)
    values = np.ones((len(local), 8))
    for corner in range(8):
        for axis in range(3):
            t = local[:, axis]
            values[:, corner] *= t if corner >> axis & 1 else 1.0 - t
    return values


def shape_gradients(local: np.ndarray) -> np.ndarray:
    """Return the (P, 8, 3) derivatives of the corner weights by the coordinates of the unit cube, at (P, 3) points."""
    local = np.asarray(local, dtype=np.float64)
    gradients = np.ones((len(local), 8, 3))
    for corner in range(8):
        for axis in range(3):
            high = corner >> axis & 1
            for derivative in range(3):
                if derivative == axis:
                    gradients[:, corner, derivative] *= 1.0 if high else -1.0
                else:
                    gradients[:, corner, derivative] *= local[:, axis] if high else 1.0 - local[:, axis]
    return gradients


def reference_jacobians(rest_nodes: np.ndarray, hexes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inverse reference Jacobians and volumes at the quadrature points of every hexahedron.

    Args:
        rest_nodes: (N, 3) millimeters.
        hexes: (E, 8) node indices.

    Returns:
        inverse: (E, 8, 3, 3), the inverse of J = sum_i X_i (x) dN_i/dxi in 1/mm, so that the deformation gradient is
            F = (sum_i x_i (x) dN_i/dxi) J^-1.
        volume: (E, 8) cubic millimeters of rest volume that each quadrature point stands for.

    Raises:
        RestShapeError: if a hexahedron is turned inside out or flat at one of its quadrature points.
    """
    gradients = shape_gradients(gauss_points())
    jacobian = np.einsum("eia,qib->eqab", rest_nodes[hexes], gradients, optimize=True)
    determinant = np.linalg.det(jacobian)
    bad = np.flatnonzero((determinant <= 1e-9 * np.median(np.abs(determinant))).any(axis=1))
    if len(bad):
        raise RestShapeError(
            f"{len(bad)} of {len(hexes)} cells of the soft tissue have no volume at rest (the first is cell {bad[0]}). "
            "The shape of this identity is too extreme to be simulated."
        )
    return np.linalg.inv(jacobian), determinant / 8.0
