"""Incremental potential contact between skin and skin, and between skin and teeth (paper 001, section 4.4).

`ipctk` supplies distances, the barrier with its derivatives, and continuous collision detection. The barrier acts on the patch
p = W u + detail, so its Hessian reaches the nodes as W^T H W. The teeth are obstacles whose motion is given; teeth are never
tested against teeth.
"""

from __future__ import annotations

from dataclasses import dataclass

import ipctk
import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_matrix, identity, kron

from .collision_geometry import CollisionGeometry

_MARGIN_MM = 0.4
"""Least distance the surfaces may move before pairs are searched anew."""


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
        stiffness_mpa: pressure scale of the barrier; about four times this acts at half of d-hat.
    """

    def __init__(
        self, geometry: CollisionGeometry, rest_nodes: np.ndarray, distance_mm: float, stiffness_mpa: float
    ) -> None:
        self.geometry = geometry
        self.distance_mm = distance_mm
        self.stiffness_mpa = stiffness_mpa
        self._skin_count = len(geometry.skin_vertices)
        rest = geometry.surface(rest_nodes, np.eye(4))
        faces = np.asfortranarray(geometry.faces)
        self._mesh = ipctk.CollisionMesh(rest, np.asfortranarray(ipctk.edges(faces)), faces)
        self._mesh.can_collide = ipctk.make_static_obstacle_filter(self._skin_count)
        self._spread = kron(geometry.patch_matrix, identity(3), format="csr")
        self._gather = self._spread.T.tocsr()
        self._ccd = ipctk.AdditiveCCD(conservative_rescaling=0.9)
        self._candidates: ipctk.Candidates | None = None
        self._reference: np.ndarray | None = None
        self._margin = 0.0

    def intersects(self, nodes: np.ndarray, jaw: np.ndarray) -> bool:
        """Return whether any two triangles that may collide intersect."""
        return bool(ipctk.has_intersections(self._mesh, self.geometry.surface(nodes, jaw)))

    def minimum_distance(self, surface: np.ndarray) -> float:
        """Return the smallest distance in millimeters between colliding surfaces, infinite beyond d-hat."""
        collisions = self._collisions(surface)
        if not len(collisions):
            return float("inf")
        return float(np.sqrt(collisions.compute_minimum_distance(self._mesh, surface)))

    def free_fraction(self, start: np.ndarray, end: np.ndarray) -> float:
        """Return the fraction in 0..1 of the straight way between two surfaces that is free of collision, with a reserve.

        Args:
            start: all vertices, free of intersection.
            end: all vertices.
        """
        self._prepare(start, end)
        fraction = self._candidates.compute_collision_free_stepsize(
            self._mesh, start, end, min_distance=0.0, narrow_phase_ccd=self._ccd
        )
        return float(fraction)

    def energy(self, surface: np.ndarray) -> float:
        """Return the barrier's energy in newton millimeter at a surface free of intersection."""
        collisions = self._collisions(surface)
        return float(self._barrier()(collisions, self._mesh, surface)) if len(collisions) else 0.0

    def expand(self, surface: np.ndarray, obstacle_step: np.ndarray | None = None) -> BarrierTerms:
        """Return the barrier to second order at a surface.

        Args:
            surface: all vertices, free of intersection.
            obstacle_step: displacement of all vertices, of which that of the teeth is read; None for teeth at rest.
        """
        collisions = self._collisions(surface)
        nodes = len(self.geometry.patch_nodes)
        if not len(collisions):
            return BarrierTerms(
                0.0, np.zeros((nodes, 3)), np.zeros(0, dtype=np.int64), np.zeros((0, 0)), np.zeros((nodes, 3)), 0
            )
        barrier = self._barrier()
        skin = 3 * self._skin_count
        gradient = barrier.gradient(collisions, self._mesh, surface)[:skin]
        hessian = csr_matrix(barrier.hessian(collisions, self._mesh, surface, ipctk.PSDProjectionMethod.CLAMP))[:skin]
        drag = np.zeros((nodes, 3))
        if obstacle_step is not None:
            drag = (self._gather @ (hessian[:, skin:] @ obstacle_step.ravel()[skin:])).reshape(-1, 3)
        reduced = (self._gather @ (hessian[:, :skin] @ self._spread)).tocsr()
        active = np.unique(reduced.indices // 3)
        entries = (3 * active[:, None] + np.arange(3)).ravel()
        return BarrierTerms(
            float(barrier(collisions, self._mesh, surface)),
            (self._gather @ gradient).reshape(-1, 3),
            active,
            reduced[entries][:, entries].toarray(),
            drag,
            len(collisions),
        )

    def _barrier(self) -> ipctk.BarrierPotential:
        return ipctk.BarrierPotential(self.distance_mm, self.stiffness_mpa, use_physical_barrier=True)

    def _collisions(self, surface: np.ndarray) -> ipctk.NormalCollisions:
        self._prepare(surface, surface)
        collisions = ipctk.NormalCollisions()
        collisions.use_area_weighting = True
        collisions.build(self._candidates, self._mesh, surface, self.distance_mm)
        return collisions

    def _prepare(self, start: np.ndarray, end: np.ndarray) -> None:
        """Search pairs that can meet or come within d-hat on the way, unless those known still cover it."""
        if self._reference is not None:
            moved = max(_largest(start - self._reference), _largest(end - self._reference))
            if moved <= self._margin:
                return
        self._margin = max(_MARGIN_MM, 1.05 * _largest(end - start))
        self._reference = start
        self._candidates = ipctk.Candidates()
        self._candidates.build(self._mesh, start, 0.5 * self.distance_mm + self._margin, ipctk.LBVH())


class ContactSolution:
    """Solves with a stiffness matrix to which the Hessian of the barrier was added.

    With C the compliance of the patch nodes, (C^-1 + H) x = y has the solution x = C y - C z, z = (I + H C)^-1 H C y, which needs
    only the rows of C that active nodes have.

    Args:
        compliance: (R, R) millimeter per newton.
        terms: the barrier's expansion.
    """

    def __init__(self, compliance: np.ndarray, terms: BarrierTerms) -> None:
        self._compliance = compliance
        self._terms = terms
        active = terms.active
        self._columns = compliance[:, active]
        local = self._columns[active]
        count = len(active)
        product = terms.hessian.reshape(3 * count, count, 3).transpose(0, 2, 1) @ local
        system = np.ascontiguousarray(product.transpose(0, 2, 1)).reshape(3 * count, 3 * count)
        system[np.diag_indices(3 * count)] += 1.0
        self._factor = lu_factor(system, overwrite_a=True, check_finite=False)

    def __call__(self, right: np.ndarray) -> np.ndarray:
        """Return the solution (R, 3) for a right-hand side (R, 3) on the patch nodes."""
        free = self._compliance @ right
        load = self._terms.hessian @ free[self._terms.active].ravel()
        reaction = lu_solve(self._factor, load, check_finite=False).reshape(-1, 3)
        return free - self._columns @ reaction


def _largest(vectors: np.ndarray) -> float:
    return float(np.sqrt(np.einsum("vi,vi->v", vectors, vectors).max(initial=0.0)))
