"""Projective dynamics on a coarse mesh: tensors from captured skin, and skin from tensors.

*An Implicit Physical Face Model Driven by Expression and Style* warms its training up with tensors from passive
simulation: tissue that wants to stay as it is, dragged by the captured skin and the bones, whose stretch is then
taken for the actuation (Srinivasan et al. 2021). The product's simulator cannot be dragged by its skin, so this is a
solver of its own, for the training only: local and global steps (Bouaziz et al. 2014) with one factorization.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg

from ...anatomy.embedding import Embedding
from ...anatomy.material_space import MaterialSpace
from ...simulation.hexahedron import gauss_points, reference_jacobians, shape_gradients
from ...simulation.polar import polar_rotation

Array = npt.NDArray[np.float64]

BONE_STIFFNESS = 100.0
"""Of attachment, in multiples of mu per mm^3: a thousand times what a millimetre of tissue opposes."""
SKIN_STIFFNESS = 20.0
"""Of every captured vertex, likewise; tissue then follows within 0.1 to 0.3 mm on average."""
BORDER_STIFFNESS = 1.0
LOOSE_STIFFNESS = 1e-6
"""Of every node to where it rests, so that no piece floats."""


@numba.njit(cache=True)
def _project(gradients, actuation, rotated):
    """Fill rotated (E, 8, 3, 3) with R A, R the rotation nearest to F A; F and A (E, 8, 3, 3)."""
    for element in range(gradients.shape[0]):
        for point in range(8):
            a = actuation[element, point]
            m = gradients[element, point] @ a
            r = polar_rotation(m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2])
            for i in range(3):
                for j in range(3):
                    rotated[element, point, i, j] = r[3 * i] * a[0, j] + r[3 * i + 1] * a[1, j] + r[3 * i + 2] * a[2, j]


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
    """

    def __init__(self, space: MaterialSpace, rest_nodes: Array, captured: Captured | None = None) -> None:
        self.space, self.rest_nodes, self.captured = space, rest_nodes, captured
        inverse, volume = reference_jacobians(rest_nodes, space.hexes)
        # (E, 8, 8, 3): derivative of corner i's weight at point q by the rest coordinates.
        self._slopes = np.einsum("qia,eqab->eqib", shape_gradients(gauss_points()), inverse, optimize=True)
        self._weights = volume * space.fill[:, None]
        count = len(rest_nodes)
        points = 3 * 8 * len(space.hexes)
        rows = np.repeat(np.arange(points), 8)
        columns = np.repeat(space.hexes[:, None, None, :], 24, axis=1).reshape(-1)
        values = np.moveaxis(self._slopes, 2, 3).reshape(-1)
        self._gradient = scipy.sparse.csr_matrix((values, (rows, columns)), shape=(points, count))
        scale = np.repeat(self._weights.reshape(-1), 3)
        self._divergence = (self._gradient.T @ scipy.sparse.diags(scale)).tocsr()
        self._skull = self._held(space.skull_attachment)
        self._mandible = self._held(space.mandible_attachment)
        border = np.zeros(count)
        border[space.border_nodes] = BORDER_STIFFNESS * space.resolution_mm**2
        self._border = border + LOOSE_STIFFNESS
        matrix = self._divergence @ self._gradient + scipy.sparse.diags(self._border)
        for weighted, held in (self._skull, self._mandible):
            matrix = matrix + held.T @ weighted
        if captured is not None:
            self._drag = SKIN_STIFFNESS * captured.embedding
            matrix = matrix + captured.embedding.T @ self._drag
        self._factor = scipy.sparse.linalg.splu(matrix.tocsc())

    def _held(self, embedding: Embedding) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
        matrix = embedding.matrix(len(self.rest_nodes))
        return (scipy.sparse.diags(BONE_STIFFNESS * embedding.areas) @ matrix).tocsr(), matrix

    def gradients(self, nodes: Array) -> Array:
        """Deformation gradients (E, 8, 3, 3) at the Gauss points for nodes (N, 3)."""
        return (self._gradient @ nodes).reshape(-1, 8, 3, 3).swapaxes(2, 3)

    @property
    def gauss_volumes(self) -> Array:
        """(E, 8) mm^3 of tissue that each Gauss point stands for."""
        return self._weights

    def actuation(self, nodes: Array, stretch_range: tuple[float, float]) -> Array:
        """The stretch (E, 8, 3, 3) at the Gauss points, symmetric: the deformation gradient without its rotation.

        Args:
            nodes: (N, 3).
            stretch_range: what the principal stretches are clipped to; also those of cells turned inside out.
        """
        _, values, right = np.linalg.svd(self.gradients(nodes))
        return np.einsum("eqji,eqj,eqjk->eqik", right, np.clip(values, *stretch_range), right, optimize=True)

    def solve(
        self, actuation: Array, jaw: Array, skin: Array | None = None, start: Array | None = None, iterations: int = 40
    ) -> Array:
        """Nodes (N, 3) in equilibrium.

        Args:
            actuation: (E, 8, 3, 3) symmetric, at the Gauss points.
            jaw: (4, 4) rigid motion of the mandible.
            skin: (P, 3) captured positions that drag the tissue, where it was made with captured skin.
            start: (N, 3); None starts at rest.
            iterations: local and global steps.
        """
        rest_skull = self._skull[1] @ self.rest_nodes
        rest_mandible = self._mandible[1] @ self.rest_nodes
        fixed = self._skull[0].T @ rest_skull + self._border[:, None] * self.rest_nodes
        fixed += self._mandible[0].T @ (rest_mandible @ jaw[:3, :3].T + jaw[:3, 3])
        if skin is not None:
            fixed += self._drag.T @ (skin - self.captured.detail)
        nodes = self.rest_nodes if start is None else start
        rotated = np.empty((len(self.space.hexes), 8, 3, 3))
        actuation = np.ascontiguousarray(actuation)
        for _ in range(iterations):
            _project(np.ascontiguousarray(self.gradients(nodes)), actuation, rotated)
            nodes = self._factor.solve(fixed + self._divergence @ rotated.swapaxes(2, 3).reshape(-1, 3))
        return nodes


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
