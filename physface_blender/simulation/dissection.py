"""A nested-dissection elimination order for a grid, taken from its lattice coordinates.

Hexahedra join only neighboring lattice planes, so all nodes on one plane separate the nodes below from the nodes
above. Dividing again and again by the plane that is smallest for the balance it gives yields an elimination tree
whose leaves are small boxes and whose inner vertices are separators; both are eliminated as dense blocks
(supernodes). Nodes that must come last (those that take part in contact) form the root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAF = 48
"""Boxes of no more nodes than this are not divided further."""
_BRANCHES = 8
"""Independent branches that the elimination tree is divided into where it has so many."""
_LEAST_BRANCH = 400
"""A branch of fewer nodes is not worth a thread of its own."""


@dataclass(frozen=True)
class EliminationTree:
    """Supernodes in the order of elimination, children before parents.

    Attributes:
        order: (N,) int64 node of each position in the order.
        starts: (S + 1,) int64 first position of each supernode.
        parents: (S,) int64 supernode that each is eliminated into; -1 for the root.
        structure: per supernode the ascending positions, all after its own, that its columns fill.
        branches: (B, 2) int64 ranges of supernodes, one after the other from the first on, that do not need each other;
            the supernodes after them are the trunk, the root among them.
    """

    order: np.ndarray
    starts: np.ndarray
    parents: np.ndarray
    structure: tuple[np.ndarray, ...]
    branches: np.ndarray

    @property
    def factor_entries(self) -> int:
        """Numbers stored in the factor, counting dense blocks in full below and on the diagonal."""
        width = np.diff(self.starts)
        return int(sum(k * (k + len(rows)) for k, rows in zip(width, self.structure, strict=True)))


def lattice_coordinates(hexes: np.ndarray, cells: np.ndarray, node_count: int) -> np.ndarray:
    """Return the (N, 3) int64 lattice coordinates of nodes, from hexes (E, 8) and their grid cells (E, 3)."""
    coordinates = np.zeros((node_count, 3), dtype=np.int64)
    for corner in range(8):
        coordinates[hexes[:, corner]] = cells + np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
    return coordinates


def _best_plane(coordinates: np.ndarray) -> tuple[int, int] | None:
    """Return (axis, coordinate) of the plane that divides best, or None if every plane holds everything on one side."""
    best, choice = np.inf, None
    total = len(coordinates)
    for axis in range(3):
        low = coordinates[:, axis].min()
        count = np.bincount(coordinates[:, axis] - low)
        below = np.cumsum(count) - count
        above = total - below - count
        smaller = np.minimum(below, above)
        # A separator of c nodes costs about c^2; halves are preferred to slices, since a slice must be cut again.
        cost = np.where(smaller > 0, count / np.maximum(smaller, 1) ** 0.75, np.inf)
        plane = int(np.argmin(cost))
        if cost[plane] < best:
            best, choice = cost[plane], (axis, plane + low)
    return choice


def dissect(coordinates: np.ndarray, neighbors: tuple[np.ndarray, np.ndarray], last: np.ndarray) -> EliminationTree:
    """Order the nodes of a lattice for sparse Cholesky factorization.

    Args:
        coordinates: (N, 3) int64; nodes whose coordinates differ by more than one along an axis share no hexahedron.
        neighbors: row starts (N + 1,) and columns of the matrix to be factorized (compressed sparse rows, symmetric).
        last: nodes to be eliminated last, as the root; may be empty, and then so is the root.

    Returns:
        The elimination tree. Nodes at one place that belong to different pieces of material are handled alike.
    """
    node_count = len(coordinates)
    is_last = np.zeros(node_count, dtype=bool)
    is_last[last] = True
    groups: list[np.ndarray] = []
    parents: list[int] = []

    def divide(nodes: np.ndarray) -> list[int]:
        """Append the supernodes of a box and return those that have no parent yet."""
        choice = _best_plane(coordinates[nodes]) if len(nodes) > _LEAF else None
        if choice is None:
            groups.append(nodes)
            parents.append(-1)
            return [len(groups) - 1]
        axis, plane = choice
        side = coordinates[nodes, axis] - plane
        open_children = divide(nodes[side < 0]) + divide(nodes[side > 0])
        if not (side == 0).any():
            return open_children
        groups.append(nodes[side == 0])
        parents.append(-1)
        for child in open_children:
            parents[child] = len(groups) - 1
        return [len(groups) - 1]

    rest = np.flatnonzero(~is_last)
    open_children = divide(rest) if len(rest) else []
    groups.append(np.flatnonzero(is_last))
    parents.append(-1)
    for child in open_children:
        parents[child] = len(groups) - 1
    sequence, branches = _branches(np.array(parents), np.array([len(group) for group in groups]))
    renumbered = np.empty(len(groups) + 1, dtype=np.int64)
    renumbered[sequence], renumbered[-1] = np.arange(len(groups)), -1
    groups, parents = [groups[s] for s in sequence], [int(renumbered[parents[s]]) for s in sequence]
    order = np.concatenate(groups)
    starts = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
    return EliminationTree(order, starts, np.array(parents), _structures(order, starts, parents, neighbors), branches)


def _branches(parents: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide a tree, children before parents and the root last, into branches of about the same size and a trunk.

    Args:
        parents: (S,) of each supernode, -1 for the root.
        sizes: (S,) nodes of each.

    Returns:
        The sequence (S,) of the supernodes in which the branches come first, and the ranges (B, 2) of the branches in it.
    """
    totals, root = sizes.copy(), len(parents) - 1
    for s in range(root):
        totals[parents[s]] += totals[s]
    tops = [s for s in range(root) if parents[s] == root]
    while tops and len(tops) < _BRANCHES:
        largest = max(tops, key=lambda top: totals[top])
        children = [s for s in range(largest) if parents[s] == largest]
        if totals[largest] < 2 * _LEAST_BRANCH or not children:
            break
        tops.remove(largest)
        tops += children
    tops = sorted(top for top in tops if totals[top] >= _LEAST_BRANCH)
    branch = np.full(len(parents), len(tops))
    for number, top in enumerate(tops):
        branch[top] = number
    for s in range(root - 1, -1, -1):
        if branch[s] == len(tops):
            branch[s] = branch[parents[s]]
    sequence = np.argsort(branch, kind="stable")
    bounds = np.searchsorted(branch[sequence], np.arange(len(tops) + 1))
    return sequence, np.column_stack([bounds[:-1], bounds[1:]]).astype(np.int64)


def _structures(
    order: np.ndarray, starts: np.ndarray, parents: list[int], neighbors: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Return the filled rows of every supernode: those of its own columns and those its children hand up."""
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    row_starts, columns = neighbors
    handed: list[list[np.ndarray]] = [[] for _ in parents]
    structures: list[np.ndarray] = []
    for s, parent in enumerate(parents):
        nodes = order[starts[s] : starts[s + 1]]
        adjacent = [position[columns[row_starts[n] : row_starts[n + 1]]] for n in nodes]
        rows = np.unique(np.concatenate([starts[:0], *adjacent, *handed[s]]))
        rows = rows[rows >= starts[s + 1]]
        structures.append(rows)
        if parent >= 0:
            handed[parent].append(rows)
        handed[s] = []
    return tuple(structures)
