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

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from .dissection import EliminationTree
from .substitution import (
    backward_branches,
    backward_supernode,
    forward_branches,
    forward_supernode,
    symmetric_product,
)


class FactorizationError(ArithmeticError):
    """The matrix is not positive definite."""


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
        first_of_trunk = int(tree.branches[-1, 1]) if len(tree.branches) else 0
        self._trunk = [self._blocks_of(s) for s in range(first_of_trunk, self._count)]

    def _blocks_of(self, s: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Return first column, diagonal block (K, K), block below it (R, K) and rows (R,) of a supernode."""
        k = int(self._starts[s + 1] - self._starts[s])
        rows = self._rows[self._row_starts[s] : self._row_starts[s + 1]]
        d, p = self._diagonal_starts[s], self._block_starts[s]
        diagonal = self._diagonals[d : d + k * k].reshape(k, k)
        return int(self._starts[s]), diagonal, self._blocks[p : p + k * len(rows)].reshape(len(rows), k), rows

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
        branches = self.tree.branches
        trunk = int(self._starts[branches[-1, 1]]) if len(branches) else 0
        arguments = (
            self._starts,
            self._diagonals,
            self._diagonal_starts,
            self._blocks,
            self._block_starts,
            self._rows,
            self._row_starts,
        )
        if len(branches):
            forward_branches(x, np.empty((len(branches), 3, x.shape[1] - trunk)), branches, trunk, *arguments)
        for supernode in self._trunk:
            forward_supernode(x, *supernode)
        tail = np.ascontiguousarray(x[:, self._starts[self._count] :])
        solved = symmetric_product(self.compliance, tail)
        x[:, self._starts[self._count] :] = solved if correct is None else solved - correct(solved.T).T
        for supernode in reversed(self._trunk):
            backward_supernode(x, *supernode)
        if len(branches):
            backward_branches(x, branches, *arguments)
        out = np.empty(right.shape)
        out[self._order] = x.T
        return out
