"""Pairs of elements that are near each other, found once and followed while the surfaces move.

Surfaces that rest against each other stay in contact for many steps, each far shorter than a cell of any search
structure. So all pairs within a reach are listed once, with their distance (Verlet 1967, there for atoms). Two points
of a pair cannot have come nearer since than by the largest difference between the displacements of their corners:
neighbors on a sheet move together and drop out at once, however far the sheet has moved. What is left is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from .closest_points import point_triangle, segment_segment

_CELL_MM = 2.5
"""Edge of the cells in which elements are sorted; about the length of an edge and the reach together."""
_CHUNKS = 8
"""Parts of a search that run side by side."""
_REGION_MM = 10.0
"""What moves farther than this from one search to the next is searched for anew."""


class NearPairs:
    """Vertices near faces and edges near edges, among surfaces of which some only move rigidly.

    Elements that share a vertex are no pair, nor are elements of two obstacles.

    Args:
        faces: (F, 3) vertices.
        edges: (E, 2) vertices.
        moving_count: vertices from here on belong to obstacles.
    """

    def __init__(self, faces: np.ndarray, edges: np.ndarray, moving_count: int) -> None:
        self._faces = np.ascontiguousarray(faces, dtype=np.int32)
        self._edges = np.ascontiguousarray(edges, dtype=np.int32)
        self._moving = moving_count
        self._reach = 0.0
        self._reference = np.zeros((0, 3))
        self._listed: tuple[np.ndarray, ...] = ()
        self._neighborhoods: _Neighborhoods | None = None
        self._room = 1 << 15

    def find(self, surface: np.ndarray, reach: float) -> None:
        """List all pairs no farther apart than reach, millimeters, at vertices (V, 3)."""
        surface = np.ascontiguousarray(surface)
        low = surface[: self._moving].min(axis=0) - reach
        cells = np.ceil((surface[: self._moving].max(axis=0) + reach - low) / _CELL_MM).astype(np.int64) + 1
        face_grid = _sorted_vertices(surface, low, cells)
        edge_grid = _sorted_edges(surface, self._edges, low, cells)
        self._listed = (
            *self._searched(_near_faces, surface, self._faces, self._moving, reach, low, cells, *face_grid),
            *self._searched(_near_edges, surface, self._edges, self._moving, reach, low, cells, *edge_grid),
        )
        self._reach = reach
        self._reference = surface
        self._neighborhoods = _Neighborhoods(surface, self._faces, self._moving)

    def travel(self, displacement: np.ndarray) -> float:
        """Return by how much displacements (V, 3) bring a pair nearer at most, millimeters.

        Infinite before the first search, and for displacements so large that the list says nothing about them.
        """
        return np.inf if self._neighborhoods is None else self._neighborhoods.spread(displacement)

    def covers(self, surface: np.ndarray, distance: float, way: np.ndarray | None = None) -> bool:
        """Return whether the list surely holds all pairs that come within a distance.

        Args:
            surface: (V, 3) where the surfaces are.
            distance: millimeters.
            way: (V, 3) how they move on from there; None if they stay.
        """
        if self._neighborhoods is None:
            return False
        left = self._reach - distance - self.travel(surface - self._reference)
        return left >= (0.0 if way is None else self.travel(way))

    def within(
        self, surface: np.ndarray, distance: float, way: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the listed pairs that may come within a distance.

        Args:
            surface: (V, 3) where the surfaces are.
            distance: millimeters.
            way: (V, 3) how they move on from there along straight lines; None if they stay, and then the pairs returned
                are exactly those of the list within the distance.

        Returns:
            (K, 2) faces and vertices, (L, 2) edges and edges.
        """
        surface = np.ascontiguousarray(surface)
        moved = surface - self._reference
        way = np.zeros((0, 3)) if way is None else np.ascontiguousarray(way)
        face_pairs, face_distances, edge_pairs, edge_distances = self._listed
        chosen_faces = _faces_within(surface, moved, way, self._faces, face_pairs, face_distances, distance)
        chosen_edges = _edges_within(surface, moved, way, self._edges, edge_pairs, edge_distances, distance)
        return face_pairs[chosen_faces], edge_pairs[chosen_edges]

    def _searched(self, search: Callable[..., np.ndarray], *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
        """Call a search with room for ever more pairs until they fit; return pairs (K, 2) and their distances (K,)."""
        while True:
            pairs, distances = np.empty((_CHUNKS, self._room, 2), np.int32), np.empty((_CHUNKS, self._room))
            found = search(*arguments, pairs, distances)
            if found.max() <= self._room:
                break
            self._room = 2 * int(found.max())
        return (
            np.concatenate([part[:count] for part, count in zip(pairs, found, strict=True)]),
            np.concatenate([part[:count] for part, count in zip(distances, found, strict=True)]),
        )


class _Neighborhoods:
    """Bounds on how far two elements can have come nearer to each other, by what is around them.

    Two elements less than `_REGION_MM` apart have their closest points in the same cell of that size or in neighboring
    ones, and these points move no farther than the corners of their elements do. So the displacements of skin in one
    cell are compared with all in the cells around it: what the eyes do does not matter to the lips, nor what one row of
    teeth does to the other.

    Args:
        surface: (V, 3) vertices.
        faces: (F, 3) vertices.
        moving_count: vertices from here on belong to obstacles.
    """

    def __init__(self, surface: np.ndarray, faces: np.ndarray, moving_count: int) -> None:
        corners = np.floor((surface[faces] - surface.min(axis=0)) / _REGION_MM).astype(np.int64) + 1
        self._shape = corners.max(axis=(0, 1)) + 2
        self._corners = faces
        self._first, self._last = corners.min(axis=1), corners.max(axis=1)
        self._moving = moving_count

    def spread(self, displacement: np.ndarray) -> float:
        """Return the largest difference between displacements (V, 3) of one neighborhood, mm, or a bound on it.

        Infinite where elements farther apart than `_REGION_MM` could come near, after two such displacements.
        """
        if largest_difference(displacement) > 0.45 * _REGION_MM:
            return np.inf
        displacement = np.ascontiguousarray(displacement)
        return _largest_spread(displacement, self._corners, self._moving, self._first, self._last, self._shape)


def largest_difference(displacement: np.ndarray) -> float:
    """Return a bound on the difference between any two of the displacements (V, 3), millimeters."""
    return float(np.linalg.norm(np.ptp(displacement, axis=0)))


@numba.njit(cache=True)
def _largest_spread(displacement, faces, moving, first, last, shape):
    """Return the largest difference between displacements of skin in a cell and of anything in the 27 cells around it."""
    # Ranges of the displacements of each cell, of skin and of obstacles.
    bounds = np.empty((2, shape[0], shape[1], shape[2], 6))
    bounds[..., :3] = np.inf
    bounds[..., 3:] = -np.inf
    own = np.empty(6)
    for f in range(len(faces)):
        kind = 0 if faces[f, 0] < moving else 1
        for axis in range(3):
            x, y, z = displacement[faces[f, 0], axis], displacement[faces[f, 1], axis], displacement[faces[f, 2], axis]
            own[axis], own[3 + axis] = min(x, y, z), max(x, y, z)
        for i in range(first[f, 0], last[f, 0] + 1):
            for j in range(first[f, 1], last[f, 1] + 1):
                for k in range(first[f, 2], last[f, 2] + 1):
                    bound = bounds[kind, i, j, k]
                    for axis in range(3):
                        bound[axis] = min(bound[axis], own[axis])
                        bound[3 + axis] = max(bound[3 + axis], own[3 + axis])
    largest = 0.0
    for i in range(1, shape[0] - 1):
        for j in range(1, shape[1] - 1):
            for k in range(1, shape[2] - 1):
                skin = bounds[0, i, j, k]
                if skin[0] > skin[3]:
                    continue
                for near in range(54):
                    around = bounds[near // 27, i - 1 + near // 9 % 3, j - 1 + near // 3 % 3, k - 1 + near % 3]
                    if around[0] > around[3]:
                        continue
                    square = 0.0
                    for axis in range(3):
                        square += max(skin[3 + axis] - around[axis], around[3 + axis] - skin[axis]) ** 2
                    largest = max(largest, square)
    return np.sqrt(largest)


@numba.njit(cache=True)
def _sorted_vertices(surface, low, cells):
    """Return where in the list of vertices each cell starts, and that list."""
    count = cells[0] * cells[1] * cells[2]
    cell_of = np.full(len(surface), -1, np.int64)
    starts = np.zeros(count + 1, np.int64)
    for v in range(len(surface)):
        cell = 0
        for axis in range(3):
            at = int(np.floor((surface[v, axis] - low[axis]) / _CELL_MM))
            if at < 0 or at >= cells[axis]:
                cell = -1
                break
            cell = cell * cells[axis] + at
        cell_of[v] = cell
        if cell >= 0:
            starts[cell + 1] += 1
    for cell in range(count):
        starts[cell + 1] += starts[cell]
    members = np.empty(starts[count], np.int32)
    filled = starts[:-1].copy()
    for v in range(len(surface)):
        if cell_of[v] >= 0:
            members[filled[cell_of[v]]] = v
            filled[cell_of[v]] += 1
    return starts, members


@numba.njit(cache=True)
def _sorted_edges(surface, edges, low, cells):
    """Return where in the list of edges each cell starts, that list, and the box and range of cells of each edge."""
    count = cells[0] * cells[1] * cells[2]
    starts = np.zeros(count + 1, np.int64)
    least, most = np.empty(3), np.empty(3)
    ranges = np.full((len(edges), 6), -1, np.int32)
    boxes = np.empty((len(edges), 6))
    for e in range(len(edges)):
        if not _cells_around(surface, edges[e], 0.0, low, cells, least, most, ranges[e, :3], ranges[e, 3:]):
            ranges[e, 0] = -1
            continue
        boxes[e, :3], boxes[e, 3:] = least, most
        for i in range(ranges[e, 0], ranges[e, 3] + 1):
            for j in range(ranges[e, 1], ranges[e, 4] + 1):
                for k in range(ranges[e, 2], ranges[e, 5] + 1):
                    starts[(i * cells[1] + j) * cells[2] + k + 1] += 1
    for cell in range(count):
        starts[cell + 1] += starts[cell]
    members = np.empty(starts[count], np.int32)
    filled = starts[:-1].copy()
    for e in range(len(edges)):
        if ranges[e, 0] < 0:
            continue
        for i in range(ranges[e, 0], ranges[e, 3] + 1):
            for j in range(ranges[e, 1], ranges[e, 4] + 1):
                for k in range(ranges[e, 2], ranges[e, 5] + 1):
                    cell = (i * cells[1] + j) * cells[2] + k
                    members[filled[cell]] = e
                    filled[cell] += 1
    return starts, members, boxes, ranges


@numba.njit(cache=True, parallel=True)
def _near_faces(surface, faces, moving, reach, low, cells, starts, members, pairs, distances):
    """Write faces and vertices within reach of each other, as far as there is room; return how many each chunk has."""
    found = np.zeros(_CHUNKS, np.int64)
    for chunk in numba.prange(_CHUNKS):
        least, most, weights = np.empty(3), np.empty(3), np.empty(4)
        first, last = np.empty(3, np.int64), np.empty(3, np.int64)
        count = 0
        for f in range(chunk, len(faces), _CHUNKS):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            fixed = a >= moving
            if not _cells_around(surface, faces[f], reach, low, cells, least, most, first, last):
                continue
            for i in range(first[0], last[0] + 1):
                for j in range(first[1], last[1] + 1):
                    row = (i * cells[1] + j) * cells[2]
                    # Cells along the last axis follow each other.
                    for at in range(starts[row + first[2]], starts[row + last[2] + 1]):
                        v = members[at]
                        if (fixed and v >= moving) or v in (a, b, c):
                            continue
                        x, y, z = surface[v, 0], surface[v, 1], surface[v, 2]
                        if x < least[0] or x > most[0] or y < least[1] or y > most[1] or z < least[2] or z > most[2]:
                            continue
                        square = point_triangle(surface, v, a, b, c, weights)
                        if square <= reach * reach:
                            if count < pairs.shape[1]:
                                pairs[chunk, count, 0], pairs[chunk, count, 1] = f, v
                                distances[chunk, count] = np.sqrt(square)
                            count += 1
        found[chunk] = count
    return found


@numba.njit(cache=True, parallel=True)
def _near_edges(surface, edges, moving, reach, low, cells, starts, members, boxes, ranges, pairs, distances):
    """Write edges within reach of each other, as far as there is room; return how many pairs each chunk has."""
    found = np.zeros(_CHUNKS, np.int64)
    for chunk in numba.prange(_CHUNKS):
        least, most, weights = np.empty(3), np.empty(3), np.empty(4)
        first, last = np.empty(3, np.int64), np.empty(3, np.int64)
        count = 0
        for e in range(chunk, len(edges), _CHUNKS):
            a, b = edges[e, 0], edges[e, 1]
            if a >= moving:
                continue
            _cells_around(surface, edges[e], reach, low, cells, least, most, first, last)
            for i in range(first[0], last[0] + 1):
                for j in range(first[1], last[1] + 1):
                    row = (i * cells[1] + j) * cells[2]
                    for k in range(first[2], last[2] + 1):
                        for at in range(starts[row + k], starts[row + k + 1]):
                            other = members[at]
                            c, d = edges[other, 0], edges[other, 1]
                            if (c < moving and other <= e) or c in (a, b) or d in (a, b):
                                continue
                            box = boxes[other]
                            if (
                                box[0] > most[0] or box[3] < least[0]
                                or box[1] > most[1] or box[4] < least[1]
                                or box[2] > most[2] or box[5] < least[2]
                            ):  # fmt: skip
                                continue
                            # Both run through several cells: they meet in the first that they share.
                            if (
                                max(first[0], ranges[other, 0]) != i
                                or max(first[1], ranges[other, 1]) != j
                                or max(first[2], ranges[other, 2]) != k
                            ):
                                continue
                            square = segment_segment(surface, a, b, c, d, weights)
                            if square <= reach * reach:
                                if count < pairs.shape[1]:
                                    pairs[chunk, count, 0], pairs[chunk, count, 1] = e, other
                                    distances[chunk, count] = np.sqrt(square)
                                count += 1
        found[chunk] = count
    return found


@numba.njit(cache=True)
def _cells_around(surface, corners, reach, low, cells, least, most, first, last):
    """Write the box of an element, reach wider on all sides, and its range of cells; False when there are none."""
    for axis in range(3):
        least[axis] = most[axis] = surface[corners[0], axis]
        for corner in corners[1:]:
            least[axis] = min(least[axis], surface[corner, axis])
            most[axis] = max(most[axis], surface[corner, axis])
        least[axis] -= reach
        most[axis] += reach
        start = int(np.floor((least[axis] - low[axis]) / _CELL_MM))
        end = int(np.floor((most[axis] - low[axis]) / _CELL_MM))
        if end < 0 or start >= cells[axis]:
            return False
        first[axis] = max(start, 0)
        last[axis] = min(end, cells[axis] - 1)
    return True


@numba.njit(cache=True, parallel=True)
def _faces_within(surface, moved, way, faces, pairs, distances, limit):
    chosen = np.zeros(len(pairs), np.bool_)
    for pair in numba.prange(len(pairs)):
        f, v = pairs[pair, 0], pairs[pair, 1]
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        allowed = limit
        if len(way):
            allowed += np.sqrt(max(_apart(way, v, a), _apart(way, v, b), _apart(way, v, c)))
        nearer = np.sqrt(max(_apart(moved, v, a), _apart(moved, v, b), _apart(moved, v, c)))
        if distances[pair] - nearer <= allowed:
            weights = np.empty(4)
            chosen[pair] = point_triangle(surface, v, a, b, c, weights) <= allowed * allowed
    return chosen


@numba.njit(cache=True, parallel=True)
def _edges_within(surface, moved, way, edges, pairs, distances, limit):
    chosen = np.zeros(len(pairs), np.bool_)
    for pair in numba.prange(len(pairs)):
        a, b = edges[pairs[pair, 0], 0], edges[pairs[pair, 0], 1]
        c, d = edges[pairs[pair, 1], 0], edges[pairs[pair, 1], 1]
        allowed = limit
        if len(way):
            allowed += np.sqrt(max(_apart(way, a, c), _apart(way, a, d), _apart(way, b, c), _apart(way, b, d)))
        nearer = np.sqrt(max(_apart(moved, a, c), _apart(moved, a, d), _apart(moved, b, c), _apart(moved, b, d)))
        if distances[pair] - nearer <= allowed:
            weights = np.empty(4)
            chosen[pair] = segment_segment(surface, a, b, c, d, weights) <= allowed * allowed
    return chosen


@numba.njit(cache=True)
def _apart(vectors, i, j):
    """Return the squared length of the difference of two vectors."""
    x, y, z = vectors[i, 0] - vectors[j, 0], vectors[i, 1] - vectors[j, 1], vectors[i, 2] - vectors[j, 2]
    return x * x + y * y + z * z
