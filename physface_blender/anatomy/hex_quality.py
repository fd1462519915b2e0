"""How far the hexes of a character are from being folded over."""

from __future__ import annotations

import numpy as np

from .embedding import trilinear_gradients

#: The 2 x 2 x 2 Gauss points of a hex in local coordinates 0..1, (8, 3).
QUADRATURE_POINTS = np.stack(np.meshgrid(*[[0.5 - 0.5 / np.sqrt(3.0), 0.5 + 0.5 / np.sqrt(3.0)]] * 3), axis=3).reshape(
    -1, 3
)


def smallest_volume_ratio(nodes: np.ndarray, hexes: np.ndarray, edge: float) -> np.ndarray:
    """Return the smallest volume ratio of each hex over its quadrature points.

    Args:
        nodes: (N, 3) positions of the nodes, mm.
        hexes: (E, 8) nodes, corner i at the offset (i & 1, i >> 1 & 1, i >> 2 & 1).
        edge: edge of the undeformed cubes, mm.

    Returns:
        (E,) float64: determinant of the map from the cube; 1 for the cube itself, 0 or less where it
        is folded over.
    """
    gradients = trilinear_gradients(QUADRATURE_POINTS) / edge
    smallest = np.full(len(hexes), np.inf)
    for start in range(0, len(hexes), 20_000):
        corners = nodes[hexes[start : start + 20_000]]
        for gradient in gradients:
            maps = np.einsum("eki,kj->eij", corners, gradient)
            part = smallest[start : start + 20_000]
            np.minimum(part, np.linalg.det(maps), out=part)
    return smallest
