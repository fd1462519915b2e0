"""Attachment of tissue to bone and to the head beyond the simulated region.

Every sampled point of a bone is tied to the tissue by a spring of high stiffness, E(x) = sum_p k_p / 2 |(W x)_p -
t_p|^2. The springs are part of K, the same for x, y and z, so their stiffness costs the solver nothing: both K and
the full Hessian hold them, and K's factor preconditions them away. Nodes on the border of the tissue are tied to the
target in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from .conditions import BoneShift, ConditionsError
from .membrane import MembraneSprings
from .obstacle import REST_POSE, RigidPose

_LOOSE = 0.03
"""Share of the border's stiffness that holds a piece of tissue which touches neither bone nor border."""


class Embedding(Protocol):
    """Points held by hexahedra, as a material space gives them."""

    hexes: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    areas: np.ndarray | None

    def apply(self, nodes: np.ndarray) -> np.ndarray:
        """Return the (P, 3) positions of the points for (N, 3) nodes."""


def _held(embedding: Embedding, node_count: int, default_area: float) -> tuple[csr_matrix, np.ndarray]:
    """Return the (P, N) matrix of the points that lie in tissue, and the areas (P,) they stand for."""
    inside = embedding.hexes >= 0
    corners, weights = embedding.corners[inside], embedding.weights[inside]
    count = len(corners)
    starts = np.arange(0, 8 * count + 1, 8)
    areas = np.full(count, default_area) if embedding.areas is None else embedding.areas[inside]
    return csr_matrix((weights.ravel(), corners.ravel(), starts), shape=(count, node_count)), areas


@dataclass(frozen=True)
class TargetGradient:
    """Derivatives of a number by the far ends of the springs.

    Attributes:
        skull_points: (S, 3) points of the skull at rest, millimeters; those under the membrane last.
        skull: (S, 3) by these points.
        mandible_points: (J, 3) points of the unedited mandible at rest, millimeters; those under the membrane last.
        mandible: (J, 3) by these points where they are now.
        target_nodes: (N, 3) by the target, of which only the border and what else follows it is read.
    """

    skull_points: np.ndarray
    skull: np.ndarray
    mandible_points: np.ndarray
    mandible: np.ndarray
    target_nodes: np.ndarray


