"""The barrier between triangles, and how far they may move without touching.

Incremental potential contact (Li et al. 2020; paper 001, section 4.4), in the area-weighted form that `ipctk` calls
physical: a pressure over the surface that grows without bound as the distance goes to zero, and vanishes beyond d-hat.
Energies and forces are those of `ipctk`, to the last digits (a test compares them); they are evaluated here because a
frame asks for them dozens of times, and passing the pairs there and back takes longer than the sums. The Hessian is
the part along the line between the closest points: what turning that line adds is smaller by the ratio of the distance
to the edges (a few percent), and mostly negative, where it would be taken off. Pairs of elements that share a vertex
never count, nor do pairs of obstacles.
"""

from __future__ import annotations

from dataclasses import dataclass

import ipctk
import numba
import numpy as np
from scipy.sparse import csr_matrix

from .closest_points import point_triangle, segment_segment
from .collision_detection import free_fraction
from .near_pairs import NearPairs, largest_difference

_REACH_MM = 0.6
"""Pairs are listed up to this distance, so that a list serves many steps; from 0.4 to 0.8 mm a drag takes the same time."""

_FARTHEST_TRAVEL_MM = 1.5
"""A way on which surfaces come nearer by more than this is gone in several pieces: what is kept of a gap when a way is
stopped short is a share of the gap at the start of the piece."""

_LEAST_MM = 2e-4
"""Surfaces hardly come nearer than this: ten times what single precision can tell apart in a mesh of Blender's."""

_PARALLEL = 1e-3
"""Squared sine of an angle below which the barrier between two edges fades (Li et al. 2020, section 5.2)."""


