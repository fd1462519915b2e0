"""A piece of the surface in the plane, and meshes that are spread evenly over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....anatomy.mesh import Mesh
from ..outer_skin import boundary_loops
from .face_layout import FaceLayout
from .flat_map import disk_map, locate, spread
from .lines import lengths_along

#: How often and how strongly edges are evened out, and the least length they are taken for, millimeters.
ROUNDS, STIFFENING, SHORTEST = 25, 0.35, 0.02


@dataclass(frozen=True)
class Patch:
    """Triangles with places in the plane, none turned over.

    Attributes:
        vertices: (V, 3) millimeters, those of the whole surface.
        triangles: (T, 3) of the patch.
        flat: (V, 2), nan outside the patch.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    flat: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, triangles: np.ndarray) -> Patch:
        """Spread triangles with one boundary on the disk."""
        rim = _rim(triangles)
        length = lengths_along(vertices[np.append(rim, rim[0])])
        return cls(vertices, triangles, disk_map(vertices, triangles, rim, length[:-1] / length[-1]))

    def on_rim(self, points: np.ndarray) -> np.ndarray:
        """Return the flat places (P, 2) of points (P, 3) that lie on the boundary."""
        rim = _rim(self.triangles)
        rim = np.append(rim, rim[0])
        start, along = self.vertices[rim[:-1]], np.diff(self.vertices[rim], axis=0)
        offset = points[:, None] - start[None]
        share = np.clip((offset * along).sum(axis=2) / (along**2).sum(axis=1), 0, 1)
        near = np.linalg.norm(offset - share[:, :, None] * along, axis=2).argmin(axis=1)
        share = np.take_along_axis(share, near[:, None], axis=1)
        return (1 - share) * self.flat[rim[near]] + share * self.flat[rim[near + 1]]

    def evened(self, places: np.ndarray, layout: FaceLayout, vertices: np.ndarray, inner: np.ndarray):
        """Spread a part of a layout so that its edges are about equally long on the surface.

        S. Yoshizawa, A. Belyaev, H.-P. Seidel, A fast and simple stretch-minimizing mesh parameterization (2004): an
        edge that is too long on the surface becomes stiffer in the plane.

        Args:
            places: (N, 2) in the plane, read outside ``inner``.
            layout: the mesh.
            vertices: those of the part.
            inner: those of them that move.

        Returns:
            Triangle (I,) of the patch and barycentric coordinates (I, 3) for ``inner``.
        """
        local = np.full(len(places), -1)
        local[vertices] = np.arange(len(vertices))
        chosen = (local[layout.edges] >= 0).all(axis=1)
        edges, lengths = local[layout.edges[chosen]], layout.lengths[chosen]
        held = local[np.setdiff1d(vertices, inner)]
        weights = 1.0 / lengths
        known = spread(edges, weights, places[vertices], held)
        index, barycentric = locate(known, self.flat, self.triangles)
        for _ in range(ROUNDS):
            ratio = np.maximum(self._lengths(known, edges, index), SHORTEST) / lengths
            weights *= (ratio / np.median(ratio)) ** STIFFENING
            known = spread(edges, weights, known, held)
            index, barycentric = locate(known, self.flat, self.triangles, index)
        return index[local[inner]], barycentric[local[inner]]

    def _lengths(self, known: np.ndarray, edges: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Return (E,) millimeters over the surface under straight edges of the plane."""
        first, last = known[edges[:, 0]], known[edges[:, 1]]
        line = []
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            at, inside = locate((1 - share) * first + share * last, self.flat, self.triangles, index[edges[:, 0]])
            line.append(np.einsum("pc,pcx->px", inside, self.vertices[self.triangles[at]]))
        return np.linalg.norm(np.diff(line, axis=0), axis=2).sum(axis=0)


def _rim(triangles: np.ndarray) -> np.ndarray:
    """Return the boundary vertices of triangles (T, 3), once around."""
    none = np.full((len(triangles), 1), -1)
    return boundary_loops(Mesh(np.zeros((0, 3)), np.concatenate([triangles, none], axis=1)))[0]