class Attachments:
    """Springs between the tissue and its boundary.

    Args:
        rest_nodes: (N, 3) millimeters.
        skull: points of the tissue on the skull; they stay where they rest.
        mandible: points of the tissue on the mandible; they follow the jaw.
        border: nodes that follow the target.
        graph: (N, N) elastic stiffness, which says what is connected. A piece of tissue without any spring would
            float, so its nodes are tied to the target loosely.
        stiffness_mpa_per_mm: newton per millimeter and square millimeter of bone.
        resolution_mm: edge of a cell; a border node stands for its square.
        membrane: springs of skin without tissue, or None.
        border_stiffness_mpa_per_mm: newton per millimeter and square millimeter of the cut. Where bone and border
            disagree, next to a paralyzed cheek whose jaw opens, the border has to give way: a border as stiff as the bones
            threw nodes of thin cells between the two 300 mm far.

    Attributes:
        matrix: (N, N) stiffness of the springs, newton per millimeter; part of K.
        floating_pieces: number of pieces of tissue that touch neither bone nor border.
    """

    def __init__(
        self,
        rest_nodes: np.ndarray,
        skull: Embedding,
        mandible: Embedding,
        border: np.ndarray,
        graph: csr_matrix,
        stiffness_mpa_per_mm: float,
        resolution_mm: float,
        membrane: MembraneSprings | None = None,
        *,
        border_stiffness_mpa_per_mm: float,
    ) -> None:
        count = len(rest_nodes)
        skull_rows, skull_areas = _held(skull, count, 0.25 * resolution_mm**2)
        mandible_rows, mandible_areas = _held(mandible, count, 0.25 * resolution_mm**2)
        held = np.zeros(count, dtype=bool)
        held[border] = held[skull_rows.indices] = held[mandible_rows.indices] = True
        if membrane is not None:
            held[membrane.nodes] = True
        pieces, label = connected_components(graph, directed=False)
        floating = np.bincount(label, weights=held, minlength=pieces) == 0
        self.floating_pieces = int(floating.sum())
        loose = np.flatnonzero(floating[label])
        self._followers = np.concatenate([np.asarray(border, dtype=np.int64), loose])
        areas = np.full(len(self._followers), resolution_mm**2)
        areas[len(border) :] *= _LOOSE
        ones = np.ones(len(self._followers))
        followers = csr_matrix((ones, self._followers, np.arange(len(ones) + 1)), shape=(len(ones), count))
        self._own_skull = self._skull_rest = skull_rows @ rest_nodes
        self._own_mandible = self._mandible_rest = mandible_rows @ rest_nodes
        rows = [skull_rows, mandible_rows, followers]
        stiffness = [stiffness_mpa_per_mm * part for part in (skull_areas, mandible_areas)]
        stiffness.append(border_stiffness_mpa_per_mm * areas)
        self._membrane = membrane
        if membrane is not None:
            rows.append(membrane.rows)
            stiffness.append(membrane.stiffness)
        self._rows = vstack(rows).tocsr()
        self._stiffness = np.concatenate(stiffness)[:, None]
        self._transposed = self._rows.T.tocsr()
        self._bone_count = skull_rows.shape[0] + mandible_rows.shape[0]
        self.matrix = (self._transposed @ self._rows.multiply(self._stiffness)).tocsr()
        self.set_boundary(rest_nodes, REST_POSE)

    def set_bones(self, shift: BoneShift | None) -> None:
        """Shift the bones at rest; None takes them back to where the identity has them. The boundary is set after it.

        Raises:
            ConditionsError: if the shift has not one row for each attached point.
        """
        skull, mandible = (None, None) if shift is None else (shift.skull, shift.mandible)
        for name, given, own in (("skull", skull, self._own_skull), ("mandible", mandible, self._own_mandible)):
            if given is not None and np.shape(given) != own.shape:
                raise ConditionsError(
                    f"The shift of the {name} has the shape {np.shape(given)}; {len(own)} points are attached to it."
                )
        self._skull_rest = self._own_skull if skull is None else self._own_skull + skull
        self._mandible_rest = self._own_mandible if mandible is None else self._own_mandible + mandible

    def set_boundary(self, target_nodes: np.ndarray, pose: RigidPose) -> None:
        """Move the far ends of the springs.

        Args:
            target_nodes: (N, 3) target, of which the border nodes are read.
            pose: moves the mandible from rest.
        """
        mandible = pose.on_mandible(self._mandible_rest)
        targets = [self._skull_rest, mandible, target_nodes[self._followers]]
        if self._membrane is not None:
            targets.append(self._membrane.targets(target_nodes, pose.on_mandible))
        self._targets = np.concatenate(targets)

    def disagreement(self, target_nodes: np.ndarray, pose: RigidPose) -> np.ndarray:
        """Return the forces (N, 3) in newton by which the unedited bones in a pose would pull a target (N, 3) to them."""
        targets = [self._own_skull, pose.on_mandible(self._own_mandible), target_nodes[self._followers]]
        if self._membrane is not None:
            targets.append(self._membrane.targets(target_nodes, pose.on_mandible))
        return self._transposed @ (self._stiffness * (np.concatenate(targets) - self._rows @ target_nodes))

    def energy_and_gradient(self, nodes: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the energy of the springs in newton millimeter and its gradient (N, 3) in newton."""
        stretch = self._rows @ nodes - self._targets
        force = self._stiffness * stretch
        return 0.5 * float(np.vdot(stretch, force)), self._transposed @ force

    def target_gradient(self, adjoint: np.ndarray) -> TargetGradient:
        """Return how minus the work of an adjoint displacement against the springs changes with their far ends.

        Args:
            adjoint: (N, 3).

        Returns:
            The derivatives of -adjoint . (gradient of the energy), which are k W adjoint.
        """
        pulls = self._stiffness * (self._rows @ adjoint)
        counts = [len(self._skull_rest), len(self._mandible_rest), len(self._followers)]
        skull, mandible, followers, membrane = np.split(pulls, np.cumsum(counts))
        skull_points, mandible_points = [self._skull_rest], [self._mandible_rest]
        target_nodes = np.zeros_like(adjoint)
        np.add.at(target_nodes, self._followers, followers)
        skull, mandible = [skull], [mandible]
        if self._membrane is not None:
            on_skull, on_mandible, following = self._membrane.split(membrane)
            skull.append(on_skull)
            skull_points.append(self._membrane.skull_rest)
            mandible.append(on_mandible)
            mandible_points.append(self._membrane.mandible_rest)
            target_nodes[self._membrane.following] += following
        return TargetGradient(
            skull_points=np.concatenate(skull_points),
            skull=np.concatenate(skull),
            mandible_points=np.concatenate(mandible_points),
            mandible=np.concatenate(mandible),
            target_nodes=target_nodes,
        )

    def slip(self, nodes: np.ndarray) -> float:
        """Return the largest distance in millimeters between the tissue at nodes (N, 3) and the bone it is attached to."""
        stretch = (self._rows @ nodes - self._targets)[: self._bone_count]
        return float(np.linalg.norm(stretch, axis=1).max(initial=0.0))
