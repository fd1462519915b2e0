"""A polygon mesh as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """Vertices and faces of one part of the face.

    Attributes:
        vertices: (V, 3) float64, millimeters, x to the character's left, y up, z forward.
        faces: (F, 4) int32 vertex indices, counterclockwise seen from outside. A triangle has -1 as
            its fourth index.
    """

    vertices: np.ndarray
    faces: np.ndarray

    @cached_property
    def triangles(self) -> np.ndarray:
        """(T, 3) int32: first the halves (0, 1, 2) of all faces, then (0, 2, 3) of all quads."""
        quads = self.faces[self.faces[:, 3] >= 0]
        return np.concatenate([self.faces[:, :3], quads[:, [0, 2, 3]]]).astype(np.int32)

    @cached_property
    def directed_edges(self) -> np.ndarray:
        """(S, 2) int32: every side of every face, in the face's own direction."""
        quads = self.faces[self.faces[:, 3] >= 0]
        thirds = self.faces[self.faces[:, 3] < 0][:, :3]
        sides = [quads[:, [i, (i + 1) % 4]] for i in range(4)]
        sides += [thirds[:, [i, (i + 1) % 3]] for i in range(3)]
        return np.concatenate(sides).astype(np.int32)

    @cached_property
    def edges(self) -> np.ndarray:
        """(E, 2) int32: every edge once, smaller index first."""
        return np.unique(np.sort(self.directed_edges, axis=1), axis=0)

    @cached_property
    def boundary_edges(self) -> np.ndarray:
        """(B, 2) int32: edges with a face on one side only."""
        unique, count = np.unique(np.sort(self.directed_edges, axis=1), axis=0, return_counts=True)
        return unique[count == 1]

    @cached_property
    def vertex_normals(self) -> np.ndarray:
        """(V, 3) float64 unit normals, weighted by area; zero where a vertex has no face."""
        corners = self.vertices[self.triangles]
        area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.triangles[:, corner], area)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)

    def with_vertices(self, vertices: np.ndarray) -> Mesh:
        """Return the same faces on other vertices, (V, 3) float64 millimeters."""
        return Mesh(np.asarray(vertices, dtype=np.float64), self.faces)
