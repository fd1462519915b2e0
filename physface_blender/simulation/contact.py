"""Incremental potential contact between skin and skin, and between skin and teeth (paper 001, section 4.4).

The barrier acts on the patch p = W u + detail, so its Hessian H reaches the nodes as W^T H W. The teeth are obstacles
whose motion is given. The linear systems of a step, (K + W^T H W) d = -g, are solved exactly at the cost of one solve
with K and a small dense one, through the compliance of the patch nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import identity, kron

from .barrier import SurfaceBarrier
from .collision_geometry import CollisionGeometry


@dataclass(frozen=True)
class BarrierTerms:
    """The barrier expanded to second order at one pose, on the patch nodes.

    Attributes:
        energy: newton millimeter.
        gradient: (R, 3) by the patch nodes, newton.
        active: (A,) indices into the patch nodes that some contact moves.
        hessian: (3 A, 3 A) positive semidefinite, newton per millimeter.
        drag: (R, 3) change of the gradient when the obstacles take the step they were asked about, newton.
        pairs: number of contacts.
    """

    energy: float
    gradient: np.ndarray
    active: np.ndarray
    hessian: np.ndarray
    drag: np.ndarray
    pairs: int


class Contact:
    """The colliding surfaces of one character and what keeps them apart.

    Args:
        geometry: the surfaces.
        rest_nodes: (N, 3) nodes at rest, where areas are measured.
        distance_mm: d-hat, the distance at which the barrier begins.
        stiffness_mpa: pressure scale of the barrier.

    Attributes:
        barrier: the barrier between the surfaces.
    """

    def __init__(
        self, geometry: CollisionGeometry, rest_nodes: np.ndarray, distance_mm: float, stiffness_mpa: float
    ) -> None:
        self.geometry = geometry
        self._skin = 3 * len(geometry.skin_vertices)
        rest = geometry.surface(rest_nodes, np.eye(4))
        self.barrier = SurfaceBarrier(rest, geometry.faces, len(geometry.skin_vertices), distance_mm, stiffness_mpa)
        self._spread = kron(geometry.patch_matrix, identity(3), format="csr")
        self._gather = self._spread.T.tocsr()

    def intersects(self, nodes: np.ndarray, jaw: np.ndarray) -> bool:
        """Return whether any two triangles that may collide intersect, at nodes (N, 3) and jaw (4, 4)."""
        return self.barrier.intersects(self.geometry.surface(nodes, jaw))

    def expand(self, surface: np.ndarray, obstacle_step: np.ndarray | None = None) -> BarrierTerms:
        """Return the barrier to second order at a surface.

        Args:
            surface: all vertices, free of intersection.
            obstacle_step: displacement of all vertices, of which that of the teeth is read; None for teeth at rest.
        """
        nodes = len(self.geometry.patch_nodes)
        expansion = self.barrier.expand(surface)
        if expansion is None:
            nothing = np.zeros((nodes, 3))
            return BarrierTerms(0.0, nothing, np.zeros(0, dtype=np.int64), np.zeros((0, 0)), nothing, 0)
        energy, gradient, hessian, pairs = expansion
        drag = np.zeros((nodes, 3))
        if obstacle_step is not None:
            drag = (self._gather @ (hessian[:, self._skin :] @ obstacle_step.ravel()[self._skin :])).reshape(-1, 3)
        reduced = (self._gather @ (hessian[:, : self._skin] @ self._spread)).tocsr()
        active = np.unique(reduced.indices // 3)
        entries = (3 * active[:, None] + np.arange(3)).ravel()
        block = reduced[entries][:, entries].toarray()
        return BarrierTerms(energy, (self._gather @ gradient).reshape(-1, 3), active, block, drag, pairs)


class ContactSolution:
    """Solves with a stiffness matrix to which the Hessian of the barrier was added.

    With C the compliance of the patch nodes, (C^-1 + H) x = y has the solution x = c - C (I + H C)^-1 H c with c = C
    y, which needs only the rows of C that active nodes have.

    Args:
        compliance: (R, R) millimeter per newton.
        terms: the barrier's expansion.
    """

    def __init__(self, compliance: np.ndarray, terms: BarrierTerms) -> None:
        active = terms.active
        count = len(active)
        self._active = active
        self._hessian = terms.hessian
        self._columns = compliance[:, active].astype(np.float64)
        local = self._columns[active]
        product = terms.hessian.reshape(3 * count, count, 3).transpose(0, 2, 1) @ local
        system = np.ascontiguousarray(product.transpose(0, 2, 1)).reshape(3 * count, 3 * count)
        system[np.diag_indices(3 * count)] += 1.0
        self._factor = lu_factor(system, overwrite_a=True, check_finite=False)

    def __call__(self, free: np.ndarray) -> np.ndarray:
        """Return what contact takes off the displacement free (R, 3) that the patch nodes would have without it."""
        load = self._hessian @ free[self._active].ravel()
        return self._columns @ lu_solve(self._factor, load, check_finite=False).reshape(-1, 3)
