"""The barrier between triangles, and collision detection along straight ways, from `ipctk`.

Incremental potential contact (Li et al. 2020; paper 001, section 4.4), in its area-weighted form: the barrier is a
pressure over the surface that grows without bound as the distance goes to zero, and vanishes beyond d-hat. Pairs of
elements that share a vertex never count, nor do pairs of obstacles.
"""

from __future__ import annotations

import ipctk
import numpy as np
from scipy.sparse import csr_matrix

from .near_pairs import NearPairs

_MAX_ADVANCES = 1000
"""Bound on the work for one pair of elements; a pair that needs more shortens the step to what is known to be free."""

_REACH_MM = 1.0
"""Pairs are listed up to this distance at least, so that a list serves many steps."""

_FARTHEST_REACH_MM = 2.0
"""Beyond this a list holds so many pairs that a single sweep is faster."""

_SPARE_MM = 0.3
"""What a list reaches farther than the step needs it for; later steps are shorter."""

_LEAST_MM = 2e-4
"""Surfaces hardly come nearer than this: ten times what single precision can tell apart in a mesh of Blender's."""


class SurfaceBarrier:
    """Triangles that must not pass through each other.

    Args:
        rest: (V, 3) vertices at rest, where areas are measured; obstacles last.
        faces: (F, 3) int32.
        moving_count: number of vertices that are no obstacles.
        distance_mm: d-hat, the distance at which the barrier begins.
        stiffness_mpa: pressure scale; about 22 times this acts at d-hat / 10, 4 at d-hat / 2, 1 at 3/4 of d-hat.
    """

    def __init__(
        self, rest: np.ndarray, faces: np.ndarray, moving_count: int, distance_mm: float, stiffness_mpa: float
    ) -> None:
        self.distance_mm = distance_mm
        self._moving = 3 * moving_count
        faces = np.asfortranarray(faces, dtype=np.int32)
        self._mesh = ipctk.CollisionMesh(np.asfortranarray(rest), np.asfortranarray(ipctk.edges(faces)), faces)
        self._mesh.can_collide = ipctk.make_static_obstacle_filter(moving_count)
        self._potential = ipctk.BarrierPotential(distance_mm, stiffness_mpa, use_physical_barrier=True)
        self._detection = ipctk.AdditiveCCD(max_iterations=_MAX_ADVANCES, conservative_rescaling=0.9)
        self._broad_phase = ipctk.LBVH()
        self._near = NearPairs(faces, np.asarray(self._mesh.edges), moving_count)
        self._known: tuple[np.ndarray, ipctk.NormalCollisions] | None = None

    def intersects(self, surface: np.ndarray) -> bool:
        """Return whether any two triangles that may collide intersect, for vertices (V, 3)."""
        return bool(ipctk.has_intersections(self._mesh, np.asfortranarray(surface)))

    def minimum_distance(self, surface: np.ndarray) -> float:
        """Return the smallest distance in millimeters between elements that may collide, infinite beyond d-hat."""
        collisions = self._collisions(surface)
        if not len(collisions):
            return float("inf")
        return float(np.sqrt(collisions.compute_minimum_distance(self._mesh, surface)))

    def free_fraction(self, start: np.ndarray, end: np.ndarray) -> float:
        """Return the fraction, 0..1, of the straight way between two surfaces that is surely free of collision.

        Args:
            start: (V, 3) column-major, free of intersection.
            end: (V, 3) column-major.
        """
        candidates = self._pairs_on_the_way(start, end)
        # Where surfaces are that near already they may halve their distance, or nothing could move any more.
        least = min(_LEAST_MM, 0.5 * self.minimum_distance(start))
        return float(
            candidates.compute_collision_free_stepsize(
                self._mesh, start, end, min_distance=least, narrow_phase_ccd=self._detection
            )
        )

    def energy(self, surface: np.ndarray) -> float:
        """Return the energy in newton millimeter at vertices (V, 3), column-major and free of intersection."""
        collisions = self._collisions(surface)
        return float(self._potential(collisions, self._mesh, surface)) if len(collisions) else 0.0

    def expand(self, surface: np.ndarray) -> tuple[float, np.ndarray, csr_matrix, int] | None:
        """Return the barrier to second order, or None where nothing is nearer than d-hat.

        Args:
            surface: (V, 3) column-major, free of intersection.

        Returns:
            energy in newton millimeter, gradient (3 M,) by the moving vertices, Hessian (3 M, 3 V) positive
            semidefinite on the moving vertices, and the number of pairs. Entries run over vertices, x, y and z of
            each in turn.
        """
        collisions = self._collisions(surface)
        if not len(collisions):
            return None
        hessian = self._potential.hessian(collisions, self._mesh, surface, ipctk.PSDProjectionMethod.CLAMP)
        return (
            float(self._potential(collisions, self._mesh, surface)),
            self._potential.gradient(collisions, self._mesh, surface)[: self._moving],
            csr_matrix(hessian)[: self._moving],
            len(collisions),
        )

    def _collisions(self, surface: np.ndarray) -> ipctk.NormalCollisions:
        """Return the pairs nearer than d-hat; those of the surface asked about last are kept."""
        if self._known is not None and np.array_equal(self._known[0], surface):
            return self._known[1]
        collisions = ipctk.NormalCollisions()
        collisions.use_area_weighting = True
        if not self._near.covers(surface, self.distance_mm):
            self._near.find(surface, _REACH_MM)
        pairs = _candidates(*self._near.within(surface, self.distance_mm))
        collisions.build(pairs, self._mesh, surface, self.distance_mm)
        self._known = (surface.copy(order="F"), collisions)
        return collisions

    def _pairs_on_the_way(self, start: np.ndarray, end: np.ndarray) -> ipctk.Candidates:
        """Return all pairs that can meet on the straight way between two surfaces (V, 3)."""
        way = end - start
        if not self._near.covers(start, _LEAST_MM, way):
            reach = self._near.travel(way) + self.distance_mm + _SPARE_MM
            if reach > _FARTHEST_REACH_MM:
                candidates = ipctk.Candidates()
                candidates.build(self._mesh, start, end, _LEAST_MM, self._broad_phase)
                return candidates
            self._near.find(start, max(reach, _REACH_MM))
        return _candidates(*self._near.within(start, _LEAST_MM, way))


def _candidates(face_pairs: np.ndarray, edge_pairs: np.ndarray) -> ipctk.Candidates:
    """Return pairs of faces and vertices (K, 2) and of edges (L, 2) as `ipctk` takes them."""
    candidates = ipctk.Candidates()
    candidates.fv_candidates = [ipctk.FaceVertexCandidate(face, vertex) for face, vertex in face_pairs.tolist()]
    candidates.ee_candidates = [ipctk.EdgeEdgeCandidate(first, second) for first, second in edge_pairs.tolist()]
    return candidates
