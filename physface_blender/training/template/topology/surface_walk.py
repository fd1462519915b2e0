"""Steps on a triangle surface that never jump to another sheet, however near it lies."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.sparse import coo_matrix

from ....anatomy.nearest_surface import closest_on_triangle


class SurfaceWalk:
    """A surface on which points (triangle, barycentric coordinates) move.

    Attributes:
        vertices: (V, 3) float64 millimeters.
        triangles: (T, 3) int32.
    """

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray) -> None:
        """Find each triangle's neighbors across edges and vertices."""
        self.vertices, self.triangles = vertices, triangles
        owner = np.repeat(np.arange(len(triangles)), 3)
        holds = coo_matrix((np.ones(triangles.size), (owner, triangles.ravel()))).tocsr()
        beside = (holds @ holds.T).tocsr()
        self._starts, self._beside = beside.indptr.astype(np.int64), beside.indices.astype(np.int64)

    def toward(self, targets: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Walk from triangles ``index`` (P,) to where the distance to targets (P, 3) no longer falls.

        Returns:
            Triangle (P,) and barycentric coordinates (P, 3).
        """
        return _walk(np.ascontiguousarray(targets), index, self.vertices[self.triangles], self._starts, self._beside)

    def places(self, index: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Return points (P, 3) in millimeters."""
        return np.einsum("pc,pcx->px", barycentric, self.vertices[self.triangles[index]])


@njit(cache=True, error_model="numpy")
def _walk(targets, index, corners, starts, beside):
    """See ``SurfaceWalk.toward``."""
    count = targets.shape[0]
    reached = index.copy()
    barycentric = np.zeros((count, 3))
    for p in range(count):
        best, u, v = closest_on_triangle(targets[p], corners[reached[p]])
        improved = True
        while improved:
            improved = False
            here = reached[p]
            for entry in range(starts[here], starts[here + 1]):
                distance, nu, nv = closest_on_triangle(targets[p], corners[beside[entry]])
                if distance < best - 1e-12:
                    best, u, v = distance, nu, nv
                    reached[p] = beside[entry]
                    improved = True
        barycentric[p, 0], barycentric[p, 1], barycentric[p, 2] = 1.0 - u - v, u, v
    return reached, barycentric