@dataclass(frozen=True)
class ContactPairs:
    """Closest points nearer than d-hat, each counted once, with the barrier between them.

    Attributes:
        corners: (K, 4) int32 vertices.
        weights: (K, 4) of the corners in the vector between the closest points; 0 where a corner has no part in it.
        normals: (K, 3) unit vectors along it.
        distances: (K,) millimeters.
        energies: (K,) newton millimeter.
        forces: (K, 4, 3) newton, derivatives of the energies by the corners.
        pressures: (K,) newton, derivatives of the energies by the distances, negative.
        curvatures: (K,) newton per millimeter, their second derivatives, positive.
    """

    corners: np.ndarray
    weights: np.ndarray
    normals: np.ndarray
    distances: np.ndarray
    energies: np.ndarray
    forces: np.ndarray
    pressures: np.ndarray
    curvatures: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.distances)

    @property
    def energy(self) -> float:
        """Of all pairs together, newton millimeter."""
        return float(self.energies.sum())

    def gradient(self, vertex_count: int) -> np.ndarray:
        """Return the derivative of the energy by the vertices, (V, 3) newton."""
        gradient = np.zeros((vertex_count, 3))
        np.add.at(gradient, self.corners, self.forces)
        return gradient

    def distance_derivatives(self, vertex_count: int) -> csr_matrix:
        """Return the derivatives of the distances by the vertices, (K, 3 V), x, y and z of each vertex in turn.

        With the curvatures between it and its transpose it makes the Hessian.
        """
        columns = 3 * self.corners[:, :, None] + np.arange(3)
        values = self.weights[:, :, None] * self.normals[:, None, :]
        starts = np.arange(0, 12 * len(self) + 1, 12)
        return csr_matrix((values.ravel(), columns.ravel(), starts), shape=(len(self), 3 * vertex_count))


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
        self.moving_count = moving_count
        self._stiffness = stiffness_mpa
        faces = np.asfortranarray(faces, dtype=np.int32)
        self._mesh = ipctk.CollisionMesh(np.asfortranarray(rest), np.asfortranarray(ipctk.edges(faces)), faces)
        self._mesh.can_collide = ipctk.make_static_obstacle_filter(moving_count)
        self._faces = np.ascontiguousarray(faces)
        self._edges = np.ascontiguousarray(self._mesh.edges, dtype=np.int32)
        # Each area is shared by the two sides of a contact, and by contacts of vertices with faces and of edges.
        self._vertex_areas = self._mesh.vertex_areas / 4.0
        self._edge_areas = self._mesh.edge_areas / 4.0
        lengths = rest[self._edges[:, 1]] - rest[self._edges[:, 0]]
        self._edge_squares = np.einsum("ei,ei->e", lengths, lengths)
        self._near = NearPairs(self._faces, self._edges, moving_count)
        self._known: tuple[np.ndarray, ContactPairs] | None = None

    def intersects(self, surface: np.ndarray) -> bool:
        """Return whether any two triangles that may collide intersect, for vertices (V, 3)."""
        return bool(ipctk.has_intersections(self._mesh, np.asfortranarray(surface)))

    def minimum_distance(self, surface: np.ndarray) -> float:
        """Return the smallest distance in millimeters between elements that may collide, infinite beyond d-hat."""
        return float(self.pairs(surface).distances.min(initial=np.inf))

    def free_fraction(self, start: np.ndarray, end: np.ndarray) -> float:
        """Return the fraction, 0..1, of the straight way between two surfaces that is surely free of collision.

        Args:
            start: (V, 3) free of intersection.
            end: (V, 3).
        """
        # Where surfaces are that near already they may halve their distance, or nothing could move any more.
        least = min(_LEAST_MM, 0.5 * self.minimum_distance(start))
        way = np.ascontiguousarray(end - start)
        if not self._near.covers(start, least, way):
            self._near.find(start, _REACH_MM, way)
        pairs = self._near.within(start, least, way)
        pieces = max(1, int(np.ceil(largest_difference(way) / _FARTHEST_TRAVEL_MM)))
        step = way / pieces
        for piece in range(pieces):
            here = np.ascontiguousarray(start + piece * step)
            fraction = free_fraction(here, step, self._faces, self._edges, *pairs, least)
            if fraction < 1.0:
                return (piece + fraction) / pieces
        return 1.0

    def exact_hessian(self, surface: np.ndarray, *, projected: bool = False) -> csr_matrix | None:
        """Return the true Hessian (3 M, 3 V) by the moving vertices and all, or None where nothing is near.

        It may be indefinite, and is worked out by `ipctk`: for a pose that is differentiated, and where surfaces are
        squeezed so hard that turning the line between closest points costs more than straining the tissue.

        Args:
            surface: (V, 3) free of intersection.
            projected: make that of each pair positive semidefinite.
        """
        face_pairs, edge_pairs = self._near_pairs(surface)
        candidates = ipctk.Candidates()  # its own search would take longer than all the rest
        candidates.fv_candidates = [ipctk.FaceVertexCandidate(*pair) for pair in face_pairs.tolist()]
        candidates.ee_candidates = [ipctk.EdgeEdgeCandidate(*pair) for pair in edge_pairs.tolist()]
        surface = np.asfortranarray(surface)
        collisions = ipctk.NormalCollisions()
        collisions.use_area_weighting = True
        collisions.build(candidates, self._mesh, surface, self.distance_mm)
        if not len(collisions):
            return None
        potential = ipctk.BarrierPotential(self.distance_mm, self._stiffness, use_physical_barrier=True)
        projection = ipctk.PSDProjectionMethod.CLAMP if projected else ipctk.PSDProjectionMethod.NONE
        hessian = potential.hessian(collisions, self._mesh, surface, projection)
        return csr_matrix(hessian)[: 3 * self.moving_count]

    def pairs(self, surface: np.ndarray) -> ContactPairs:
        """Return all contacts at vertices (V, 3), free of intersection; those asked for last are kept."""
        surface = np.ascontiguousarray(surface)
        if self._known is not None and np.array_equal(self._known[0], surface):
            return self._known[1]
        pairs = self._evaluated(surface, *self._near_pairs(surface))
        self._known = (surface, pairs)
        return pairs

    def _near_pairs(self, surface: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return faces and vertices (K, 2) and edges and edges (L, 2) nearer than d-hat at vertices (V, 3)."""
        if not self._near.covers(surface, self.distance_mm):
            self._near.find(surface, _REACH_MM)
        return self._near.within(surface, self.distance_mm)

    def _evaluated(self, surface: np.ndarray, face_pairs: np.ndarray, edge_pairs: np.ndarray) -> ContactPairs:
        """Return the barrier between faces and vertices (K, 2) and between edges (L, 2), same features taken together.

        Several faces have the same closest edge or vertex, and their areas add up. Pairs come in the order in which they
        were found; sums over them are made in one that only the surface decides.
        """
        face_pairs, edge_pairs = (pairs[np.lexsort(pairs.T)] for pairs in (face_pairs, edge_pairs))
        edge_ends = self._edges[edge_pairs[:, 0]], self._edges[edge_pairs[:, 1]]
        corners = np.concatenate(
            [
                np.column_stack([face_pairs[:, 1], self._faces[face_pairs[:, 0]]]),
                np.column_stack(edge_ends),
            ]
        ).astype(np.int32)
        areas = np.concatenate(
            [self._vertex_areas[face_pairs[:, 1]], self._edge_areas[edge_pairs].sum(axis=1)],
        )
        bounds = np.concatenate(
            [np.zeros(len(face_pairs)), _PARALLEL * self._edge_squares[edge_pairs].prod(axis=1)],
        )
        squares, weights, keys = _closest(surface, corners, bounds, len(face_pairs))
        order, first = _grouped(keys)
        kept = order[first]
        areas = np.add.reduceat(areas[order], first) if len(first) else areas
        pairs = corners[kept], weights[kept], np.sqrt(squares[kept])
        return ContactPairs(
            *pairs[:2],
            *_barrier(surface, *pairs, areas, bounds[kept], self._stiffness, self.distance_mm),
        )


def _grouped(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an order (K,) in which equal keys (K,) follow each other, and where each group of it begins."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])


@numba.njit(cache=True, parallel=True)
def _closest(surface, corners, bounds, face_count):
    """Return squared distances (K,), weights (K, 4) and keys (K,) that are equal for pairs of the same features.

    The first face_count pairs are vertices with faces, the others edges. Edges as good as parallel (bounds, mm^4, on the
    square of their cross product) keep their own key: the barrier between them fades, that of a vertex does not.
    """
    squares, weights = np.empty(len(corners)), np.empty((len(corners), 4))
    keys = np.empty(len(corners), np.int64)
    for pair in numba.prange(len(corners)):
        a, b, c, d = corners[pair]
        sides = 1 if pair < face_count else 2
        if sides == 1:
            squares[pair] = point_triangle(surface, a, b, c, d, weights[pair])
        else:
            squares[pair] = segment_segment(surface, a, b, c, d, weights[pair])
        keys[pair] = _feature_key(surface, corners[pair], weights[pair], bounds[pair], sides, np.int64(pair))
    return squares, weights, keys


@numba.njit(cache=True)
def _feature_key(surface, corners, weights, bound, sides, pair):
    first, second = np.empty(2, np.int64), np.empty(3, np.int64)
    first_count = second_count = 0
    for corner in range(4):
        if weights[corner] == 0.0:
            continue
        if corner < sides:
            first[first_count] = corners[corner]
            first_count += 1
        else:
            second[second_count] = corners[corner]
            second_count += 1
    if first_count + second_count == 4 or _parallel_share(surface, corners, bound) < 1.0:
        return pair
    if second_count == 1:
        first, second, second_count = second[:2], first, first_count
    low, high = min(second[0], second[second_count - 1]), max(second[0], second[second_count - 1])
    if second_count == 1:
        return (1 << 60) | (min(first[0], low) << 20) | max(first[0], low)
    return (2 << 60) | (first[0] << 40) | (low << 20) | high


@numba.njit(cache=True)
def _parallel_share(x, corners, bound):
    """Return the squared cross product of the edges ab and cd as a fraction of a bound, 1 at most."""
    if bound == 0.0:
        return 1.0
    a, b, c, d = corners
    ux, uy, uz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
    vx, vy, vz = x[d, 0] - x[c, 0], x[d, 1] - x[c, 1], x[d, 2] - x[c, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return min(1.0, (nx * nx + ny * ny + nz * nz) / bound)


@numba.njit(cache=True, parallel=True)
def _barrier(surface, corners, weights, distances, areas, bounds, stiffness, reach):
    """Return what `ContactPairs` holds besides corners and weights."""
    count = len(corners)
    normals, forces = np.empty((count, 3)), np.empty((count, 4, 3))
    energies, pressures, curvatures = np.empty(count), np.empty(count), np.empty(count)
    for pair in numba.prange(count):
        distance = distances[pair]
        normals[pair] = 0.0
        for corner in range(4):
            for axis in range(3):
                normals[pair, axis] += weights[pair, corner] / distance * surface[corners[pair, corner], axis]
        square, full = distance * distance, reach * reach
        left, logarithm = square - full, np.log(square / full)
        scale = stiffness * areas[pair] / reach**3
        share = _parallel_share(surface, corners[pair], bounds[pair])
        faded = scale * share * (2.0 - share)
        value = -left * left * logarithm
        slope = -2.0 * left * logarithm - left * left / square
        bend = -2.0 * logarithm - 4.0 * left / square + (left / square) ** 2
        energies[pair] = faded * value
        pressures[pair] = faded * slope * 2.0 * distance
        curvatures[pair] = max(0.0, faded * (4.0 * square * bend + 2.0 * slope))
        for corner in range(4):
            for axis in range(3):
                forces[pair, corner, axis] = pressures[pair] * weights[pair, corner] * normals[pair, axis]
        if share < 1.0:
            _add_fading(surface, corners[pair], scale * value * 4.0 * (1.0 - share) / bounds[pair], forces[pair])
    return normals, distances, energies, forces, pressures, curvatures


@numba.njit(cache=True)
def _add_fading(x, corners, scale, forces):
    """Add scale / 2 times the derivative of the squared cross product of the edges ab and cd to forces (4, 3)."""
    a, b, c, d = corners
    ux, uy, uz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
    vx, vy, vz = x[d, 0] - x[c, 0], x[d, 1] - x[c, 1], x[d, 2] - x[c, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    by_first = vy * nz - vz * ny, vz * nx - vx * nz, vx * ny - vy * nx
    by_second = ny * uz - nz * uy, nz * ux - nx * uz, nx * uy - ny * ux
    for axis in range(3):
        forces[0, axis] -= scale * by_first[axis]
        forces[1, axis] += scale * by_first[axis]
        forces[2, axis] -= scale * by_second[axis]
        forces[3, axis] += scale * by_second[axis]
