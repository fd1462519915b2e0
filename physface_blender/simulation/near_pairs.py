"""Pairs of elements that are near each other, found once and followed while the surfaces move.

Surfaces that rest against each other stay in contact for many steps, each far shorter than an edge. So all pairs within a
reach are listed once, with their distance (Verlet 1967, there for atoms); where surfaces leap, all that come within reach
anywhere on the way. Two points of a pair cannot have come nearer since than by the largest difference between the
displacements of their corners: neighbors on a sheet move together and drop out at once, however far the sheet has
moved. What is left is measured.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .box_tree import BoxTree, boxes_of, may_meet
from .closest_points import point_triangle, segment_segment

_CHUNKS = 16
"""Parts of a search that run side by side."""

_Boxes = tuple[np.ndarray, ...]
"""Boxes of the nodes and of the faces of a tree, its faces (F, 3), their places (F,) among all faces, its starts, and
the vertices and the edges (F, 3) that are the faces' own."""


class NearPairs:
    """Vertices near faces and edges near edges, among surfaces of which some only move rigidly.

    Elements that share a vertex are no pair, nor are elements of two obstacles.

    Args:
        faces: (F, 3) vertices; those of obstacles last.
        edges: (E, 2) vertices, sides of faces.
        moving_count: vertices from here on belong to obstacles.
    """

    def __init__(self, faces: np.ndarray, edges: np.ndarray, moving_count: int) -> None:
        self._faces = np.ascontiguousarray(faces, dtype=np.int32)
        self._edges = np.ascontiguousarray(edges, dtype=np.int32)
        self._skin_count = int((self._faces[:, 0] < moving_count).sum())
        self._own_vertices, self._own_edges = _owned(self._faces, self._edges)
        self._trees: list[tuple[Any, ...]] = []
        self._reach = -np.inf
        self._reference = self._way = np.zeros((0, 3))
        self._listed: tuple[np.ndarray, ...] = ()
        self._room = 1 << 14

    def find(self, surface: np.ndarray, reach: float, way: np.ndarray | None = None) -> None:
        """List all pairs that are no farther apart than reach somewhere on a way.

        Args:
            surface: (V, 3) vertices.
            reach: millimeters.
            way: (V, 3) how they move on from there along straight lines; None if they stay.
        """
        surface = np.ascontiguousarray(surface)
        way = np.zeros_like(surface) if way is None else np.ascontiguousarray(way)
        if not self._trees:
            parts = np.split(np.arange(len(self._faces), dtype=np.int32), [self._skin_count])
            self._trees = [self._planted(part, surface) for part in parts if len(part)]
        end = surface + way
        boxes = [(*tree.boxes(surface, end), *fixed) for tree, *fixed in self._trees]
        elements = np.hstack([surface, surface, end, end]), self._edges, boxes_of(surface, end, self._edges)
        found = [self._searched(surface, way, reach, boxes[0], other, elements) for other in boxes]
        self._listed = tuple(np.concatenate(lists) for lists in zip(*found, strict=True))
        self._reach, self._reference, self._way = reach, surface, way

    def covers(self, surface: np.ndarray, distance: float, way: np.ndarray | None = None) -> bool:
        """Return whether the list surely holds all pairs that come within a distance.

        Args:
            surface: (V, 3) where the surfaces are.
            distance: millimeters.
            way: (V, 3) how they move on from there; None if they stay.
        """
        left = self._reach - distance
        if left < 0.0 or self._beside(surface) > left:
            return False
        # A straight way between two places that are near the way of the list is near it everywhere.
        return way is None or self._beside(surface + way) <= left

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

    def _planted(self, part: np.ndarray, surface: np.ndarray) -> tuple[Any, ...]:
        """Return a tree over a part (P,) of the faces near each other at vertices (V, 3), and what belongs to its faces."""
        tree = BoxTree(self._faces[part], surface)
        order = part[tree.order]
        return tree, tree.faces, order, tree.starts, self._own_vertices[order], self._own_edges[order]

    def _beside(self, surface: np.ndarray) -> float:
        """Return by how much pairs at vertices (V, 3) may be nearer than the list knows, millimeters.

        That is how differently the vertices lie beside the nearest place of the way that was searched.
        """
        moved = surface - self._reference
        square = np.vdot(self._way, self._way)
        if square > 0.0:
            moved = moved - np.clip(np.vdot(moved, self._way) / square, 0.0, 1.0) * self._way
        return largest_difference(moved)

    def _searched(
        self,
        start: np.ndarray,
        way: np.ndarray,
        reach: float,
        one: _Boxes,
        two: _Boxes,
        elements: tuple[np.ndarray, ...],
    ) -> tuple[np.ndarray, ...]:
        """Search with room for ever more pairs until they fit.

        Returns:
            Faces and vertices (K, 2), their distances (K,) at the start, edges and edges (L, 2), their distances (L,).
        """
        while True:
            room = (_CHUNKS, self._room)
            lists = [(np.empty((*room, 2), np.int32), np.empty(room)) for _ in range(2)]
            found = _meeting(start, way, reach, one, two, one is two, elements, *lists)
            if found.max() <= self._room:
                break
            self._room = int(1.2 * found.max())
        return tuple(
            np.concatenate([part[:count] for part, count in zip(array, counts, strict=True)])
            for arrays, counts in zip(lists, found, strict=True)
            for array in arrays
        )


