"""Nearest points on a triangle surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class SurfaceHits:
    """Nearest points of a surface.

    Attributes:
        triangles: (P,) index of the triangle.
        barycentric: (P, 3) float64.
        distances: (P,) millimeters.
    """

    triangles: np.ndarray
    barycentric: np.ndarray
    distances: np.ndarray

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Return per-vertex values (V, ...) at the hits on triangles (T, 3)."""
        return np.einsum("pc,pc...->p...", self.barycentric, values[triangles[self.triangles]])


def nearest_on_surface(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> SurfaceHits:
    """Return the nearest point of the surface for every point.

    Candidates are found by the distance to triangle centers and circumscribing radii, so the answer is exact.

    Args:
        points: (P, 3) millimeters.
        vertices: (V, 3) millimeters.
        triangles: (T, 3).
    """
    corners = vertices[triangles]
    centers = corners.mean(axis=1)
    radius = np.linalg.norm(corners - centers[:, None], axis=2).max(axis=1)
    tree = cKDTree(centers)
    near, first = tree.query(points)
    reach = near + 2 * radius[first] + radius.max()
    # Most triangles are small: the large ones are looked at for every point, the rest within their own radius.
    large = np.flatnonzero(radius > 4 * np.median(radius))
    small_reach = np.minimum(reach, near + radius[first] + 4 * np.median(radius))
    lists = tree.query_ball_point(points, small_reach)
    starts = np.cumsum([0] + [len(entries) for entries in lists])
    flat = np.fromiter((entry for entries in lists for entry in entries), dtype=np.int64, count=starts[-1])
    return SurfaceHits(*_search(np.ascontiguousarray(points), corners, starts, flat, large))


@njit(cache=True, error_model="numpy")
def _search(points, corners, starts, flat, large):
    """Return index, barycentric coordinates and distance of the nearest of the candidate triangles."""
    count = points.shape[0]
    index = np.zeros(count, np.int64)
    barycentric = np.zeros((count, 3))
    distance = np.full(count, np.inf)
    for p in range(count):
        for entry in range(starts[p], starts[p + 1] + large.shape[0]):
            t = flat[entry] if entry < starts[p + 1] else large[entry - starts[p + 1]]
            squared, u, v = closest_on_triangle(points[p], corners[t])
            if squared < distance[p]:
                distance[p] = squared
                index[p] = t
                barycentric[p, 0], barycentric[p, 1], barycentric[p, 2] = 1 - u - v, u, v
    return index, barycentric, np.sqrt(distance)


@njit(cache=True, error_model="numpy")
def closest_on_triangle(p, corners):
    """Return the squared distance of a point (3,) and a triangle (3, 3), and the weights of corners 1 and 2.

    Ericson, Real-Time Collision Detection, section 5.1.5; written out in scalars, which is many times faster.
    The distance of a triangle with two equal corners may be NaN, which is never the smallest.
    """
    abx, aby, abz = corners[1, 0] - corners[0, 0], corners[1, 1] - corners[0, 1], corners[1, 2] - corners[0, 2]
    acx, acy, acz = corners[2, 0] - corners[0, 0], corners[2, 1] - corners[0, 1], corners[2, 2] - corners[0, 2]
    apx, apy, apz = p[0] - corners[0, 0], p[1] - corners[0, 1], p[2] - corners[0, 2]
    bpx, bpy, bpz = apx - abx, apy - aby, apz - abz
    cpx, cpy, cpz = apx - acx, apy - acy, apz - acz
    d1, d2 = abx * apx + aby * apy + abz * apz, acx * apx + acy * apy + acz * apz
    d3, d4 = abx * bpx + aby * bpy + abz * bpz, acx * bpx + acy * bpy + acz * bpz
    d5, d6 = abx * cpx + aby * cpy + abz * cpz, acx * cpx + acy * cpy + acz * cpz
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0 and d2 <= 0:
        u, v = 0.0, 0.0
    elif d3 >= 0 and d4 <= d3:
        u, v = 1.0, 0.0
    elif d6 >= 0 and d5 <= d6:
        u, v = 0.0, 1.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        u, v = d1 / (d1 - d3), 0.0
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        u, v = 0.0, d2 / (d2 - d6)
    elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        v = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        u = 1.0 - v
    else:
        u, v = vb / (va + vb + vc), vc / (va + vb + vc)
    rx, ry, rz = apx - u * abx - v * acx, apy - u * aby - v * acy, apz - u * abz - v * acz
    return rx * rx + ry * ry + rz * rz, u, v
