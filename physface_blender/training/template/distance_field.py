"""Signed distance to a closed mesh as a function of position."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from ...anatomy.mesh import Mesh
from .signed_field import Grid, signed_distance

FIELD_SPACING = 0.4
FIELD_BAND = 2.4


class DistanceField:
    """Signed distance to a closed mesh, tabulated near it."""

    def __init__(self, mesh: Mesh) -> None:
        """Tabulate the distance on a grid of ``FIELD_SPACING`` millimeters."""
        self._grid = Grid.around(mesh.vertices, FIELD_SPACING, FIELD_BAND + 2 * FIELD_SPACING)
        self._values = signed_distance(mesh.vertices, mesh.triangles, self._grid, FIELD_BAND)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return (P,) millimeters, negative inside, at most ``FIELD_BAND``."""
        index = ((points - self._grid.origin) / self._grid.spacing).T
        return map_coordinates(self._values, index, order=1, mode="nearest")

    def way_out(self, points: np.ndarray, gap: float) -> np.ndarray:
        """Return (P, 3) the moves that bring points to ``gap`` from the mesh; zero where they have it."""
        missing = np.maximum(gap - self.at(points), 0.0)
        half = FIELD_SPACING * np.eye(3)
        slope = np.stack([self.at(points + step) - self.at(points - step) for step in half], axis=1)
        length = np.linalg.norm(slope, axis=1, keepdims=True)
        return missing[:, None] * np.divide(slope, length, out=np.zeros_like(slope), where=length > 1e-9)
