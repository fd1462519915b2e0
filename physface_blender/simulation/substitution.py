"""Forward and backward substitution with a supernodal factor, by several threads.

Branches of the elimination tree know nothing of each other and are gone through side by side; what they hand to the trunk
above them is summed up afterwards. The trunk's supernodes come one after the other, but they are large: their rows
and columns are shared out. How the work is divided depends on the factor alone, and sums are made in the same order by any
number of threads, so results are the same to the last bit.

A substitution reads the factor once and does little with it, so what counts is that it is read from one end to the other,
sixteen numbers at a time. Each block is therefore stored twice, in **panels** that lie in the order in which they are read:
forward substitution takes sixteen rows of a block together, column after column; backward substitution sixteen columns, row
after row. Both are then the same loop, `_combine`. One copy, read across, took twice the time.
"""

from __future__ import annotations

import numba
import numpy as np

LANES = 16
"""Rows or columns of a panel: the single-precision numbers that one vector instruction handles, where it handles most."""
PARTS = 8
"""Pieces that the work on one large block is divided into."""

_LOOSE = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, fastmath=_LOOSE)
def _combine(panel, count, factors, sums):
    """Overwrite sums (48,), three times sixteen lanes, with the lines of a panel (16 count,) times factors (3, count)."""
    for lane in range(48):
        sums[lane] = 0.0
    first, second, third = factors[0], factors[1], factors[2]
    j = 0
    while j + 4 <= count:
        at = LANES * j
        a0, a1, a2, a3 = first[j], first[j + 1], first[j + 2], first[j + 3]
        b0, b1, b2, b3 = second[j], second[j + 1], second[j + 2], second[j + 3]
        c0, c1, c2, c3 = third[j], third[j + 1], third[j + 2], third[j + 3]
        for lane in range(16):
            u, v, w, t = panel[at + lane], panel[at + 16 + lane], panel[at + 32 + lane], panel[at + 48 + lane]
            sums[lane] += u * a0 + v * a1 + w * a2 + t * a3
            sums[16 + lane] += u * b0 + v * b1 + w * b2 + t * b3
            sums[32 + lane] += u * c0 + v * c1 + w * c2 + t * c3
        j += 4
    while j < count:
        at = LANES * j
        a0, b0, c0 = first[j], second[j], third[j]
        for lane in range(16):
            u = panel[at + lane]
            sums[lane] += u * a0
            sums[16 + lane] += u * b0
            sums[32 + lane] += u * c0
        j += 1


@numba.njit(cache=True, inline="always")
def _read(x, first, count, rows, out):
    """Fill out (3, count + R) with the columns of a supernode and its negative rows in x (N, 4)."""
    for j in range(count):
        out[0, j], out[1, j], out[2, j] = x[first + j, 0], x[first + j, 1], x[first + j, 2]
    for r in range(len(rows)):
        row = rows[r]
        out[0, count + r], out[1, count + r], out[2, count + r] = -x[row, 0], -x[row, 1], -x[row, 2]


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def forward_branches(x, handed, branches, trunk, starts, panels, panel_starts, rows, row_starts):
    """Take what the branches of the tree contribute off the rows that depend on them in x (N, 4).

    Args:
        x: (N, 4) three right-hand sides, side by side, and one unused.
        handed: (B, N - trunk, 4) scratch memory.
        branches: (B, 2) ranges of supernodes.
        trunk: position of the first column of the trunk.
        starts: (S + 1,) first column of each supernode.
        panels: blocks below the diagonal times the inverse of the diagonal block, sixteen rows together.
        panel_starts: (S + 1,) where those of each supernode begin.
        rows: positions of the rows of the blocks.
        row_starts: (S + 1,) where those of each supernode begin.
    """
    for branch in numba.prange(len(branches)):
        begin, end = branches[branch, 0], branches[branch, 1]
        up = handed[branch]
        up[:] = 0.0
        own = np.empty((3, _widest(starts, begin, end)), x.dtype)
        sums = np.empty(48, x.dtype)
        for s in range(begin, end):
            k = starts[s + 1] - starts[s]
            _read(x, starts[s], k, rows[:0], own)
            position = panel_starts[s]
            for low in range(row_starts[s], row_starts[s + 1], LANES):
                _combine(panels[position : position + LANES * k], k, own, sums)
                position += LANES * k
                for lane in range(min(LANES, row_starts[s + 1] - low)):
                    row = rows[low + lane]
                    if row < trunk:
                        x[row, 0] -= sums[lane]
                        x[row, 1] -= sums[16 + lane]
                        x[row, 2] -= sums[32 + lane]
                    else:
                        up[row - trunk, 0] += sums[lane]
                        up[row - trunk, 1] += sums[16 + lane]
                        up[row - trunk, 2] += sums[32 + lane]
    for branch in range(len(branches)):
        x[trunk:] -= handed[branch]


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def backward_branches(x, branches, starts, panels, panel_starts, rows, row_starts):
    """Overwrite the columns of the branches in x (N, 4) with their solution, the trunk's being solved.

    The arguments are those of `forward_branches`, but the panels: sixteen columns together, the inverse of the diagonal
    block above the others.
    """
    for branch in numba.prange(len(branches)):
        begin, end = branches[branch, 0], branches[branch, 1]
        highest = 1
        for s in range(begin, end):
            highest = max(highest, starts[s + 1] - starts[s] + row_starts[s + 1] - row_starts[s])
        known = np.empty((3, highest), x.dtype)
        sums = np.empty(48, x.dtype)
        for s in range(end - 1, begin - 1, -1):
            k = starts[s + 1] - starts[s]
            height = k + row_starts[s + 1] - row_starts[s]
            _read(x, starts[s], k, rows[row_starts[s] : row_starts[s + 1]], known)
            position = panel_starts[s]
            for low in range(starts[s], starts[s + 1], LANES):
                _combine(panels[position : position + LANES * height], height, known, sums)
                position += LANES * height
                _write(x, low, min(LANES, starts[s + 1] - low), sums)


