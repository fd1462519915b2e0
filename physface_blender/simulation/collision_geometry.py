"""The surfaces that collide: a patch of skin carried by the tissue, the teeth and the eyeballs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from .obstacle import Obstacle, RigidPose

if TYPE_CHECKING:
    from ..anatomy.mesh import Mesh

LID_REGIONS = ("upper_lid_left", "lower_lid_left", "upper_lid_right", "lower_lid_right")


@dataclass(frozen=True)
class CollisionGeometry:
    """Colliding surfaces of one character at rest.

    Attributes:
        skin_vertices: (C,) indices into the skin of the template.
        triangles: (T, 3) int32 into skin_vertices.
        corners: (C, 8) int32 nodes that carry each vertex.
        weights: (C, 8) their weights.
        detail: (C, 3) millimeters between the skin and what the nodes carry at rest; added in every pose.
        obstacles: teeth and eyeballs.
        diameter_mm: size of the face that the barrier's distance is measured against.
    """

    skin_vertices: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    detail: np.ndarray
    obstacles: tuple[Obstacle, ...]
    diameter_mm: float

    @staticmethod
    def build(
        skin: Mesh,
        regions: dict[str, np.ndarray],
        corners: np.ndarray,
        weights: np.ndarray,
        rest_nodes: np.ndarray,
        rest_skin: np.ndarray,
        obstacles: tuple[Obstacle, ...],
    ) -> CollisionGeometry:
        """Take the colliding surfaces of a character from the template.

        Args:
            skin: of the template; gives the triangles.
            regions: (V,) weights by name; `contact` and the lids collide.
            corners: (V, 8) nodes that carry each skin vertex, those of a membrane included.
            weights: (V, 8), all 0 where nothing carries a vertex.
            rest_nodes: (N, 3) nodes of the character.
            rest_skin: (V, 3) skin of the character.
            obstacles: the character's teeth and eyeballs.

        Returns:
            The geometry. Triangles with a vertex that nothing carries are left out.
        """
        triangles = skin.triangles
        lids = np.max([regions[name] for name in LID_REGIONS], axis=0) > 0.5
        # The inner side of the lids is part of the eye sockets: the triangles around the edge belong to both.
        collides = (regions["contact"] > 0.5)[triangles].all(axis=1) | lids[triangles].any(axis=1)
        carried = weights.any(axis=1)
        triangles = triangles[collides & carried[triangles].all(axis=1)]
        vertices, numbered = np.unique(triangles, return_inverse=True)
        corners, weights = corners[vertices], weights[vertices]
        face = rest_skin[regions["face"] > 0.5]
        return CollisionGeometry(
            skin_vertices=vertices,
            triangles=numbered.reshape(triangles.shape).astype(np.int32),
            corners=corners,
            weights=weights,
            detail=rest_skin[vertices] - np.einsum("pc,pcd->pd", weights, rest_nodes[corners]),
            obstacles=obstacles,
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
        """(F, 3) int32 triangles of the patch and of the obstacles, numbered in this order."""
        parts, start = [self.triangles], len(self.skin_vertices)
        for obstacle in self.obstacles:
            parts.append(obstacle.triangles + start)
            start += len(obstacle.vertices)
        return np.concatenate(parts).astype(np.int32)

    def surface(self, nodes: np.ndarray, pose: RigidPose) -> np.ndarray:
        """Return all vertices, (C + those of the obstacles, 3) in column-major order, for nodes (N, 3) and a pose."""
        skin = self.patch_matrix @ nodes[self.patch_nodes] + self.detail
        return np.asfortranarray(np.concatenate([skin, *(obstacle.posed(pose) for obstacle in self.obstacles)]))
