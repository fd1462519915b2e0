"""Quads from blocks and rings that share their sides: the alphabet in which a face's topology is written."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ....anatomy.mesh import Mesh


class BlockLayout:
    """Grows a mesh of quads, without places, from grids with counted sides.

    A side is named by its two ends and has its vertices once, whichever block asks for it, so that blocks fit
    each other vertex by vertex. Quads are counterclockwise seen from outside.
    """

    def __init__(self) -> None:
        """Start without vertices."""
        self.count = 0
        self._quads: list[np.ndarray] = []
        self._corners: dict[str, int] = {}
        self._sides: dict[tuple[str, str], np.ndarray] = {}
        self._lengths: list[tuple[np.ndarray, float]] = []

    def corner(self, name: str) -> int:
        """Return the vertex with a name; it is made when first asked for."""
        if name not in self._corners:
            self._corners[name] = self._new(1)[0]
        return self._corners[name]

    def side(self, first: str, last: str, length: int) -> np.ndarray:
        """Return (length + 1,) vertices from one corner to another; they are made when first asked for.

        Raises:
            ValueError: the side is there with another length.
        """
        if (last, first) in self._sides:
            return self.side(last, first, length)[::-1]
        if (first, last) not in self._sides:
            ends = self.corner(first), self.corner(last)
            self._sides[first, last] = np.array([ends[0], *self._new(length - 1), ends[1]])
        found = self._sides[first, last]
        if len(found) != length + 1:
            raise ValueError(f"The side {first}-{last} has {len(found) - 1} edges and not {length}.")
        return found

    def block(self, bottom: np.ndarray, right: np.ndarray, top: np.ndarray, left: np.ndarray) -> np.ndarray:
        """Add a grid of quads and return its vertices, (columns + 1, rows + 1).

        Args:
            bottom: vertices from left to right.
            right: vertices from bottom to top.
            top: vertices from left to right.
            left: vertices from bottom to top.

        Raises:
            ValueError: opposite sides differ in length, or neighbors do not meet.
        """
        if len(bottom) != len(top) or len(left) != len(right):
            raise ValueError(f"A block of {len(bottom)}/{len(top)} by {len(left)}/{len(right)} has no rows of quads.")
        if (bottom[0], bottom[-1], top[0], top[-1]) != (left[0], right[0], left[-1], right[-1]):
            raise ValueError("The sides of a block do not meet at its corners.")
        grid = np.empty((len(bottom), len(left)), dtype=np.int64)
        grid[:, 0], grid[:, -1], grid[0], grid[-1] = bottom, top, left, right
        grid[1:-1, 1:-1] = self._new((len(bottom) - 2) * (len(left) - 2)).reshape(len(bottom) - 2, -1)
        self.add_grid(grid)
        return grid

    def add_grid(self, grid: np.ndarray) -> None:
        """Add the quads between neighboring vertices of a grid (columns, rows)."""
        quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1)
        self._quads.append(quads.reshape(-1, 4))

    def stretch(self, grid: np.ndarray, lengths: np.ndarray) -> None:
        """Wish for the edges between the rows of a grid (columns, rows + 1) the relative lengths (rows,)."""
        for row, length in enumerate(lengths):
            self._lengths.append((grid[:, row : row + 2], float(length)))

    def rings(self, outermost: np.ndarray, count: int, closed: bool) -> list[np.ndarray]:
        """Add rings of quads inward from a chain and return the chains, the outermost first.

        Args:
            outermost: vertices of a hole's rim, counterclockwise; a closed one names its first vertex once.
            count: how many rings.
            closed: whether the last vertex is followed by the first.
        """
        chains = [outermost]
        for _ in range(count):
            outer, inner = chains[-1], self._new(len(outermost))
            band = np.stack([outer, inner], axis=1)
            self.add_grid(np.concatenate([band, band[:1]]) if closed else band)
            chains.append(inner)
        return chains

    def cap(self, rim: np.ndarray, columns: int, rows: int) -> np.ndarray:
        """Close a closed chain, counterclockwise from the lower left corner, with a grid; return the grid."""
        corners = np.cumsum([0, columns, rows, columns, rows])
        if corners[-1] != len(rim):
            raise ValueError(f"A rim of {len(rim)} edges is not the outline of {columns} by {rows} quads.")
        around = np.append(rim, rim[0])
        bottom, right, top, left = (around[a : b + 1] for a, b in pairwise(corners))
        return self.block(bottom, right, top[::-1], left[::-1])

    def inset(self, grid: np.ndarray, low: tuple[int, int], high: tuple[int, int]) -> np.ndarray:
        """Take the quads between two grid places away again and return the hole's rim, counterclockwise.

        The rim starts at ``low``, the lower left corner (column, row); ``high`` is the upper right corner.
        """
        (left, bottom), (right, top) = low, high
        hole = {
            frozenset(grid[i : i + 2, j : j + 2].ravel().tolist())
            for i in range(left, right)
            for j in range(bottom, top)
        }
        self._quads = [
            np.array([quad for quad in quads.tolist() if frozenset(quad) not in hole]).reshape(-1, 4)
            for quads in self._quads
        ]
        return np.concatenate(
            [
                grid[left:right, bottom],
                grid[right, bottom:top],
                grid[right:left:-1, top],
                grid[left, top:bottom:-1],
            ]
        )

    def finished(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the mesh and what is wished for its edges.

        Returns:
            The quads (F, 4), the number in them of every vertex ever made or -1 where no quad is left, the edges
            (E, 2), and their relative lengths (E,), 1 where nothing was wished.
        """
        quads = np.concatenate(self._quads)
        used = np.unique(quads)
        number = np.full(self.count, -1)
        number[used] = np.arange(len(used))
        edges = edges_of(number[quads])
        lengths = np.ones(len(edges))
        key = edges[:, 0] * len(used) + edges[:, 1]
        for pairs, length in self._lengths:
            pairs = np.sort(number[pairs], axis=1)
            place = np.searchsorted(key, pairs[:, 0] * len(used) + pairs[:, 1])
            found = place[(place < len(key)) & (pairs >= 0).all(axis=1)]
            lengths[found] = length
        return number[quads].astype(np.int32), number, edges, lengths

    def _new(self, count: int) -> np.ndarray:
        """Return the numbers of new vertices."""
        self.count += count
        return np.arange(self.count - count, self.count)


def edges_of(quads: np.ndarray) -> np.ndarray:
    """Return the edges (E, 2) of quads (F, 4), smaller number first."""
    return Mesh(np.zeros((0, 3)), quads).edges
