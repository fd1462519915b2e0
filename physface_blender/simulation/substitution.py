"""Forward and backward substitution with a supernodal factor, by several threads.

Branches of the elimination tree know nothing of each other and are gone through side by side; what they hand to the trunk
above them is summed up afterwards. The trunk's supernodes come one after the other, but they are large: their rows
are shared out. How the work is divided depends on the factor alone, and sums are made in the same order by any number of
threads, so results are the same to the last bit.
"""

from __future__ import annotations

import numba
import numpy as np

PARTS = 8
"""Pieces that the work on one large block is divided into."""

_LOOSE = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, inline="always")
def _widest(starts, begin, end):
    """Return the number of columns of the widest of the supernodes begin to end - 1, 1 at least."""
    widest = 1
    for s in range(begin, end):
        widest = max(widest, starts[s + 1] - starts[s])
    return widest


@numba.njit(cache=True, inline="always")
def _rows_of_triangle(part, count):
    """Return the first row of a part of the lower triangle of a matrix of count rows; parts hold about as many numbers."""
    return int(np.ceil(count * np.sqrt(part / PARTS)))


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def forward_branches(
    x, handed, branches, trunk, starts, diagonals, diagonal_starts, blocks, block_starts, rows, row_starts
):
    """Overwrite the columns of the branches in x (3, N) with their substitution, and take what they hand up off the rest.

    Args:
        x: (3, N) right-hand sides.
        handed: (B, 3, N - trunk) scratch memory.
        branches: (B, 2) ranges of supernodes.
        trunk: position of the first column of the trunk.
        starts: (S + 1,) first column of each supernode.
        diagonals: inverses of the diagonal blocks by rows, lower triangles.
        diagonal_starts: (S,) where each begins.
        blocks: what lies below the diagonal blocks, by rows.
        block_starts: (S,) where each begins.
        rows: positions of the rows of the blocks.
        row_starts: (S + 1,) where those of each supernode begin.
    """
    for branch in numba.prange(len(branches)):
        x0, x1, x2 = x[0], x[1], x[2]
        h0, h1, h2 = handed[branch, 0], handed[branch, 1], handed[branch, 2]
        h0[:] = 0.0
        h1[:] = 0.0
        h2[:] = 0.0
        widest = _widest(starts, branches[branch, 0], branches[branch, 1])
        c0, c1, c2 = np.empty(widest), np.empty(widest), np.empty(widest)
        for s in range(branches[branch, 0], branches[branch, 1]):
            first, end = starts[s], starts[s + 1]
            k = end - first
            b0, b1, b2 = x0[first:end], x1[first:end], x2[first:end]
            y0, y1, y2 = c0[:k], c1[:k], c2[:k]
            d = diagonal_starts[s]
            for i in range(k):
                line = diagonals[d : d + i + 1]
                s0, s1, s2 = 0.0, 0.0, 0.0
                for j in range(i + 1):
                    v = np.float64(line[j])
                    s0 += v * b0[j]
                    s1 += v * b1[j]
                    s2 += v * b2[j]
                y0[i], y1[i], y2[i] = s0, s1, s2
                d += k
            b0[:], b1[:], b2[:] = y0, y1, y2
            p = block_starts[s]
            for r in range(row_starts[s], row_starts[s + 1]):
                line = blocks[p : p + k]
                s0, s1, s2 = 0.0, 0.0, 0.0
                for j in range(k):
                    v = np.float64(line[j])
                    s0 += v * y0[j]
                    s1 += v * y1[j]
                    s2 += v * y2[j]
                p += k
                row = rows[r]
                if row < trunk:
                    x0[row] -= s0
                    x1[row] -= s1
                    x2[row] -= s2
                else:
                    h0[row - trunk] += s0
                    h1[row - trunk] += s1
                    h2[row - trunk] += s2
    for branch in range(len(branches)):
        for axis in range(3):
            x[axis, trunk:] -= handed[branch, axis]


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def backward_branches(x, branches, starts, diagonals, diagonal_starts, blocks, block_starts, rows, row_starts):
    """Overwrite the columns of the branches in x (3, N) with their backward substitution, the trunk's being solved.

    The arguments are those of `forward_branches`.
    """
    for branch in numba.prange(len(branches)):
        x0, x1, x2 = x[0], x[1], x[2]
        widest = _widest(starts, branches[branch, 0], branches[branch, 1])
        c0, c1, c2 = np.empty(widest), np.empty(widest), np.empty(widest)
        for s in range(branches[branch, 1] - 1, branches[branch, 0] - 1, -1):
            first, end = starts[s], starts[s + 1]
            k = end - first
            b0, b1, b2 = x0[first:end], x1[first:end], x2[first:end]
            y0, y1, y2 = c0[:k], c1[:k], c2[:k]
            y0[:], y1[:], y2[:] = b0, b1, b2
            p = block_starts[s]
            for r in range(row_starts[s], row_starts[s + 1]):
                line = blocks[p : p + k]
                row = rows[r]
                t0, t1, t2 = x0[row], x1[row], x2[row]
                for j in range(k):
                    v = np.float64(line[j])
                    y0[j] -= v * t0
                    y1[j] -= v * t1
                    y2[j] -= v * t2
                p += k
            b0[:], b1[:], b2[:] = 0.0, 0.0, 0.0
            d = diagonal_starts[s]
            for i in range(k):
                line = diagonals[d : d + i + 1]
                t0, t1, t2 = y0[i], y1[i], y2[i]
                for j in range(i + 1):
                    v = np.float64(line[j])
                    b0[j] += v * t0
                    b1[j] += v * t1
                    b2[j] += v * t2
                d += k


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def forward_supernode(x, first, diagonal, block, rows):
    """Overwrite the columns of one supernode in x (3, N) with its substitution, and take it off its rows.

    Args:
        x: (3, N) right-hand sides.
        first: its first column.
        diagonal: (K, K) inverse of the diagonal block, lower triangle.
        block: (R, K) what lies below it.
        rows: (R,) positions of its rows.
    """
    k = len(diagonal)
    y = np.empty((3, k))
    for part in numba.prange(PARTS):
        b0, b1, b2 = x[0, first : first + k], x[1, first : first + k], x[2, first : first + k]
        for i in range(_rows_of_triangle(part, k), _rows_of_triangle(part + 1, k)):
            line = diagonal[i]
            s0, s1, s2 = 0.0, 0.0, 0.0
            for j in range(i + 1):
                v = np.float64(line[j])
                s0 += v * b0[j]
                s1 += v * b1[j]
                s2 += v * b2[j]
            y[0, i], y[1, i], y[2, i] = s0, s1, s2
    for axis in range(3):
        x[axis, first : first + k] = y[axis]
    for part in numba.prange(PARTS):
        y0, y1, y2 = y[0], y[1], y[2]
        for r in range(part * len(rows) // PARTS, (part + 1) * len(rows) // PARTS):
            line = block[r]
            s0, s1, s2 = 0.0, 0.0, 0.0
            for j in range(k):
                v = np.float64(line[j])
                s0 += v * y0[j]
                s1 += v * y1[j]
                s2 += v * y2[j]
            row = rows[r]
            x[0, row] -= s0
            x[1, row] -= s1
            x[2, row] -= s2


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def backward_supernode(x, first, diagonal, block, rows):
    """Overwrite the columns of one supernode in x (3, N) with its backward substitution; see `forward_supernode`."""
    k = len(diagonal)
    sums = np.zeros((PARTS, 3, k))
    for part in numba.prange(PARTS):
        y0, y1, y2 = sums[part, 0], sums[part, 1], sums[part, 2]
        for r in range(part * len(rows) // PARTS, (part + 1) * len(rows) // PARTS):
            line = block[r]
            row = rows[r]
            t0, t1, t2 = x[0, row], x[1, row], x[2, row]
            for j in range(k):
                v = np.float64(line[j])
                y0[j] += v * t0
                y1[j] += v * t1
                y2[j] += v * t2
    y = x[:, first : first + k].copy()
    for part in range(PARTS):
        y -= sums[part]
    sums[:] = 0.0
    for part in numba.prange(PARTS):
        b0, b1, b2 = sums[part, 0], sums[part, 1], sums[part, 2]
        for i in range(_rows_of_triangle(part, k), _rows_of_triangle(part + 1, k)):
            line = diagonal[i]
            t0, t1, t2 = y[0, i], y[1, i], y[2, i]
            for j in range(i + 1):
                v = np.float64(line[j])
                b0[j] += v * t0
                b1[j] += v * t1
                b2[j] += v * t2
    solved = sums[0].copy()
    for part in range(1, PARTS):
        solved += sums[part]
    x[:, first : first + k] = solved


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def symmetric_product(matrix, x):
    """Return matrix (R, R) times x (3, R), reading the lower triangle only."""
    count = len(matrix)
    sums = np.zeros((PARTS, 3, count))
    for part in numba.prange(PARTS):
        o0, o1, o2, x0, x1, x2 = sums[part, 0], sums[part, 1], sums[part, 2], x[0], x[1], x[2]
        for i in range(_rows_of_triangle(part, count), _rows_of_triangle(part + 1, count)):
            line = matrix[i, :i]
            v = np.float64(matrix[i, i])
            t0, t1, t2 = x0[i], x1[i], x2[i]
            s0, s1, s2 = v * t0, v * t1, v * t2
            for j in range(i):
                v = np.float64(line[j])
                s0 += v * x0[j]
                s1 += v * x1[j]
                s2 += v * x2[j]
                o0[j] += v * t0
                o1[j] += v * t1
                o2[j] += v * t2
            o0[i] += s0
            o1[i] += s1
            o2[i] += s2
    out = sums[0].copy()
    for part in range(1, PARTS):
        out += sums[part]
    return out
