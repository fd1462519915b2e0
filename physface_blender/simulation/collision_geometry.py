"""The surfaces that collide: a patch of skin carried by the tissue, and the teeth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from .rigid_motion import transform_points

if TYPE_CHECKING:
    from ..anatomy.material_space import MaterialSpace
    from ..anatomy.template import Template


@dataclass(frozen=True)
class CollisionGeometry:
    """Colliding surfaces of one character at rest.

    Attributes:
        skin_vertices: (C,) indices into the skin of the template.
        triangles: (T, 3) int32 into skin_vertices.
        corners: (C, 8) int32 nodes that carry each vertex.
        weights: (C, 8) their weights.
        detail: (C, 3) millimeters between the skin and what the nodes carry at rest; added in every pose.
        upper_teeth: (V, 3) rest vertices, which never move.
        upper_triangles: (S, 3) int32.
        lower_teeth: (V, 3) rest vertices, which move with the jaw.
        lower_triangles: (S, 3) int32.
        diameter_mm: size of the face that the barrier's distance is measured against.
    """

    skin_vertices: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    detail: np.ndarray
    upper_teeth: np.ndarray
    upper_triangles: np.ndarray
    lower_teeth: np.ndarray
    lower_triangles: np.ndarray
    diameter_mm: float

    @staticmethod
    def build(
        template: Template,
        space: MaterialSpace,
        rest_nodes: np.ndarray,
        rest_skin: np.ndarray,
        upper_teeth: np.ndarray,
        lower_teeth: np.ndarray,
    ) -> CollisionGeometry:
        """Take the colliding surfaces of a character from the template.

        Args:
            template: gives the region `contact` and the triangles.
            space: gives the embedding of the skin.
            rest_nodes: (N, 3) nodes of the character.
            rest_skin: (U, 3) skin of the character.
            upper_teeth: vertices of the character's upper teeth.
            lower_teeth: vertices of the character's lower teeth.

        Returns:
            The geometry. Skin vertices that no tissue carries are left out, and so are the triangles that hold them.
        """
        chosen = (template.regions["contact"] > 0.5) & (space.skin.hexes >= 0)
        skin = template.meshes["skin"].triangles
        skin = skin[chosen[skin].all(axis=1)]
        vertices, triangles = np.unique(skin, return_inverse=True)
        corners, weights = space.skin.corners[vertices], space.skin.weights[vertices]
        carried = np.einsum("pc,pcd->pd", weights, rest_nodes[corners])
        face = rest_skin[template.regions["face"] > 0.5]
        return CollisionGeometry(
            skin_vertices=vertices,
            triangles=triangles.reshape(skin.shape).astype(np.int32),
            corners=corners,
            weights=weights,
            detail=rest_skin[vertices] - carried,
            upper_teeth=np.asarray(upper_teeth, dtype=np.float64),
            upper_triangles=template.meshes["upper_teeth"].triangles.astype(np.int32),
            lower_teeth=np.asarray(lower_teeth, dtype=np.float64),
            lower_triangles=template.meshes["lower_teeth"].triangles.astype(np.int32),
            diameter_mm=float(np.linalg.norm(np.ptp(face, axis=0))),
        )

    @cached_property
    def patch_nodes(self) -> np.ndarray:
        """(R,) ascending nodes that carry the patch."""
        return np.unique(self.corners)

    @cached_property
    def patch_matrix(self) -> csr_matrix:
        """(C, R) weights of the patch nodes."""
        columns = np.searchsorted(self.patch_nodes, self.corners)
        starts = np.arange(0, 8 * len(columns) + 1, 8)
        shape = (len(columns), len(self.patch_nodes))
        matrix = csr_matrix((self.weights.flatten(), columns.ravel(), starts), shape=shape)
        matrix.sum_duplicates()
        return matrix

    @cached_property
    def faces(self) -> np.ndarray:
        """(F, 3) int32 triangles of patch, upper and lower teeth together, numbered in this order."""
        upper = len(self.skin_vertices)
        lower = upper + len(self.upper_teeth)
        return np.concatenate([self.triangles, self.upper_triangles + upper, self.lower_triangles + lower]).astype(
            np.int32
        )

    def surface(self, nodes: np.ndarray, jaw: np.ndarray) -> np.ndarray:
        """Return all vertices, (C + upper + lower, 3) in column-major order, for nodes (N, 3) and a jaw (4, 4)."""
        skin = self.patch_matrix @ nodes[self.patch_nodes] + self.detail
        return np.asfortranarray(np.concatenate([skin, self.upper_teeth, transform_points(jaw, self.lower_teeth)]))
