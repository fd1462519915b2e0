"""Boxes in boxes around triangles on straight ways, to find which of them may meet on the way.

Every box is kept at the beginning and at the end of the way; its corners move evenly between, as all vertices in it do, so
that it holds them at any time. Two boxes on their ways overlap, axis by axis, in an interval of time: where the intervals
of all axes have nothing in common, nothing in the one comes near anything in the other, however far both go. A lip that
moves away from the other is told from one that approaches it, and one that slides along the teeth from one that
passes them.
"""

from __future__ import annotations

import numba
import numpy as np

_LEAF_FACES = 4
"""Faces in a box that holds no other boxes, at most."""
_ROUNDING = 1e-9
"""Of a time at which boxes begin or cease to overlap."""


class BoxTree:
    """A balanced binary tree of boxes over faces.

    Args:
        faces: (F, 3) vertices, at least one face.
        surface: (V, 3) vertices where faces that are near each other are put together.

    Attributes:
        faces: (F, 3) in the order of the leaves.
        order: (F,) their places in the faces that were given.
        starts: (L + 1,) where the faces of each leaf begin; L is a power of two.
    """

    def __init__(self, faces: np.ndarray, surface: np.ndarray) -> None:
        depth = max(0, int(np.ceil(np.log2(len(faces) / _LEAF_FACES))))
        centers = surface[faces].mean(axis=1)
        self.starts = np.arange(2**depth + 1) * len(faces) // 2**depth
        order = np.arange(len(faces))
        for level in range(depth):
            starts = self.starts[: -1 : 2 ** (depth - level)]
            sizes = np.diff(np.r_[starts, len(faces)])
            spread = np.maximum.reduceat(centers[order], starts) - np.minimum.reduceat(centers[order], starts)
            group = np.repeat(np.arange(len(starts)), sizes)
            along = centers[order, spread.argmax(axis=1)[group]]
            order = order[np.lexsort((along, group))]
        self.order = order.astype(np.int32)
        self.faces = np.ascontiguousarray(faces[order])

    def boxes(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes of the nodes (2 L, 12) and of the faces (F, 12) for vertices (V, 3) at both ends of a way.

        The children of node i are 2 i and 2 i + 1, the root is node 1. A box is its least and largest corner at the
        start, and the same at the end.
        """
        boxes = boxes_of(start, end, self.faces)
        return _node_boxes(boxes, self.starts), boxes


@numba.njit(cache=True)
def boxes_of(start, end, elements):
    """Return the boxes (K, 12) of elements (K, C) for vertices (V, 3) at both ends of a way."""
    boxes = np.empty((len(elements), 12))
    for element in range(len(elements)):
        for axis in range(3):
            low = high = start[elements[element, 0], axis]
            last_low = last_high = end[elements[element, 0], axis]
            for corner in range(1, elements.shape[1]):
                first, last = start[elements[element, corner], axis], end[elements[element, corner], axis]
                low, high = min(low, first), max(high, first)
                last_low, last_high = min(last_low, last), max(last_high, last)
            boxes[element, axis], boxes[element, 3 + axis] = low, high
            boxes[element, 6 + axis], boxes[element, 9 + axis] = last_low, last_high
    return boxes


@numba.njit(cache=True)
def _node_boxes(boxes, starts):
    leaves = len(starts) - 1
    nodes = np.empty((2 * leaves, 12))
    for leaf in range(leaves):
        nodes[leaves + leaf] = boxes[starts[leaf]]
        for f in range(starts[leaf] + 1, starts[leaf + 1]):
            _widen(nodes, leaves + leaf, boxes, f)
    for node in range(leaves - 1, 0, -1):
        nodes[node] = nodes[2 * node]
        _widen(nodes, node, nodes, 2 * node + 1)
    return nodes


@numba.njit(cache=True)
def _widen(boxes, box, others, other):
    for axis in range(3):
        boxes[box, axis] = min(boxes[box, axis], others[other, axis])
        boxes[box, 3 + axis] = max(boxes[box, 3 + axis], others[other, 3 + axis])
        boxes[box, 6 + axis] = min(boxes[box, 6 + axis], others[other, 6 + axis])
        boxes[box, 9 + axis] = max(boxes[box, 9 + axis], others[other, 9 + axis])


@numba.njit(cache=True)
def may_meet(boxes, one, others, two, reach):
    """Return whether two of the boxes (K, 12) and (L, 12) come within reach along all axes at one time of their ways."""
    earliest, latest = 0.0, 1.0
    for axis in range(3):
        first = boxes[one, 3 + axis] - others[two, axis] + reach
        last = boxes[one, 9 + axis] - others[two, 6 + axis] + reach
        if first < 0.0:
            if last < 0.0:
                return False
            earliest = max(earliest, first / (first - last))
        elif last < 0.0:
            latest = min(latest, first / (first - last))
        first = others[two, 3 + axis] - boxes[one, axis] + reach
        last = others[two, 9 + axis] - boxes[one, 6 + axis] + reach
        if first < 0.0:
            if last < 0.0:
                return False
            earliest = max(earliest, first / (first - last))
        elif last < 0.0:
            latest = min(latest, first / (first - last))
    return earliest <= latest + _ROUNDING
