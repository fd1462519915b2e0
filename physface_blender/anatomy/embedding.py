"""Trilinear embedding: points that ride on the hex of their own piece of material."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy.sparse import csr_matrix

from .pieces import CORNER_OFFSETS, SplitCells
from .voxels import SubVoxels


@dataclass(frozen=True)
class Embedding:
    """Points in hexes.

    Attributes:
        hexes: (P,) int32, -1 for a point outside the tissue.
        weights: (P, 8) float64 trilinear weights, sum 1 (0 outside the tissue). A point slightly outside the cell of
            its piece has weights slightly outside 0..1.
        corners: (P, 8) int32 nodes (0 outside the tissue).
        points: (P, 3) canonical mm.
        areas: (P,) mm^2 of surface that a point stands for.
    """

    hexes: np.ndarray
    weights: np.ndarray
    corners: np.ndarray
    points: np.ndarray
    areas: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """(P,) bool: the points that have a hex."""
        return self.hexes >= 0

    def matrix(self, node_count: int) -> csr_matrix:
        """Return the (P, node_count) float64 matrix that takes nodes to points; empty rows outside the tissue."""
        rows = np.repeat(np.flatnonzero(self.inside), 8)
        values = self.weights[self.inside].ravel()
        return csr_matrix((values, (rows, self.corners[self.inside].ravel())), shape=(len(self.hexes), node_count))

    def apply(self, nodes: np.ndarray) -> np.ndarray:
        """Return the points (P, ...) for node values (N, ...); zero outside the tissue."""
        return np.einsum("pk,pk...->p...", self.weights, np.asarray(nodes)[self.corners])


def trilinear_weights(local: np.ndarray) -> np.ndarray:
    """Return the trilinear weights (P, 8) of local coordinates (P, 3), 0..1 in the cell."""
    sides = np.stack([1.0 - local, local], axis=2)
    return sides[:, 0, CORNER_OFFSETS[:, 0]] * sides[:, 1, CORNER_OFFSETS[:, 1]] * sides[:, 2, CORNER_OFFSETS[:, 2]]


def trilinear_gradients(local: np.ndarray) -> np.ndarray:
    """Return the derivatives (P, 8, 3) of the trilinear weights by the local coordinates (P, 3)."""
    sides = np.stack([1.0 - local, local], axis=2)
    a, b, c = (sides[:, axis, CORNER_OFFSETS[:, axis]] for axis in range(3))
    signs = 2.0 * CORNER_OFFSETS - 1.0
    return np.stack([signs[:, 0] * b * c, signs[:, 1] * a * c, signs[:, 2] * a * b], axis=2)


def embed_in_hexes(
    points: np.ndarray, hexes: np.ndarray, split: SplitCells, origin: np.ndarray, edge: float, areas: np.ndarray
) -> Embedding:
    """Embed points (P, 3) in given hexes (P,), -1 for none.

    Args:
        points: canonical mm.
        hexes: the hex of every point.
        split: the hexes.
        origin: (3,) mm, low corner of cell (0, 0, 0).
        edge: edge of a cell, mm.
        areas: (P,) mm^2 to keep with the points.
    """
    inside = hexes >= 0
    local = np.zeros((len(points), 3))
    local[inside] = (points[inside] - origin) / edge - split.cells[hexes[inside]]
    weights = np.where(inside[:, None], trilinear_weights(local), 0.0)
    corners = np.where(inside[:, None], split.hexes[hexes], 0).astype(np.int32)
    return Embedding(hexes.astype(np.int32), weights, corners, points, areas)


class PieceFinder:
    """Finds the piece of material that a point of a surface belongs to.

    Args:
        voxels: the classified sub-voxels.
        split: the hexes made from them.
        division: sub-voxels along the edge of a cell.
        vertices: (V, 3) mm, barrier that a piece may not be seen through (the skin).
        triangles: (T, 3) of the barrier.
    """

    def __init__(
        self, voxels: SubVoxels, split: SplitCells, division: int, vertices: np.ndarray, triangles: np.ndarray
    ) -> None:
        self._voxels = voxels
        self._split = split
        self._division = division
        self._corners = np.ascontiguousarray(vertices[triangles])
        self._bin_edge = max(2.0, 2.0 * voxels.edge)
        self._bin_shape = tuple(int(length * voxels.edge / self._bin_edge) + 1 for length in voxels.states.shape)
        self._starts, self._members = _bin_triangles(
            self._corners, voxels.origin, self._bin_edge, np.array(self._bin_shape)
        )

    def find(self, points: np.ndarray, inward: np.ndarray, reach: float) -> np.ndarray:
        """Return the hex (P,) of the piece beside each point, -1 for none.

        The piece is the one of the best sub-voxel whose center is seen from just inside the point without passing
        through the barrier: nearest, preferring those in the cell that holds the point.

        Args:
            points: (P, 3) on a surface, mm.
            inward: (P, 3) unit vectors into the material.
            reach: how far away a sub-voxel's center may be, mm.
        """
        return _find_pieces(
            np.ascontiguousarray(points),
            np.ascontiguousarray(inward),
            float(reach),
            self._voxels.origin,
            self._voxels.edge,
            self._division,
            self._split.labels,
            self._split.first_piece,
            self._split.piece_hexes,
            self._corners,
            self._starts,
            self._members,
            self._bin_edge,
            np.array(self._bin_shape),
        )


@numba.njit(cache=True)
def _bin_triangles(corners, origin, bin_edge, shape):
    """Sort triangles into bins by their bounding boxes; return (starts, members) of the bins."""
    count = shape[0] * shape[1] * shape[2]
    starts = np.zeros(count + 1, dtype=np.int64)
    boxes = np.empty((len(corners), 6), dtype=np.int64)
    for t in range(len(corners)):
        for axis in range(3):
            low = min(corners[t, 0, axis], corners[t, 1, axis], corners[t, 2, axis])
            high = max(corners[t, 0, axis], corners[t, 1, axis], corners[t, 2, axis])
            boxes[t, axis] = max(int(np.floor((low - origin[axis]) / bin_edge)), 0)
            boxes[t, 3 + axis] = min(int(np.floor((high - origin[axis]) / bin_edge)), shape[axis] - 1)
        for i in range(boxes[t, 0], boxes[t, 3] + 1):
            for j in range(boxes[t, 1], boxes[t, 4] + 1):
                for k in range(boxes[t, 2], boxes[t, 5] + 1):
                    starts[(i * shape[1] + j) * shape[2] + k + 1] += 1
    for b in range(count):
        starts[b + 1] += starts[b]
    members = np.empty(starts[count], dtype=np.int32)
    filled = starts[:-1].copy()
    for t in range(len(corners)):
        for i in range(boxes[t, 0], boxes[t, 3] + 1):
            for j in range(boxes[t, 1], boxes[t, 4] + 1):
                for k in range(boxes[t, 2], boxes[t, 5] + 1):
                    b = (i * shape[1] + j) * shape[2] + k
                    members[filled[b]] = t
                    filled[b] += 1
    return starts, members


@numba.njit(cache=True)
def _segment_hits(start, end, triangle):
    """Whether the segment start -> end crosses the triangle (3, 3)."""
    ax, ay, az = triangle[0, 0], triangle[0, 1], triangle[0, 2]
    bx, by, bz = triangle[1, 0] - ax, triangle[1, 1] - ay, triangle[1, 2] - az
    cx, cy, cz = triangle[2, 0] - ax, triangle[2, 1] - ay, triangle[2, 2] - az
    dx, dy, dz = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    px, py, pz = dy * cz - dz * cy, dz * cx - dx * cz, dx * cy - dy * cx
    determinant = bx * px + by * py + bz * pz
    if determinant == 0.0:
        return False
    sx, sy, sz = start[0] - ax, start[1] - ay, start[2] - az
    u = (sx * px + sy * py + sz * pz) / determinant
    if u < 0.0 or u > 1.0:
        return False
    qx, qy, qz = sy * bz - sz * by, sz * bx - sx * bz, sx * by - sy * bx
    v = (dx * qx + dy * qy + dz * qz) / determinant
    if v < 0.0 or u + v > 1.0:
        return False
    t = (cx * qx + cy * qy + cz * qz) / determinant
    return 0.0 <= t <= 1.0


@numba.njit(cache=True)
def _hidden(start, end, corners, starts, members, origin, bin_edge, shape):
    """Whether a barrier triangle lies between start and end."""
    low = np.empty(3, dtype=np.int64)
    high = np.empty(3, dtype=np.int64)
    for axis in range(3):
        low[axis] = max(int(np.floor((min(start[axis], end[axis]) - origin[axis]) / bin_edge)), 0)
        high[axis] = min(int(np.floor((max(start[axis], end[axis]) - origin[axis]) / bin_edge)), shape[axis] - 1)
    for i in range(low[0], high[0] + 1):
        for j in range(low[1], high[1] + 1):
            for k in range(low[2], high[2] + 1):
                b = (i * shape[1] + j) * shape[2] + k
                for m in range(starts[b], starts[b + 1]):
                    if _segment_hits(start, end, corners[members[m]]):
                        return True
    return False


@numba.njit(cache=True)
def _find_pieces(
    points,
    inward,
    reach,
    origin,
    edge,
    division,
    labels,
    first_piece,
    piece_hexes,
    corners,
    starts,
    members,
    bin_edge,
    shape,
):
    """See `PieceFinder.find`."""
    found = np.full(len(points), -1, dtype=np.int32)
    steps = int(np.ceil(reach / edge))
    most = (2 * steps + 2) ** 3
    keys = np.empty(most)
    candidates = np.empty((most, 4), dtype=np.int64)
    center = np.empty(3)
    start = np.empty(3)
    base = np.empty(3, dtype=np.int64)
    for p in range(len(points)):
        for axis in range(3):
            start[axis] = points[p, axis] + 1e-3 * edge * inward[p, axis]
            base[axis] = int(np.floor((start[axis] - origin[axis]) / edge))
        count = 0
        for i in range(max(base[0] - steps, 0), min(base[0] + steps + 1, labels.shape[0])):
            for j in range(max(base[1] - steps, 0), min(base[1] + steps + 1, labels.shape[1])):
                for k in range(max(base[2] - steps, 0), min(base[2] + steps + 1, labels.shape[2])):
                    label = labels[i, j, k]
                    if label == 0:
                        continue
                    first = first_piece[i // division, j // division, k // division]
                    hexagon = piece_hexes[first + label - 1]
                    if hexagon < 0:
                        continue
                    center[0] = origin[0] + (i + 0.5) * edge
                    center[1] = origin[1] + (j + 0.5) * edge
                    center[2] = origin[2] + (k + 0.5) * edge
                    distance = 0.0
                    for axis in range(3):
                        distance += (center[axis] - start[axis]) ** 2
                    distance = np.sqrt(distance)
                    if distance > reach:
                        continue
                    # How far the point lies outside the candidate's cell.
                    outside = 0.0
                    for axis in range(3):
                        index = i if axis == 0 else (j if axis == 1 else k)
                        low = origin[axis] + (index // division) * division * edge
                        outside = max(outside, low - points[p, axis], points[p, axis] - low - division * edge)
                    keys[count] = distance + 3.0 * outside
                    candidates[count, 0] = i
                    candidates[count, 1] = j
                    candidates[count, 2] = k
                    candidates[count, 3] = hexagon
                    count += 1
        # The best is nearly always seen, so looking for the next best is cheaper than sorting.
        for _ in range(count):
            best = 0
            for c in range(1, count):
                if keys[c] < keys[best]:
                    best = c
            for axis in range(3):
                center[axis] = origin[axis] + (candidates[best, axis] + 0.5) * edge
            if not _hidden(start, center, corners, starts, members, origin, bin_edge, shape):
                found[p] = candidates[best, 3]
                break
            keys[best] = np.inf
    return found
