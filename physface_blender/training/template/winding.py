"""How often a surface winds around points: 1 inside, 0 outside, 2 where a body overlaps itself."""

from __future__ import annotations

import numpy as np
from numba import njit


def winding_numbers(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return (P,) generalized winding numbers (Jacobson et al. 2013), small openings allowed.

    Args:
        points: (P, 3) millimeters.
        vertices: (V, 3) millimeters.
        triangles: (T, 3), normals outward.
    """
    return _solid_angles(np.ascontiguousarray(points), np.ascontiguousarray(vertices[triangles])) / (4 * np.pi)


@njit(cache=True)
def _solid_angles(points, corners):
    """Return the sum of the signed solid angles of all triangles (Van Oosterom and Strackee 1983)."""
    total = np.zeros(points.shape[0])
    for p in range(points.shape[0]):
        for t in range(corners.shape[0]):
            ax, ay, az = corners[t, 0] - points[p]
            bx, by, bz = corners[t, 1] - points[p]
            cx, cy, cz = corners[t, 2] - points[p]
            a = np.sqrt(ax * ax + ay * ay + az * az)
            b = np.sqrt(bx * bx + by * by + bz * bz)
            c = np.sqrt(cx * cx + cy * cy + cz * cz)
            volume = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
            ab = ax * bx + ay * by + az * bz
            bc = bx * cx + by * cy + bz * cz
            ca = cx * ax + cy * ay + cz * az
            total[p] += 2 * np.arctan2(volume, a * b * c + ab * c + bc * a + ca * b)
    return total
