"""Signed distance of a closed triangle surface on a regular grid, and back to a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ...anatomy.nearest_surface import closest_on_triangle


@dataclass(frozen=True)
class Grid:
    """A regular grid of points.

    Attributes:
        origin: (3,) float64 millimeters, the first point.
        spacing: millimeters between neighbors.
        shape: number of points along x, y and z.
    """

    origin: np.ndarray
    spacing: float
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, vertices: np.ndarray, spacing: float, margin: float) -> Grid:
        """Return the grid that holds vertices (V, 3) with a margin in millimeters, symmetric in x."""
        low = vertices.min(axis=0) - margin
        high = vertices.max(axis=0) + margin
        reach = max(-low[0], high[0])
        low[0], high[0] = -reach, reach
        shape = np.ceil((high - low) / spacing).astype(int) + 1
        low[0] = -(shape[0] - 1) * spacing / 2
        return cls(low, spacing, tuple(int(count) for count in shape))

    def points(self) -> np.ndarray:
        """Return all points, (nx, ny, nz, 3) float64."""
        axes = [self.origin[i] + self.spacing * np.arange(self.shape[i]) for i in range(3)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def signed_distance(vertices: np.ndarray, triangles: np.ndarray, grid: Grid, band: float) -> np.ndarray:
    """Return the distance to a closed surface, negative inside, cut off at +-``band`` millimeters.

    Inside is where the surface winds around a point (nonzero winding number along x), so surfaces
    that overlap themselves are one body.

    Args:
        vertices: (V, 3) millimeters.
        triangles: (T, 3) vertex indices, normals outward.
        grid: where to evaluate.
        band: largest distance in millimeters.

    Returns:
        Array of the grid's shape, float64.
    """
    corners = np.ascontiguousarray((vertices - grid.origin)[triangles] / grid.spacing)
    field = np.full(grid.shape, (band / grid.spacing) ** 2)
    _nearest_squared(corners, field, band / grid.spacing)
    winding = np.zeros(grid.shape, dtype=np.int32)
    # A tiny shift keeps the rays off vertices and edges.
    _winding_along_x(corners + np.array([0.0, 1.3e-5, 1.7e-5]), winding)
    field = np.sqrt(field) * grid.spacing
    return np.where(np.cumsum(winding, axis=0) != 0, -field, field)


@njit(cache=True, error_model="numpy")
def _nearest_squared(corners, field, band):
    """Lower ``field`` to the squared distance of every triangle, for the points within ``band``."""
    point = np.empty(3)
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for t in range(corners.shape[0]):
        for k in range(3):
            low[k] = max(0, int(np.ceil(min(corners[t, 0, k], corners[t, 1, k], corners[t, 2, k]) - band)))
            top = int(np.floor(max(corners[t, 0, k], corners[t, 1, k], corners[t, 2, k]) + band))
            high[k] = min(field.shape[k] - 1, top)
        for i in range(low[0], high[0] + 1):
            point[0] = i
            for j in range(low[1], high[1] + 1):
                point[1] = j
                for k in range(low[2], high[2] + 1):
                    point[2] = k
                    squared, _, _ = closest_on_triangle(point, corners[t])
                    if squared < field[i, j, k]:
                        field[i, j, k] = squared


@njit(cache=True)
def _winding_along_x(corners, winding):
    """Add to ``winding`` the sign of each triangle at the first grid point behind its crossing with each x line."""
    for t in range(corners.shape[0]):
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        area = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
        if area == 0.0:
            continue
        for j in range(int(np.ceil(min(a[1], b[1], c[1]))), int(np.floor(max(a[1], b[1], c[1]))) + 1):
            if j < 0 or j >= winding.shape[1]:
                continue
            for k in range(int(np.ceil(min(a[2], b[2], c[2]))), int(np.floor(max(a[2], b[2], c[2]))) + 1):
                if k < 0 or k >= winding.shape[2]:
                    continue
                u = ((b[1] - j) * (c[2] - k) - (b[2] - k) * (c[1] - j)) / area
                v = ((c[1] - j) * (a[2] - k) - (c[2] - k) * (a[1] - j)) / area
                w = 1.0 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                i = max(0, int(np.ceil(u * a[0] + v * b[0] + w * c[0])))
                if i < winding.shape[0]:
                    # A normal toward -x opens the body when walking along +x.
                    winding[i, j, k] += 1 if area < 0 else -1
