"""Projective dynamics on a coarse mesh: tensors from captured skin, skin from tensors, and the way back.

*An Implicit Physical Face Model Driven by Expression and Style* warms its training up with tensors from passive
simulation: tissue that wants to stay as it is, dragged by the captured skin and the bones, whose stretch is then
taken for the actuation (Srinivasan et al. 2021); its second stage trains through differentiable projective dynamics
(Du et al. 2022). The product's simulator cannot be dragged by its skin, and does more at this size than a training needs,
so this is a solver of its own, for the training only: local and global steps (Bouaziz et al. 2014) with one factorization
and the simulator's elasticity, one tensor a cell.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse

from ...anatomy.embedding import Embedding
from ...anatomy.material_space import MaterialSpace
from ...simulation.elasticity import ShapeTargeting
from ...simulation.factorization import Factor, factorize
from ...simulation.hexahedron import gauss_points, shape_gradients

Array = npt.NDArray[np.float64]

BONE_STIFFNESS = 100.0
"""Of attachment, in multiples of mu per mm^3: a thousand times what a millimetre of tissue opposes."""
SKIN_STIFFNESS = 40.0
"""Of every captured vertex, likewise; tissue then follows within 0.1 to 0.2 mm on average."""
LOOSE_STIFFNESS = 1e-6
"""Of every node to where it rests, so that no piece floats. Nothing else holds the border, where the tissue is cut: people
move there too, and a border that stays cost 0.05 mm of the error over the whole face."""


@dataclass(frozen=True)
class Captured:
    """Skin that drags the tissue.

    Attributes:
        embedding: (P, N) of the captured vertices.
        detail: (P, 3) mm, what the nodes do not carry of them at rest.
    """

    embedding: scipy.sparse.csr_matrix
    detail: Array


class ProjectiveTissue:
    """The soft tissue of one identity on a coarse mesh; E hexahedra, N nodes.

    Args:
        space: the canonical mesh.
        rest_nodes: (N, 3) of the identity, mm.
        captured: skin that drags the tissue, for passive simulation; None for tissue that moves by itself.

    Attributes:
        hexes: (E, 8) nodes.
        slopes: (E, 8, 8, 3) derivative of corner i's weight at point q by the rest coordinates, index (e, q, i).
        weights: (E, 8) mm^3 of tissue that each Gauss point stands for.
        cell_volumes: (E,) mm^3 of tissue in each cell.
        matrix: (N, N) constant, of the global step.
        fixed_forces: (N, 3) right-hand side of what stays: the skull.
        mandible_forces: (N, 4) which, times a jaw (3, 4) transposed, is that of the mandible.
    """

    def __init__(self, space: MaterialSpace, rest_nodes: Array, captured: Captured | None = None) -> None:
        self.rest_nodes, self.captured = rest_nodes, captured
        self.hexes = np.ascontiguousarray(space.hexes, dtype=np.int64)
        # With mu = 1/2 the gradient of the energy is w (F - R A), whose constant part is the matrix of the global step.
        self._elasticity = ShapeTargeting(
            rest_nodes, self.hexes, np.ones(len(self.hexes)), 0.5, np.asarray(space.fill, dtype=np.float64)
        )
        self.slopes = np.ascontiguousarray(
            np.einsum(
                "qia,eqab->eqib", shape_gradients(gauss_points()), self._elasticity.inverse_jacobians, optimize=True
            )
        )
        self.weights = 2.0 * self._elasticity.weights
        self.cell_volumes = self.weights.sum(axis=1)
        count = len(rest_nodes)
        skull, mandible = self._held(space.skull_attachment), self._held(space.mandible_attachment)
        loose = np.full(count, LOOSE_STIFFNESS)
        blocks = np.einsum("eq,eqia,eqja->eij", self.weights, self.slopes, self.slopes, optimize=True)
        rows = np.repeat(self.hexes, 8, axis=1).ravel()
        columns = np.tile(self.hexes, (1, 8)).ravel()
        held = scipy.sparse.diags(loose)
        for weighted, embedding in (skull, mandible):
            held = held + embedding.T @ weighted
        if captured is not None:
            self._drag = SKIN_STIFFNESS * captured.embedding
            held = held + captured.embedding.T @ self._drag
        self._held_by = held.tocsr()
        self.matrix = (
            self._held_by + scipy.sparse.csr_matrix((blocks.ravel(), (rows, columns)), shape=(count, count))
        ).tocsr()
        origin = space.node_positions.min(axis=0)
        self._lattice = np.rint((space.node_positions - origin) / space.resolution_mm).astype(np.int64)
        self.fixed_forces = skull[0].T @ (skull[1] @ rest_nodes) + loose[:, None] * rest_nodes
        rest_mandible = mandible[1] @ rest_nodes
        self.mandible_forces = mandible[0].T @ np.column_stack([rest_mandible, np.ones(len(rest_mandible))])

    @cached_property
    def _factor(self) -> Factor:
        """Of the constant matrix."""
        return factorize(self.matrix, self._lattice, np.zeros(0, dtype=np.int64))

    def _held(self, embedding: Embedding) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
        matrix = embedding.matrix(len(self.rest_nodes))
        return (scipy.sparse.diags(BONE_STIFFNESS * embedding.areas) @ matrix).tocsr(), matrix

    def actuation(self, nodes: Array, stretch_range: tuple[float, float]) -> Array:
        """The stretch (E, 3, 3) of the cells for nodes (N, 3), symmetric: what tensor a cell opposes least.

        Args:
            nodes: (N, 3).
            stretch_range: what the principal stretches are clipped to; also those of cells turned inside out.
        """
        self._elasticity.set_target(nodes)
        share = self.weights / self.cell_volumes[:, None]
        values, vectors = np.linalg.eigh(np.einsum("eq,eqij->eij", share, self._elasticity.actuation))
        return np.einsum("eij,ej,ekj->eik", vectors, np.clip(values, *stretch_range), vectors, optimize=True)

    def solve(
        self, actuation: Array, jaw: Array, skin: Array | None = None, start: Array | None = None, iterations: int = 40
    ) -> Array:
        """Nodes (N, 3) in equilibrium.

        Args:
            actuation: (E, 3, 3) symmetric.
            jaw: (4, 4) rigid motion of the mandible.
            skin: (P, 3) captured positions that drag the tissue, where it was made with captured skin.
            start: (N, 3); None starts at rest.
            iterations: local and global steps.
        """
        fixed = self.fixed_forces + self.mandible_forces @ jaw[:3].T
        if skin is not None:
            fixed += self._drag.T @ (skin - self.captured.detail)
        nodes = self.rest_nodes if start is None else start
        self._elasticity.set_actuation(actuation[:, None])
        for _ in range(iterations):
            _, gradient = self._elasticity.energy_and_gradient(nodes)
            nodes = nodes - self._factor.solve(gradient + self._held_by @ nodes - fixed)
        return nodes

    def gradients(self, nodes: Array, actuation: Array, loss: Array, iterations: int) -> tuple[Array, Array]:
        """How a loss of the nodes in equilibrium changes with the tensors and the jaw: one adjoint solve.

        Args:
            nodes: (N, 3) in equilibrium under the actuation.
            actuation: (E, 3, 3) symmetric.
            loss: (N, 3) derivative of the loss by the nodes.
            iterations: of conjugate gradients on the Hessian, with the constant matrix of the global step before it.

        Returns:
            Derivatives by the actuation (E, 3, 3), symmetric, and by the jaw's matrix (4, 4), as if its entries were free.
        """
        self._elasticity.set_actuation(actuation[:, None])
        self._elasticity.linearize(nodes)
        adjoint = np.zeros_like(loss)
        residual = loss.copy()
        direction = preconditioned = self._factor.solve(residual)
        energy = float((residual * preconditioned).sum())
        for _ in range(iterations):
            product = self._elasticity.hessian_product(direction) + self._held_by @ direction
            curvature = float((direction * product).sum())
            if curvature <= 0.0 or energy <= 0.0:  # squeezed tissue about to snap: what is found so far must do
                break
            step = energy / curvature
            adjoint += step * direction
            residual -= step * product
            preconditioned = self._factor.solve(residual)
            before, energy = energy, float((residual * preconditioned).sum())
            direction = preconditioned + energy / before * direction
        by_actuation = self._elasticity.work_by_actuation(nodes, adjoint).sum(axis=1)
        by_jaw = np.zeros((4, 4))
        by_jaw[:3] = adjoint.T @ self.mandible_forces
        return by_actuation, by_jaw


def carry_skin(space: MaterialSpace, points: Array, nearest: npt.NDArray[np.intp]) -> scipy.sparse.csr_matrix:
    """Embedding (P, N) of canonical points (P, 3) in the hexahedra that hold the template's skin vertices ``nearest`` (P,).

    Points whose nearest vertex lies outside the tissue get an empty row.
    """
    hexes = space.skin.hexes[nearest]
    inside = hexes >= 0
    local = (points - space.origin) / space.resolution_mm - space.cells[hexes]
    low, high = 1.0 - local, local
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
    weights = np.prod(np.where(corners[None] > 0, high[:, None], low[:, None]), axis=2)
    rows = np.repeat(np.flatnonzero(inside), 8)
    return scipy.sparse.csr_matrix(
        (weights[inside].ravel(), (rows, space.hexes[hexes[inside]].ravel())),
        shape=(len(points), len(space.node_positions)),
    )