def largest_difference(displacement: np.ndarray) -> float:
    """Return a bound on the difference between any two of the displacements (V, 3), millimeters."""
    return float(np.linalg.norm(np.ptp(displacement, axis=0)))


def _owned(faces: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give every vertex and every edge to one of the faces it belongs to, so that pairs of faces list nothing twice.

    Returns:
        The vertices and the edges that are each face's own, both (F, 3) int32, filled up with -1 at the end.
    """
    own_vertices = np.full(faces.size, -1, dtype=np.int32)
    vertices, first = np.unique(faces, return_index=True)
    own_vertices[first] = vertices
    count = int(faces.max(initial=0)) + 1
    sides = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2), axis=2).reshape(-1, 2).astype(np.int64)
    sides, first = np.unique(sides[:, 0] * count + sides[:, 1], return_index=True)
    ends = np.sort(edges, axis=1).astype(np.int64)
    own_edges = np.full(faces.size, -1, dtype=np.int32)
    own_edges[first[np.searchsorted(sides, ends[:, 0] * count + ends[:, 1])]] = np.arange(len(edges))
    return tuple(-np.sort(-own.reshape(faces.shape), axis=1) for own in (own_vertices, own_edges))


@numba.njit(cache=True, parallel=True)
def _meeting(start, way, reach, one, two, is_same, elements, face_list, edge_list):
    """Write pairs that come within reach on the way, as far as there is room; return how many each chunk has (2, C)."""
    nodes, boxes, starts = one[0], one[1], one[4]
    other_nodes, other_boxes, other_starts = two[0], two[1], two[4]
    leaves, other_leaves = len(starts) - 1, len(other_starts) - 1
    depth = 0
    while other_leaves >> depth > 1:
        depth += 1
    found = np.zeros((_CHUNKS, 2), np.int64)
    for chunk in numba.prange(_CHUNKS):
        waiting, heights, weights = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(4)
        for leaf in range(chunk, leaves, _CHUNKS):
            waiting[0], heights[0], count = 1, depth, 1
            while count:
                count -= 1
                node, height = waiting[count], heights[count]
                if is_same and ((node + 1) << height) - 1 - other_leaves < leaf:
                    continue  # all leaves below come before this one: it was found from there
                if not may_meet(nodes, leaves + leaf, other_nodes, node, reach):
                    continue
                if height:
                    waiting[count], waiting[count + 1] = 2 * node, 2 * node + 1
                    heights[count] = heights[count + 1] = height - 1
                    count += 2
                    continue
                other = node - other_leaves
                for f in range(starts[leaf], starts[leaf + 1]):
                    begin = f + 1 if is_same and other == leaf else other_starts[other]
                    for g in range(begin, other_starts[other + 1]):
                        if may_meet(boxes, f, other_boxes, g, reach):
                            _list_vertices(
                                start, way, reach, one, f, two, g, elements, face_list, found, chunk, weights
                            )
                            _list_vertices(
                                start, way, reach, two, g, one, f, elements, face_list, found, chunk, weights
                            )
                            _list_edges(
                                start, way, reach, one, f, two, g, is_same, elements, edge_list, found, chunk, weights
                            )
    return found.T


# Written into the loop: what a function takes out of tuples is counted as used, and that by all threads takes longer than
# the tests themselves.
@numba.njit(cache=True, inline="always")
def _list_vertices(start, way, reach, one, f, two, g, elements, listed, found, chunk, weights):
    """Write which own corners of face g come within reach of face f."""
    boxes, faces, order, own, vertex_boxes = one[1], one[2], one[3], two[5], elements[0]
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    for place in range(3):
        v = own[g, place]
        if v < 0:
            return
        if v not in (a, b, c) and may_meet(vertex_boxes, v, boxes, f, reach):
            distance = np.sqrt(point_triangle(start, v, a, b, c, weights))
            nearer = max(_apart(way, v, a), _apart(way, v, b), _apart(way, v, c))
            if distance - np.sqrt(nearer) <= reach:
                _note(listed, found, chunk, 0, order[f], v, distance)


@numba.njit(cache=True, inline="always")
def _list_edges(start, way, reach, one, f, two, g, is_same, elements, listed, found, chunk, weights):
    """Write which own edges of two faces come within reach of each other."""
    own, other_own, edges, boxes = one[6], two[6], elements[1], elements[2]
    for place in range(3):
        first = own[f, place]
        if first < 0:
            return
        a, b = edges[first, 0], edges[first, 1]
        for other_place in range(3):
            second = other_own[g, other_place]
            if second < 0:
                break
            c, d = edges[second, 0], edges[second, 1]
            if c in (a, b) or d in (a, b) or not may_meet(boxes, first, boxes, second, reach):
                continue
            distance = np.sqrt(segment_segment(start, a, b, c, d, weights))
            nearer = max(_apart(way, a, c), _apart(way, a, d), _apart(way, b, c), _apart(way, b, d))
            if distance - np.sqrt(nearer) <= reach:
                low, high = (min(first, second), max(first, second)) if is_same else (first, second)
                _note(listed, found, chunk, 1, low, high, distance)


@numba.njit(cache=True)
def _note(listed, found, chunk, kind, first, second, distance):
    """Write one pair, if there is room."""
    pairs, distances = listed
    at = found[chunk, kind]
    if at < pairs.shape[1]:
        pairs[chunk, at, 0], pairs[chunk, at, 1] = first, second
        distances[chunk, at] = distance
    found[chunk, kind] += 1


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
