"""Points that ride on a surface: each keeps its place relative to one triangle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SurfaceBinding:
    """Points bound to triangles of a mesh.

    A point is the triangle's barycentric point plus an offset in the triangle's own orthonormal
    frame (first edge, normal x first edge, normal), so it turns with the triangle but keeps its size.

    Attributes:
        triangles: (P, 3) int32 vertices of the mesh.
        barycentric: (P, 3) float64, rows sum to 1.
        offsets: (P, 3) float64 millimeters in the triangle's frame.
    """

    triangles: np.ndarray
    barycentric: np.ndarray
    offsets: np.ndarray

    def apply(self, vertices: np.ndarray) -> np.ndarray:
        """Return the (P, 3) points for mesh vertices (V, 3) in millimeters."""
        corners = vertices[self.triangles]
        base = np.einsum("pc,pcx->px", self.barycentric, corners)
        return base + np.einsum("pax,pa->px", triangle_frames(corners), self.offsets)

    @classmethod
    def bind(
        cls, points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, barycentric: np.ndarray
    ) -> SurfaceBinding:
        """Bind points (P, 3) to given triangles (P, 3) at given barycentric coordinates (P, 3)."""
        corners = vertices[triangles]
        base = np.einsum("pc,pcx->px", barycentric, corners)
        offsets = np.einsum("pax,px->pa", triangle_frames(corners), points - base)
        return cls(np.asarray(triangles, dtype=np.int32), barycentric, offsets)


def triangle_frames(corners: np.ndarray) -> np.ndarray:
    """Return (P, 3, 3) frames, one axis a row, of triangles with corners (P, 3, 3).

    A triangle without area gets a frame of zeros, so that its offset vanishes.
    """
    first = _normalized(corners[:, 1] - corners[:, 0])
    normal = _normalized(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    return np.stack([first, np.cross(normal, first), normal], axis=1)


def _normalized(vectors: np.ndarray) -> np.ndarray:
    """Return unit vectors; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12)
