"""The user's own mesh on a fitted character: it rides on the tissue and keeps its own shape, to the last vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..anatomy.mesh import Mesh
from ..anatomy.nearest_surface import nearest_on_surface
from .errors import BindingError
from .residual import skin_turns
from .scan import Scan
from .similarity import apply

REACH_MM = 6.0
"""A vertex of the mesh nearer to the skin than this, and facing the same way, rides on it."""
LEAST_FACING = 0.2
TEETH_MM = 5.0
"""A piece nearer to the character's teeth than this, on average, is teeth."""
LEAST_HELD = 0.1
"""Of the mesh's vertices must ride on the skin."""


@dataclass(frozen=True, eq=False)
class SkinBinding:
    """A mesh bound to a skin in one pose, its *reference*.

    A vertex that lies on the skin follows the point of the skin next to it and keeps its distance, turned with the skin
    there. The others (the bag of the mouth, what lies behind the neck) are spread smoothly between those; what hangs
    together with none of those stays.

    Attributes:
        skin: the template's skin in the reference.
        corners: (B, 3) vertices of the skin for each vertex of the mesh.
        barycentric: (B, 3).
        offsets: (B, 3) mm, from the point of the skin to the vertex, in the reference.
        held: (B,) bool, rides on the skin.
        spread: (B, B) sparse: displacements of all from those of the held.
        vertices: (B, 3) mm, the mesh in the reference.
    """

    skin: Mesh
    corners: np.ndarray
    barycentric: np.ndarray
    offsets: np.ndarray
    held: np.ndarray
    spread: csr_matrix
    vertices: np.ndarray

    @classmethod
    def bind(cls, mesh: Scan, skin: Mesh) -> SkinBinding:
        """Bind a mesh to a skin in the same pose, both in mm in the frame of the model.

        Raises:
            BindingError: hardly anything of the mesh lies on the skin.
        """
        hits = nearest_on_surface(mesh.vertices, skin.vertices, skin.triangles)
        facing = np.einsum("px,px->p", mesh.normals, hits.interpolate(skin.vertex_normals, skin.triangles))
        held = (hits.distances < REACH_MM) & (facing > LEAST_FACING)
        if held.mean() < LEAST_HELD:
            raise BindingError(
                f"Only {100 * held.mean():.0f} % of the mesh's vertices lie on the fitted skin; at least "
                f"{100 * LEAST_HELD:.0f} % are needed. Bind the mesh that was fitted, and as lashes what lies on its skin."
            )
        base = hits.interpolate(skin.vertices, skin.triangles)
        return cls(
            skin=skin,
            corners=skin.triangles[hits.triangles],
            barycentric=hits.barycentric,
            offsets=mesh.vertices - base,
            held=held,
            spread=_spread(mesh, held),
            vertices=mesh.vertices,
        )

    def apply(self, posed: np.ndarray) -> np.ndarray:
        """The mesh (B, 3) for a posed skin (V, 3); exactly itself for the reference."""
        turns = np.swapaxes(skin_turns(self.skin, self.skin.vertices, posed), 1, 2) - np.eye(3)
        moved = np.einsum("pc,pcx->px", self.barycentric, (posed - self.skin.vertices)[self.corners])
        moved += np.einsum("pc,pcxy,py->px", self.barycentric, turns[self.corners], self.offsets)
        return self.vertices + self.spread @ np.where(self.held[:, None], moved, 0.0)


def _spread(mesh: Scan, held: np.ndarray) -> csr_matrix:
    """The matrix (B, B) that continues displacements of held vertices to the others.

    Harmonic: no vertex moves farther than those between which it lies. (A bi-Laplacian is smoother, and throws the bag of
    an open mouth through the upper lip.)
    """
    count = len(held)
    sides = np.concatenate([mesh.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    both = np.concatenate([sides, sides[:, ::-1]])
    adjacency = coo_matrix((np.ones(len(both)), both.T), shape=(count, count)).tocsr()
    _, component = connected_components(adjacency, directed=False)
    reached = np.isin(component, np.unique(component[held]))
    free = np.flatnonzero(~held & reached)
    keep = diags(held.astype(np.float64)).tocsr()
    if not len(free):
        return keep
    laplacian = (diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsr()
    fixed = np.flatnonzero(held)
    # Displacements are as many as there are poses, but the matrix is the same: solve for the columns that matter.
    coupling = laplacian[free][:, fixed]
    used = np.flatnonzero(np.diff(coupling.tocsc().indptr))
    solved = splu(laplacian[free][:, free].tocsc()).solve(-coupling[:, used].toarray())
    rows = np.repeat(free, len(used))
    columns = np.tile(fixed[used], len(free))
    return (keep + coo_matrix((solved.ravel(), (rows, columns)), shape=(count, count))).tocsr()


def sphere_center(points: np.ndarray) -> np.ndarray:
    """The center (3,) of the sphere nearest to points (P, 3)."""
    system = np.column_stack([2.0 * points, np.ones(len(points))])
    return np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0][:3]


def follow_eye(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """An eyeball (P, 3) of its own, turned about its own center as a character's eye by a rigid (4, 4)."""
    center = sphere_center(points)
    return (points - center) @ rotation[:3, :3].T + center


def connected_pieces(mesh: Scan) -> np.ndarray:
    """The number (V,) of the connected piece that every vertex belongs to."""
    sides = np.concatenate([mesh.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    count = len(mesh.vertices)
    return connected_components(coo_matrix((np.ones(len(sides)), sides.T), shape=(count, count)), directed=False)[1]


@dataclass(frozen=True, eq=False)
class MouthBinding:
    """What the user's mesh has inside the mouth: teeth go with skull or mandible, gums and lining with both.

    Attributes:
        vertices: (B, 3) mm, in the reference.
        lower: (B,) 0..1, how far each goes with the jaw.
        distances: (B,) mm from the character's own teeth, the mean of the connected piece.
    """

    vertices: np.ndarray
    lower: np.ndarray
    distances: np.ndarray

    @classmethod
    def bind(cls, mesh: Scan, upper_teeth: np.ndarray, lower_teeth: np.ndarray) -> MouthBinding:
        """Bind by what is nearer, the character's upper (U, 3) or its lower teeth (L, 3), in the same pose, mm.

        A connected piece that lies on the teeth goes as a whole.
        """
        piece = connected_pieces(mesh)
        size = np.bincount(piece)
        upper, lower = (cKDTree(teeth).query(mesh.vertices)[0] for teeth in (upper_teeth, lower_teeth))
        upper_mean, lower_mean = (np.bincount(piece, distance) / size for distance in (upper, lower))
        mean = np.minimum(upper_mean, lower_mean)[piece]
        soft = upper**4 / np.maximum(upper**4 + lower**4, 1e-12)
        whole = (lower_mean < upper_mean)[piece].astype(np.float64)
        return cls(mesh.vertices, np.where(mean < TEETH_MM, whole, soft), mean)

    def apply(self, jaw: np.ndarray) -> np.ndarray:
        """The vertices (B, 3) when the jaw has moved rigidly (4, 4) from the reference."""
        return self.vertices + self.lower[:, None] * (apply(jaw, self.vertices) - self.vertices)