@numba.njit(cache=True, inline="always")
def _widest(starts, begin, end):
    """Return the number of columns of the widest of the supernodes begin to end - 1, 1 at least."""
    widest = 1
    for s in range(begin, end):
        widest = max(widest, starts[s + 1] - starts[s])
    return widest


@numba.njit(cache=True, inline="always")
def _write(x, low, count, sums):
    for lane in range(count):
        x[low + lane, 0], x[low + lane, 1], x[low + lane, 2] = sums[lane], sums[16 + lane], sums[32 + lane]


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def forward_supernode(x, first, count, panels, rows):
    """Take what one supernode contributes off its rows in x (N, 4).

    Args:
        x: (N, 4) three right-hand sides and one unused.
        first: its first column.
        count: K, its columns.
        panels: see `forward_branches`.
        rows: (R,) positions of its rows.
    """
    own = np.empty((3, count), x.dtype)
    _read(x, first, count, rows[:0], own)
    number = (len(rows) + LANES - 1) // LANES
    for part in numba.prange(PARTS):
        sums = np.empty(48, x.dtype)
        for panel in range(part * number // PARTS, (part + 1) * number // PARTS):
            _combine(panels[LANES * count * panel : LANES * count * (panel + 1)], count, own, sums)
            for lane in range(min(LANES, len(rows) - LANES * panel)):
                row = rows[LANES * panel + lane]
                x[row, 0] -= sums[lane]
                x[row, 1] -= sums[16 + lane]
                x[row, 2] -= sums[32 + lane]


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def backward_supernode(x, first, count, panels, rows):
    """Overwrite the columns of one supernode in x (N, 4) with its solution; see `backward_branches`."""
    height = count + len(rows)
    known = np.empty((3, height), x.dtype)
    _read(x, first, count, rows, known)
    for panel in numba.prange((count + LANES - 1) // LANES):
        sums = np.empty(48, x.dtype)
        _combine(panels[LANES * height * panel : LANES * height * (panel + 1)], height, known, sums)
        _write(x, first + LANES * panel, min(LANES, count - LANES * panel), sums)


@numba.njit(cache=True, parallel=True, fastmath=_LOOSE)
def symmetric_product(matrix, x):
    """Return matrix (R, R) times x (3, R), reading the lower triangle only, four rows at a time."""
    count = len(matrix)
    sums = np.zeros((PARTS, 3, count), matrix.dtype)
    zero = matrix.dtype.type(0.0)
    for part in numba.prange(PARTS):
        o0, o1, o2, x0, x1, x2 = sums[part, 0], sums[part, 1], sums[part, 2], x[0], x[1], x[2]
        low, high = 4 * _rows_of_triangle(part, count // 4), 4 * _rows_of_triangle(part + 1, count // 4)
        for i in range(low, high, 4):
            a, b, c, d = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
            a0, b0, c0, d0 = x0[i], x0[i + 1], x0[i + 2], x0[i + 3]
            a1, b1, c1, d1 = x1[i], x1[i + 1], x1[i + 2], x1[i + 3]
            a2, b2, c2, d2 = x2[i], x2[i + 1], x2[i + 2], x2[i + 3]
            p0, p1, p2, q0, q1, q2 = zero, zero, zero, zero, zero, zero
            r0, r1, r2, s0, s1, s2 = zero, zero, zero, zero, zero, zero
            for j in range(i):
                u, v, w, t = a[j], b[j], c[j], d[j]
                y0, y1, y2 = x0[j], x1[j], x2[j]
                p0 += u * y0
                p1 += u * y1
                p2 += u * y2
                q0 += v * y0
                q1 += v * y1
                q2 += v * y2
                r0 += w * y0
                r1 += w * y1
                r2 += w * y2
                s0 += t * y0
                s1 += t * y1
                s2 += t * y2
                o0[j] += u * a0 + v * b0 + w * c0 + t * d0
                o1[j] += u * a1 + v * b1 + w * c1 + t * d1
                o2[j] += u * a2 + v * b2 + w * c2 + t * d2
            o0[i] += p0
            o1[i] += p1
            o2[i] += p2
            o0[i + 1] += q0
            o1[i + 1] += q1
            o2[i + 1] += q2
            o0[i + 2] += r0
            o1[i + 2] += r1
            o2[i + 2] += r2
            o0[i + 3] += s0
            o1[i + 3] += s1
            o2[i + 3] += s2
            _add_corner(matrix, x, i, i + 4, i, sums[part])
        if part == PARTS - 1:
            _add_corner(matrix, x, high, count, 0, sums[part])
    out = sums[0].copy()
    for part in range(1, PARTS):
        out += sums[part]
    return out


@numba.njit(cache=True, inline="always")
def _rows_of_triangle(part, count):
    """Return the first row of a part of the lower triangle of a matrix of count rows; parts hold about as many numbers."""
    return int(np.ceil(count * np.sqrt(part / PARTS)))


@numba.njit(cache=True)
def _add_corner(matrix, x, low, high, begin, out):
    """Add the rows low to high - 1 from column begin up to the diagonal, and their mirror image, times x to out (3, R)."""
    for i in range(low, high):
        for axis in range(3):
            out[axis, i] += matrix[i, i] * x[axis, i]
            for j in range(begin, i):
                out[axis, i] += matrix[i, j] * x[axis, j]
                out[axis, j] += matrix[i, j] * x[axis, i]
