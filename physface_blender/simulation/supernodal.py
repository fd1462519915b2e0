"""A supernodal sparse Cholesky factor for one matrix that serves three right-hand sides at a time.

The factorization is multifrontal: every supernode of the elimination tree is a dense front that LAPACK factorizes,
and whose Schur complement is added to its parent. Solving reads the factor twice and is bound by memory, so the dense
blocks are kept in single precision by default and all sums run in double: the caller iterates on the residual anyway.

The root of the tree is kept as the dense inverse of its Schur complement, the **compliance** of the root's nodes: the
displacement of those nodes under unit forces on them with everything else free. A change of the matrix on root nodes
(contact between patches of skin) then costs a small dense solve in the middle of an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from .dissection import EliminationTree


class FactorizationError(ArithmeticError):
    """The matrix is not positive definite."""


@numba.njit(cache=True, inline="always")
def _widest(starts, count):
    """Return the number of columns of the widest of the first `count` supernodes."""
    widest = 1
    for s in range(count):
        widest = max(widest, starts[s + 1] - starts[s])
    return widest


@numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _forward(x, starts, diagonals, diagonal_starts, blocks, block_starts, rows, row_starts, count):
    """Overwrite x (3, N) with the forward substitution over the first `count` supernodes."""
    x0, x1, x2 = x[0], x[1], x[2]
    widest = _widest(starts, count)
    c0, c1, c2 = np.empty(widest), np.empty(widest), np.empty(widest)
    for s in range(count):
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
            x0[row] -= s0
            x1[row] -= s1
            x2[row] -= s2


@numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _backward(x, starts, diagonals, diagonal_starts, blocks, block_starts, rows, row_starts, count):
    """Overwrite x (3, N) with the backward substitution over the first `count` supernodes, last first."""
    x0, x1, x2 = x[0], x[1], x[2]
    widest = _widest(starts, count)
    c0, c1, c2 = np.empty(widest), np.empty(widest), np.empty(widest)
    for s in range(count - 1, -1, -1):
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


@numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _symmetric_product(matrix, x):
    """Return matrix (R, R) times x (3, R), reading the lower triangle only."""
    count = len(matrix)
    out = np.zeros((3, count))
    o0, o1, o2, x0, x1, x2 = out[0], out[1], out[2], x[0], x[1], x[2]
    for i in range(count):
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
    return out


def _mirror_lower(matrix: np.ndarray) -> None:
    """Write the lower triangle of a square matrix over the upper one, a few rows at a time: it may be large."""
    for first in range(0, len(matrix), 512):
        end = min(first + 512, len(matrix))
        corner = np.tril(matrix[first:end, first:end])
        matrix[first:end, first:end] = corner + np.tril(corner, -1).T
        matrix[first:end, end:] = matrix[end:, first:end].T


class SupernodalFactor:
    """Cholesky factor of a symmetric positive definite matrix, shared by x, y and z.

    Args:
        matrix: (N, N) sparse, both triangles.
        tree: an elimination tree of its graph.
        precision: type the dense blocks are stored in.

    Attributes:
        root_nodes: nodes of the root supernode, ascending.
        compliance: (R, R) inverse of the root's Schur complement, in the order of root_nodes.

    Raises:
        FactorizationError: if the matrix is not positive definite.
    """

    def __init__(self, matrix: csr_matrix, tree: EliminationTree, precision: type = np.float32) -> None:
        self.tree = tree
        self._order = tree.order
        permuted = matrix.tocsr()[self._order][:, self._order].tocsr()
        count = len(tree.parents)
        starts = tree.starts
        widths = np.diff(starts)
        heights = np.array([len(rows) for rows in tree.structure])
        self._row_starts = np.concatenate([[0], np.cumsum(heights)]).astype(np.int64)
        self._rows = np.concatenate(tree.structure).astype(np.int64) if count else np.zeros(0, np.int64)
        self._diagonal_starts = np.concatenate([[0], np.cumsum(widths[:-1] ** 2)]).astype(np.int64)
        self._block_starts = np.concatenate([[0], np.cumsum(widths[:-1] * heights[:-1])]).astype(np.int64)
        self._diagonals = np.zeros(int((widths[:-1] ** 2).sum()), dtype=precision)
        self._blocks = np.zeros(int((widths[:-1] * heights[:-1]).sum()), dtype=precision)
        self._starts = starts.astype(np.int64)
        self._count = count - 1
        updates: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(count)]
        for s in range(count):
            self._eliminate(s, permuted, updates)
        self.root_nodes = self._order[starts[count - 1] :]

    def _eliminate(self, s: int, matrix: csr_matrix, updates: list) -> None:
        """Factorize the front of supernode s and hand its Schur complement to the parent."""
        first, end = self._starts[s], self._starts[s + 1]
        k, rows = end - first, self.tree.structure[s]
        if k == 0:  # an empty root
            self.compliance = np.zeros((0, 0))
            return
        indices = np.concatenate([np.arange(first, end), rows])
        front = np.zeros((len(indices), len(indices)), order="F")
        slab = matrix[first:end]
        columns = slab.indices
        own = np.repeat(np.arange(k), np.diff(slab.indptr))
        keep = columns >= first
        front[np.searchsorted(indices, columns[keep]), own[keep]] = slab.data[keep]
        for child_rows, update in updates[s]:
            place = np.searchsorted(indices, child_rows)
            front[np.ix_(place, place)] += update
        updates[s] = []
        # The root is the whole of its front, and too large to be copied.
        lower, info = lapack.dpotrf(front[:k, :k], lower=1, clean=1, overwrite_a=int(s == self._count))
        if info != 0:
            raise FactorizationError(f"The stiffness matrix is not positive definite (pivot {first + info}).")
        if s == self._count:
            inverse, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
            self.compliance = np.ascontiguousarray(inverse.astype(self._diagonals.dtype, order="K"))
            _mirror_lower(self.compliance)
            return
        inverse, _ = lapack.dtrtri(lower, lower=1)
        d, p = self._diagonal_starts[s], self._block_starts[s]
        self._diagonals[d : d + k * k] = inverse.ravel()
        if len(rows):
            block = front[k:, :k] @ inverse.T
            self._blocks[p : p + k * len(rows)] = np.ascontiguousarray(block).ravel()
            # The trailing triangle above the diagonal is never read: children add symmetric updates to a symmetric front.
            updates[self.tree.parents[s]].append((rows, front[k:, k:] - block @ block.T))

    @property
    def nbytes(self) -> int:
        """Bytes read by one substitution."""
        return self._diagonals.nbytes + self._blocks.nbytes + self.compliance.nbytes

    def solve(self, right: np.ndarray, correct: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """Return K^-1 right for right (N, 3).

        Args:
            right: (N, 3) right-hand sides.
            correct: what to take off the displacement (R, 3) of the root's nodes, given that displacement; for a
                caller that has added something to the matrix on those nodes.
        """
        x = np.ascontiguousarray(right[self._order].T, dtype=np.float64)
        arguments = (
            self._starts,
            self._diagonals,
            self._diagonal_starts,
            self._blocks,
            self._block_starts,
            self._rows,
            self._row_starts,
            self._count,
        )
        _forward(x, *arguments)
        tail = np.ascontiguousarray(x[:, self._starts[self._count] :])
        solved = _symmetric_product(self.compliance, tail)
        x[:, self._starts[self._count] :] = solved if correct is None else solved - correct(solved.T).T
        _backward(x, *arguments)
        out = np.empty(right.shape)
        out[self._order] = x.T
        return out
