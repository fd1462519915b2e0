"""Lays the skin's own topology on the source's skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....anatomy.mesh import Mesh
from ..face_source import FaceSource, mirror_permutation
from .face_layout import FaceLayout, face_layout
from .half_surface import HalfSurface
from .placement import first_places
from .relaxation import Rail, Relaxation
from .surface_walk import SurfaceWalk

#: How often the face's vertices move, and then those of the pockets.
ROUNDS, POCKET_ROUNDS = 300, 40
AGREEING_NORMALS = 0.3


@dataclass(frozen=True)
class Remesh:
    """A mesh whose every vertex is a point of the source's skin.

    Attributes:
        skin: the mesh, its own exact mirror image: the left half, then the right one without the middle.
        source_skin: the skin it lies on.
        corners: (V, 3) vertices of the source under each vertex.
        barycentric: (V, 3) their weights.
        half_count: number of faces of the left half; the others follow in the same order.
        twin: (V,) each vertex's mirror image.
    """

    skin: Mesh
    source_skin: Mesh
    corners: np.ndarray
    barycentric: np.ndarray
    half_count: int
    twin: np.ndarray

    def carried(self, values: np.ndarray) -> np.ndarray:
        """Return values (V, ...) of the source's vertices at this mesh's vertices."""
        return np.einsum("pc,pc...->p...", self.barycentric, values[self.corners])

    def nearest_vertices(self, source_vertices: np.ndarray) -> np.ndarray:
        """Return this mesh's vertices nearest to vertices (P,) of the source, of two mirror images two mirror images.

        Lips lie about a millimeter apart, less than an edge, so only vertices whose normals agree are looked at.
        """
        points, normals = self.source_skin.vertices[source_vertices], self.source_skin.vertex_normals[source_vertices]
        on_right = points[:, 0] < 0
        flip = np.where(on_right, -1.0, 1.0)[:, None] * [1.0, 0.0, 0.0] + [0.0, 1.0, 1.0]
        in_middle = points[:, 0] == 0
        apart = np.linalg.norm((points * flip)[:, None] - self.skin.vertices[None], axis=2)
        apart[(normals * flip) @ self.skin.vertex_normals.T < AGREEING_NORMALS] = np.inf
        apart[in_middle[:, None] & (self.twin != np.arange(len(self.twin)))[None]] = np.inf
        found = apart.argmin(axis=1)
        return np.where(on_right, self.twin[found], found).astype(np.int32)


def remeshed(source: FaceSource, skin: Mesh) -> Remesh:
    """Return the skin's own mesh on the source's skin, whose vertices may have been moved."""
    layout = face_layout()
    half = HalfSurface.of(skin)
    first = first_places(source, skin, layout, half)
    walk = SurfaceWalk(half.vertices, half.triangles)
    rails = [Rail(half.vertices[half.middle], layout.middle), Rail(half.vertices[half.neck], layout.neck)]
    index = first.index
    points = half.places(index, first.barycentric)
    points[layout.middle, 0] = 0.0
    for held, rounds in ((first.stays, ROUNDS), (first.face_stays, POCKET_ROUNDS)):
        points, index = Relaxation(walk, first.plane, layout, rails, held).run(points, index, rounds)
    index, barycentric = walk.toward(points, index)
    return _mirrored(skin, half, layout, index, barycentric)


def _mirrored(skin: Mesh, half: HalfSurface, layout: FaceLayout, index: np.ndarray, barycentric: np.ndarray) -> Remesh:
    """Put the left half and its mirror image together."""
    count, quads, middle = len(index), layout.quads, layout.middle
    side = np.setdiff1d(np.arange(count), middle)
    twin = np.arange(count)
    twin[side] = count + np.arange(len(side))
    left = half.places(index, barycentric)
    left[middle, 0] = 0.0
    corners = half.triangles[index]
    partner = mirror_permutation(skin.vertices)
    mesh = Mesh(
        np.concatenate([left, left[side] * [-1.0, 1.0, 1.0]]),
        np.concatenate([quads, twin[quads][:, ::-1]]).astype(np.int32),
    )
    return Remesh(
        skin=mesh,
        source_skin=skin,
        corners=np.concatenate([corners, partner[corners[side]]]),
        barycentric=np.concatenate([barycentric, barycentric[side]]),
        half_count=len(quads),
        twin=np.concatenate([twin, side]),
    )
