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


@njit(cache=True)
def _search(points, corners, starts, flat, large):
    """Return index, barycentric coordinates and distance of the nearest of the candidate triangles."""
    count = points.shape[0]
    index = np.zeros(count, np.int64)
    barycentric = np.zeros((count, 3))
    distance = np.full(count, np.inf)
    for p in range(count):
        for entry in range(starts[p], starts[p + 1] + large.shape[0]):
            t = flat[entry] if entry < starts[p + 1] else large[entry - starts[p + 1]]
            weights = closest_weights(points[p], corners[t, 0], corners[t, 1], corners[t, 2])
            rest = (
                points[p] - weights[0] * corners[t, 0] - weights[1] * corners[t, 1] - weights[2] * corners[t, 2]
            )
            squared = np.dot(rest, rest)
            if squared < distance[p]:
                distance[p] = squared
                index[p] = t
                barycentric[p] = weights
    return index, barycentric, np.sqrt(distance)


@njit(cache=True)
def closest_weights(p, a, b, c):
    """Return barycentric coordinates of a triangle's point nearest to p (Ericson, Real-Time Collision Detection)."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = np.dot(ab, ap), np.dot(ac, ap)
    if d1 <= 0 and d2 <= 0:
        return np.array([1.0, 0.0, 0.0])
    bp = p - b
    d3, d4 = np.dot(ab, bp), np.dot(ac, bp)
    if d3 >= 0 and d4 <= d3:
        return np.array([0.0, 1.0, 0.0])
    vc = d1 * d4 - d3 * d2
    if vc <= 0 and d1 >= 0 and d3 <= 0:
        t = d1 / (d1 - d3)
        return np.array([1.0 - t, t, 0.0])
    cp = p - c
    d5, d6 = np.dot(ab, cp), np.dot(ac, cp)
    if d6 >= 0 and d5 <= d6:
        return np.array([0.0, 0.0, 1.0])
    vb = d5 * d2 - d1 * d6
    if vb <= 0 and d2 >= 0 and d6 <= 0:
        t = d2 / (d2 - d6)
        return np.array([1.0 - t, 0.0, t])
    va = d3 * d6 - d5 * d4
    if va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        t = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return np.array([0.0, 1.0 - t, t])
    total = va + vb + vc
    return np.array([va / total, vb / total, vc / total])
