"""Incremental potential contact between skin and skin, teeth and eyeballs (paper 001, section 4.4).

The barrier acts on the patch p = W u + detail, so its Hessian H reaches the nodes as W^T H W. Teeth and eyeballs are
obstacles whose motion is given. The linear systems of a step, (K + W^T H W) d = -g, are solved exactly at the cost of
one solve with K and a small dense one, through the compliance of the patch nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.sparse import identity, kron

from .barrier import SurfaceBarrier
from .collision_geometry import CollisionGeometry
from .obstacle import REST_POSE, RigidPose


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
        rest = geometry.surface(rest_nodes, REST_POSE)
        self.barrier = SurfaceBarrier(rest, geometry.faces, len(geometry.skin_vertices), distance_mm, stiffness_mpa)
        self._spread = kron(geometry.patch_matrix, identity(3), format="csr")
        self._gather = self._spread.T.tocsr()

    def intersects(self, nodes: np.ndarray, pose: RigidPose) -> bool:
        """Return whether any two triangles that may collide intersect, at nodes (N, 3) and a pose."""
        return self.barrier.intersects(self.geometry.surface(nodes, pose))

    def expand(self, surface: np.ndarray, obstacle_step: np.ndarray | None = None) -> BarrierTerms:
        """Return the barrier to second order at a surface.

        Args:
            surface: all vertices, free of intersection.
            obstacle_step: displacement of all vertices, of which that of the obstacles is read; None if they rest.
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

    With C the compliance of the patch nodes, (C^-1 + H) x = C^-1 c has on the active nodes a the solution x_a =
    (C_aa^-1 + H)^-1 C_aa^-1 c_a, and elsewhere contact takes C H x_a off c. C_aa is the same for x, y and z, so its
    inverse costs little, and what is left is one symmetric positive definite system.

    Args:
        compliance: (R, R) millimeter per newton.
        terms: the barrier's expansion.
    """

    def __init__(self, compliance: np.ndarray, terms: BarrierTerms) -> None:
        active = terms.active
        self._active = active
        self._hessian = terms.hessian
        self._columns = compliance[:, active]
        local, _ = lapack.dpotrf(self._columns[active].astype(np.float64), lower=1)
        inverse, _ = lapack.dpotri(local, lower=1)
        self._stiffness = np.tril(inverse) + np.tril(inverse, -1).T
        system = terms.hessian.copy()
        for axis in range(3):
            system[axis::3, axis::3] += self._stiffness
        self._factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)

    def __call__(self, free: np.ndarray) -> np.ndarray:
        """Return what contact takes off the displacement free (R, 3) that the patch nodes would have without it."""
        load = self._stiffness @ free[self._active]
        moved = cho_solve(self._factor, load.ravel(), check_finite=False)
        # In single precision, like the factor: a preconditioner need not be better.
        return self._columns @ (self._hessian @ moved).reshape(-1, 3).astype(self._columns.dtype)
