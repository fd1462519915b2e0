"""Hexes from sub-voxels: every cell is split into its connected pieces of material.

A piece is a set of sub-voxels of one cell that are joined inside that cell. Each piece becomes one hex of its own.
Hexes of neighboring cells share the four nodes of their common face only if their pieces are joined across that face,
so two lips a tenth of a millimeter apart get two hexes at the same place that share no node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .voxels import SubVoxels

#: Pieces that fill less of their cell than this are left out: they hold nothing, and spoil the conditioning.
LEAST_FILL = 0.03
#: Corner i of a hex has the offset (i & 1, i >> 1 & 1, i >> 2 & 1).
CORNER_OFFSETS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])


@dataclass(frozen=True)
class SplitCells:
    """The hexes of one window.

    Attributes:
        node_cells: (N, 3) int32 grid index of every node.
        hexes: (E, 8) int32 nodes.
        cells: (E, 3) int32 grid index of the low corner.
        fill: (E,) float64, part of the cell that the piece fills, at most 1.
        labels: (nx, ny, nz) uint8 per sub-voxel: number of its piece inside its cell, from 1; 0 for none.
        first_piece: (cx, cy, cz) int32: index of the first piece of a cell, -1 for none.
        piece_hexes: (C,) int32: hex of a piece, -1 if it was left out.
    """

    node_cells: np.ndarray
    hexes: np.ndarray
    cells: np.ndarray
    fill: np.ndarray
    labels: np.ndarray
    first_piece: np.ndarray
    piece_hexes: np.ndarray


def count_tissue(voxels: SubVoxels, division: int) -> np.ndarray:
    """Return the number of tissue sub-voxels of every cell, (cx, cy, cz) int32."""
    cx, cy, cz = (length // division for length in voxels.states.shape)
    tissue = (voxels.states & 8) >> 3
    blocks = tissue.reshape(cx, division, cy, division, cz, division)
    return blocks.sum(axis=5, dtype=np.int32).sum(axis=3, dtype=np.int32).sum(axis=1, dtype=np.int32)


def split_cells(voxels: SubVoxels, division: int, active: np.ndarray) -> SplitCells:
    """Make hexes for the active cells.

    Only the largest body of joined pieces is kept; pieces whose hexes end up with the same eight nodes become one hex.

    Args:
        voxels: the classified window; its shape is a multiple of `division`.
        division: sub-voxels along the edge of a cell.
        active: (cx, cy, cz) bool, the cells that may get hexes.

    Returns:
        The hexes and the way from sub-voxels to hexes.

    Raises:
        ValueError: if no cell holds material.
    """
    labels = np.zeros(voxels.states.shape, dtype=np.uint8)
    cell_list = np.argwhere(active).astype(np.int32)
    counts = _label_pieces(voxels.states, division, cell_list, labels)
    piece_counts = (counts > 0).sum(axis=1)
    first_of_cell = np.concatenate([[0], np.cumsum(piece_counts)])
    first_piece = np.full(active.shape, -1, dtype=np.int32)
    first_piece[tuple(cell_list.T)] = np.where(piece_counts > 0, first_of_cell[:-1], -1)
    piece_cells = np.repeat(cell_list, piece_counts, axis=0)
    fill = counts[counts > 0] / float(division**3)
    kept = fill >= LEAST_FILL
    if not kept.any():
        raise ValueError("There is no soft tissue in the cells: the skin and the bones leave no room between them.")

    low, high, axes = _joined_pieces(voxels.states, division, cell_list, labels, first_piece).T
    both = kept[low] & kept[high]
    low, high, axes = low[both], high[both], axes[both]
    graph = coo_matrix((np.ones(len(low), dtype=np.int8), (low, high)), shape=(len(fill), len(fill)))
    _, body = connected_components(graph, directed=False)
    sizes = np.bincount(body, weights=fill * kept)
    kept &= body == sizes.argmax()

    # Nodes: corners of pieces, merged over joined faces.
    offsets = CORNER_OFFSETS
    pairs = []
    for axis in range(3):
        chosen = axes == axis
        for near in range(8):
            if offsets[near, axis] == 1:
                far = near & ~(1 << axis)
                pairs.append(np.stack([low[chosen] * 8 + near, high[chosen] * 8 + far], axis=1))
    pairs = np.concatenate(pairs)
    graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(8 * len(fill),) * 2)
    _, corner_nodes = connected_components(graph, directed=False)
    corner_nodes = corner_nodes.reshape(-1, 8)

    pieces = np.flatnonzero(kept)
    # Pieces with the same eight nodes are the same hex.
    _, first, same = np.unique(corner_nodes[pieces], axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    same = rank[same.ravel()]
    first = first[order]
    hex_nodes = corner_nodes[pieces[first]]
    used, hexes = np.unique(hex_nodes, return_inverse=True)
    hexes = hexes.reshape(-1, 8).astype(np.int32)
    node_cells = np.zeros((len(used), 3), dtype=np.int32)
    cells = piece_cells[pieces[first]]
    node_cells[hexes.ravel()] = (cells[:, None, :] + offsets[None]).reshape(-1, 3)
    piece_hexes = np.full(len(fill), -1, dtype=np.int32)
    piece_hexes[pieces] = same
    return SplitCells(
        node_cells=node_cells,
        hexes=hexes,
        cells=cells,
        fill=np.minimum(np.bincount(same, weights=fill[pieces]), 1.0),
        labels=labels,
        first_piece=first_piece,
        piece_hexes=piece_hexes,
    )


def _joined_pieces(states, division, cell_list, labels, first_piece):
    """Return the pairs of pieces (J, 3) int64 (low, high, axis) that are joined across the face between two cells."""
    capacity = 4 * len(cell_list) + 64
    while True:
        found = np.empty((capacity, 3), dtype=np.int64)
        size = _join_pieces(states, division, cell_list, labels, first_piece, found)
        if size >= 0:
            return found[:size]
        capacity *= 2


@numba.njit(cache=True)
def _label_pieces(states, division, cell_list, labels):
    """Flood-fill the joined tissue inside every cell; return the sub-voxel counts of its pieces (cells, 63)."""
    most = 63
    counts = np.zeros((len(cell_list), most), dtype=np.int16)
    stack = np.empty((division**3, 3), dtype=np.int32)
    for c in range(len(cell_list)):
        x0, y0, z0 = cell_list[c, 0] * division, cell_list[c, 1] * division, cell_list[c, 2] * division
        number = 0
        for i in range(x0, x0 + division):
            for j in range(y0, y0 + division):
                for k in range(z0, z0 + division):
                    if not states[i, j, k] & 8 or labels[i, j, k]:
                        continue
                    if number == most:
                        continue
                    number += 1
                    labels[i, j, k] = number
                    stack[0, 0], stack[0, 1], stack[0, 2] = i, j, k
                    top = 1
                    count = 0
                    while top:
                        top -= 1
                        a, b, d = stack[top, 0], stack[top, 1], stack[top, 2]
                        count += 1
                        for axis in range(3):
                            for step in (-1, 1):
                                e, f, g = a, b, d
                                if axis == 0:
                                    e += step
                                    if e < x0 or e >= x0 + division:
                                        continue
                                elif axis == 1:
                                    f += step
                                    if f < y0 or f >= y0 + division:
                                        continue
                                else:
                                    g += step
                                    if g < z0 or g >= z0 + division:
                                        continue
                                if labels[e, f, g] or not states[e, f, g] & 8:
                                    continue
                                low = states[a, b, d] if step == 1 else states[e, f, g]
                                if low >> axis & 1:
                                    continue
                                labels[e, f, g] = number
                                stack[top, 0], stack[top, 1], stack[top, 2] = e, f, g
                                top += 1
                    counts[c, number - 1] = count
    return counts


@numba.njit(cache=True)
def _join_pieces(states, division, cell_list, labels, first_piece, found):
    """Write the pairs of pieces (low, high, axis) that are joined across the face between two cells.

    Returns:
        How many there are, or -1 if they do not fit into `found`.
    """
    size = 0
    for c in range(len(cell_list)):
        cell = cell_list[c]
        here = first_piece[cell[0], cell[1], cell[2]]
        if here < 0:
            continue
        for axis in range(3):
            dx, dy, dz = int(axis == 0), int(axis == 1), int(axis == 2)
            if (
                cell[0] + dx >= first_piece.shape[0]
                or cell[1] + dy >= first_piece.shape[1]
                or cell[2] + dz >= first_piece.shape[2]
            ):
                continue
            there = first_piece[cell[0] + dx, cell[1] + dy, cell[2] + dz]
            if there < 0:
                continue
            start = size
            for p in range(division):
                for q in range(division):
                    if axis == 0:
                        i, j, k = division - 1, p, q
                    elif axis == 1:
                        i, j, k = p, division - 1, q
                    else:
                        i, j, k = p, q, division - 1
                    i += cell[0] * division
                    j += cell[1] * division
                    k += cell[2] * division
                    if states[i, j, k] >> axis & 1:
                        continue
                    a, b = labels[i, j, k], labels[i + dx, j + dy, k + dz]
                    if a == 0 or b == 0:
                        continue
                    pa, pb = here + a - 1, there + b - 1
                    known = False
                    for s in range(start, size):
                        if found[s, 0] == pa and found[s, 1] == pb:
                            known = True
                            break
                    if known:
                        continue
                    if size == len(found):
                        return -1
                    found[size, 0], found[size, 1], found[size, 2] = pa, pb, axis
                    size += 1
    return size
