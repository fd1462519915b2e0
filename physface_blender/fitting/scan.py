"""A scan: any triangle surface, checked, with what a fit asks of it again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..anatomy.nearest_surface import nearest_on_surface
from .errors import ScanError

LEAST_TRIANGLES = 100
"""Fewer than this cannot show a nose, two eyes and a mouth."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A surface in its own frame and unit.

    Attributes:
        vertices: (V, 3) float64.
        triangles: (T, 3) int64, counterclockwise seen from outside.
    """

    vertices: np.ndarray
    triangles: np.ndarray

    @classmethod
    def checked(cls, vertices: np.ndarray, triangles: np.ndarray) -> Scan:
        """Check a surface; vertices without a triangle and triangles without area are left out.

        Args:
            vertices: (V, 3).
            triangles: (T, 3).

        Raises:
            ScanError: it is empty, not finite, out of range, flat or too coarse.
        """
        vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
        triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
        if not len(vertices):
            raise ScanError("The scan is empty: it holds no vertices. Export the surface again.")
        if not len(triangles):
            raise ScanError("The scan holds points but no faces; mesh the points first.")
        if triangles.min() < 0 or triangles.max() >= len(vertices):
            raise ScanError("The scan's faces name vertices that are not there; the file is damaged, export it again.")
        used, triangles = np.unique(triangles, return_inverse=True)
        vertices, triangles = vertices[used], triangles.reshape(-1, 3)
        broken = int((~np.isfinite(vertices).all(axis=1)).sum())
        if broken:
            raise ScanError(f"{broken} vertices of the scan are not finite numbers; remove them and export it again.")
        extent = np.ptp(vertices, axis=0).max()
        if not 1e-9 < extent < 1e9:
            raise ScanError(f"The scan is {extent:g} units wide, which is no size of a face in any unit.")
        corners = vertices[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        triangles = triangles[np.linalg.norm(normals, axis=1) > 1e-14 * extent**2]
        if len(triangles) < LEAST_TRIANGLES:
            raise ScanError(
                f"The scan has {len(triangles)} triangles with an area; a face needs at least {LEAST_TRIANGLES}."
            )
        return cls(vertices, triangles)

    @cached_property
    def normals(self) -> np.ndarray:
        """(V, 3) unit normals at the vertices, weighted by area; zero where triangles cancel out."""
        corners = self.vertices[self.triangles]
        area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.vertices)
        for axis in range(3):
            normals[:, axis] = np.bincount(
                self.triangles.ravel(), np.repeat(area[:, axis], 3), minlength=len(self.vertices)
            )
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)

    @cached_property
    def rim(self) -> np.ndarray:
        """(V,) bool: vertices at an edge with a triangle on one side only; what lies beyond them is not known."""
        sides = np.sort(np.concatenate([self.triangles[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
        edges, count = np.unique(sides, axis=0, return_counts=True)
        rim = np.zeros(len(self.vertices), dtype=bool)
        rim[edges[count == 1]] = True
        return rim

    def moved(self, similarity: np.ndarray) -> Scan:
        """The scan under a similarity (4, 4)."""
        return Scan(self.vertices @ similarity[:3, :3].T + similarity[:3, 3], self.triangles)

    def turned(self) -> Scan:
        """The scan with its inside outside."""
        return Scan(self.vertices, self.triangles[:, ::-1])

    def mirrored(self) -> Scan:
        """The mirror image (x negated), its outside still outside."""
        return Scan(self.vertices * [-1.0, 1.0, 1.0], self.triangles[:, ::-1])

    def near(self, center: np.ndarray, radius: float) -> Scan:
        """The triangles whose corners all lie within a radius of a center (3,)."""
        inside = np.linalg.norm(self.vertices - center, axis=1) <= radius
        triangles = self.triangles[inside[self.triangles].all(axis=1)]
        used, triangles = np.unique(triangles, return_inverse=True)
        return Scan(self.vertices[used], triangles.reshape(-1, 3))

    def nearest(self, points: np.ndarray) -> ScanHits:
        """The nearest points of the surface for points (P, 3)."""
        hits = nearest_on_surface(points, self.vertices, self.triangles)
        normals = hits.interpolate(self.normals, self.triangles)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return ScanHits(
            points=hits.interpolate(self.vertices, self.triangles),
            normals=np.divide(normals, length, out=np.zeros_like(normals), where=length > 0),
            distances=hits.distances,
            on_rim=hits.interpolate(self.rim.astype(np.float64), self.triangles) > 0.5,
        )


@dataclass(frozen=True, eq=False)
class ScanHits:
    """Nearest points on a scan.

    Attributes:
        points: (P, 3).
        normals: (P, 3) interpolated unit normals.
        distances: (P,).
        on_rim: (P,) bool, at the edge of a hole or of the scan.
    """

    points: np.ndarray
    normals: np.ndarray
    distances: np.ndarray
    on_rim: np.ndarray
