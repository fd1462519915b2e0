"""Skin with no tissue behind it: the lining of the mouth where it lies on bone.

In the vestibule and behind the last molars the lining lies on gums and bone; no hexahedron fits between. There every
skin vertex is a node of its own, tied to its neighbors, to the bone it lies on and, where the lining goes on into the
throat, to the target. Its displacement is then harmonic over the surface as long as nothing touches it, and contact
moves it like all other skin.

E = sum_edges k / 2 |(p_i - p_j) - (p_i - p_j at rest)|^2 + sum_bone k_b / 2 |p_i - bone(p_i at rest)|^2, the same for
x, y and z, so it is part of K and costs the solver nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

EDGE_STIFFNESS = 1.0
"""In multiples of Young's modulus times a millimeter: a sheet of a millimeter's thickness."""
BONE_STIFFNESS = 10.0
"""In the same unit. Soft enough that a lining between the jaws yields to a tooth, which bone never would."""


@dataclass(frozen=True)
class Membrane:
    """The skin vertices of one template that are nodes of their own.

    Attributes:
        vertices: (L,) ascending skin vertices; the i-th is node N + i, after the N nodes of the hexahedra.
        edges: (M, 2) pairs of skin vertices, each carried by tissue or one of ``vertices``.
        on_skull: (S,) positions in ``vertices`` that lie on the skull.
        on_mandible: (J,) positions in ``vertices`` that lie on the mandible.
        following: (F,) positions in ``vertices`` where the skin goes on beyond; they follow the target.
    """

    vertices: np.ndarray
    edges: np.ndarray
    on_skull: np.ndarray
    on_mandible: np.ndarray
    following: np.ndarray

    def carry(self, corners: np.ndarray, weights: np.ndarray, node_count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes (V, 8) and weights (V, 8) of all skin vertices, those of the membrane included.

        Args:
            corners: (V, 8) nodes that carry each skin vertex.
            weights: (V, 8), all 0 where no tissue carries it.
            node_count: N, nodes of the hexahedra.
        """
        corners, weights = corners.copy(), weights.copy()
        corners[self.vertices] = node_count + np.arange(len(self.vertices))[:, None]
        weights[self.vertices] = np.eye(8)[0]
        return corners, weights

    def rows(self, corners: np.ndarray, weights: np.ndarray, node_count: int) -> csr_matrix:
        """Return the (M, N + L) matrix of the differences along the edges; arguments as for `carry`."""
        corners, weights = self.carry(corners, weights, node_count)
        starts = np.arange(0, 8 * len(corners) + 1, 8)
        shape = (len(corners), node_count + len(self.vertices))
        skin = csr_matrix((weights.ravel(), corners.ravel(), starts), shape=shape)
        return (skin[self.edges[:, 0]] - skin[self.edges[:, 1]]).tocsr()

    def selection(self, positions: np.ndarray, node_count: int) -> csr_matrix:
        """Return the (P, N + L) matrix that picks the nodes at some positions in ``vertices``."""
        count = len(positions)
        shape = (count, node_count + len(self.vertices))
        return csr_matrix((np.ones(count), node_count + positions, np.arange(count + 1)), shape=shape)


class MembraneSprings:
    """The springs of a membrane on one character.

    Args:
        membrane: what is tied to what.
        corners: (V, 8) nodes that carry the skin.
        weights: (V, 8) their weights.
        rest_nodes: (N + L, 3) all nodes at rest, millimeters.
        young_modulus_mpa: of the tissue.

    Attributes:
        rows: (P, N + L) what each spring pulls at.
        stiffness: (P,) newton per millimeter.
        nodes: (L,) the membrane's nodes.
        skull_rest: (S, 3) points on the skull, millimeters.
        mandible_rest: (J, 3) points on the mandible at rest, millimeters.
        following: (F,) nodes that follow the target.
    """

    def __init__(
        self,
        membrane: Membrane,
        corners: np.ndarray,
        weights: np.ndarray,
        rest_nodes: np.ndarray,
        young_modulus_mpa: float,
    ) -> None:
        count = len(rest_nodes) - len(membrane.vertices)
        edges = membrane.rows(corners, weights, count)
        ends = [membrane.on_skull, membrane.on_mandible, membrane.following]
        self.rows = vstack([edges, *(membrane.selection(end, count) for end in ends)]).tocsr()
        bone = BONE_STIFFNESS * np.ones(sum(len(end) for end in ends))
        self.stiffness = young_modulus_mpa * np.concatenate([EDGE_STIFFNESS * np.ones(len(membrane.edges)), bone])
        self.nodes = np.arange(count, len(rest_nodes))
        self._edges_rest = edges @ rest_nodes
        self.skull_rest = rest_nodes[count + membrane.on_skull]
        self.mandible_rest = rest_nodes[count + membrane.on_mandible]
        self.following = count + membrane.following

    def targets(self, target_nodes: np.ndarray, move_mandible: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return where the springs want their points (P, 3).

        Args:
            target_nodes: (N + L, 3) target, which the membrane follows beyond its border.
            move_mandible: moves points (J, 3) with the mandible.
        """
        ends = [self._edges_rest, self.skull_rest, move_mandible(self.mandible_rest), target_nodes[self.following]]
        return np.concatenate(ends)

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Split values (P, 3) of all springs into those to the skull, to the mandible and to the target; edges drop out."""
        counts = [len(self._edges_rest), len(self.skull_rest), len(self.mandible_rest)]
        return np.split(values, np.cumsum(counts))[1:]
