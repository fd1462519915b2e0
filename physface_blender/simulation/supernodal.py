"""A supernodal sparse Cholesky factor for one matrix that serves three right-hand sides at a time.

The factorization is multifrontal: every supernode of the elimination tree is a dense front that LAPACK factorizes,
and whose Schur complement is added to its parent. Solving is bound by memory, so everything is kept and summed up in single
precision by default: the caller iterates on the residual anyway.

With A the front of a supernode, split into its own columns 1 and the rows 2 below them, what is kept of it are A11^-1 and
A21 A11^-1: forward substitution takes A21 A11^-1 b off the rows, backward substitution returns A11^-1 b - (A21 A11^-1)^T x.

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
    LANES,
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
        panels = -(-heights // LANES), -(-widths // LANES)
        self._row_starts = _ends(heights)
        self._rows = np.concatenate(tree.structure).astype(np.int32) if count else np.zeros(0, np.int32)
        self._forward_starts = _ends(LANES * panels[0][:-1] * widths[:-1])
        self._backward_starts = _ends(LANES * panels[1][:-1] * (widths + heights)[:-1])
        self._forward = np.zeros(self._forward_starts[-1], dtype=precision)
        self._backward = np.zeros(self._backward_starts[-1], dtype=precision)
        self._starts = starts.astype(np.int64)
        self._count = count - 1
        updates: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(count)]
        for s in range(count):
            self._eliminate(s, permuted, updates)
        self.root_nodes = self._order[starts[count - 1] :]
        first_of_trunk = int(tree.branches[-1, 1]) if len(tree.branches) else 0
        self._trunk = range(first_of_trunk, self._count)

    def _panels_of(
        self, s: int, panels: np.ndarray, panel_starts: np.ndarray
    ) -> tuple[int, int, np.ndarray, np.ndarray]:
        """Return first column, number of columns, panels and rows of a supernode."""
        first, end = int(self._starts[s]), int(self._starts[s + 1])
        rows = self._rows[self._row_starts[s] : self._row_starts[s + 1]]
        return first, end - first, panels[panel_starts[s] : panel_starts[s + 1]], rows

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
            self.compliance = np.ascontiguousarray(inverse.astype(self._forward.dtype, order="K"))
            _mirror_lower(self.compliance)
            return
        inverse, _ = lapack.dtrtri(lower, lower=1)
        block = front[k:, :k] @ inverse.T
        self._keep(s, inverse.T @ inverse, block @ inverse)
        if len(rows):
            # The trailing triangle above the diagonal is never read: children add symmetric updates to a symmetric front.
            updates[self.tree.parents[s]].append((rows, front[k:, k:] - block @ block.T))

    def _keep(self, s: int, inverse: np.ndarray, below: np.ndarray) -> None:
        """Store the inverse (K, K) of the diagonal block of supernode s, and the block below it (R, K) times that."""
        k, height = len(inverse), len(inverse) + len(below)
        forward = np.zeros((-(-len(below) // LANES) * LANES, k))
        forward[: len(below)] = below
        backward = np.zeros((height, -(-k // LANES) * LANES))
        backward[:k, :k], backward[k:, :k] = inverse, below
        forward = forward.reshape(-1, LANES, k).transpose(0, 2, 1)
        backward = backward.reshape(height, -1, LANES).transpose(1, 0, 2)
        self._forward[self._forward_starts[s] : self._forward_starts[s + 1]] = forward.ravel()
        self._backward[self._backward_starts[s] : self._backward_starts[s + 1]] = backward.ravel()

    @property
    def nbytes(self) -> int:
        """Bytes read by a solve; of the compliance one triangle."""
        root = len(self.compliance)
        return self._forward.nbytes + self._backward.nbytes + root * (root + 1) // 2 * self.compliance.itemsize

    def solve(self, right: np.ndarray, correct: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """Return K^-1 right for right (N, 3).

        Args:
            right: (N, 3) right-hand sides.
            correct: what to take off the displacement (R, 3) of the root's nodes, given that displacement; for a
                caller that has added something to the matrix on those nodes.
        """
        x = np.zeros((len(right), 4), dtype=self._forward.dtype)
        x[:, :3] = right[self._order]
        branches = self.tree.branches
        trunk = int(self._starts[branches[-1, 1]]) if len(branches) else 0
        forward = self._forward, self._forward_starts
        backward = self._backward, self._backward_starts
        rows = self._rows, self._row_starts
        if len(branches):
            handed = np.empty((len(branches), len(x) - trunk, 4), dtype=x.dtype)
            forward_branches(x, handed, branches, trunk, self._starts, *forward, *rows)
        for s in self._trunk:
            forward_supernode(x, *self._panels_of(s, *forward))
        root = x[self._starts[self._count] :, :3]
        solved = symmetric_product(self.compliance, np.ascontiguousarray(root.T)).T
        root[:] = solved if correct is None else solved - correct(solved.astype(np.float64))
        for s in reversed(self._trunk):
            backward_supernode(x, *self._panels_of(s, *backward))
        if len(branches):
            backward_branches(x, branches, self._starts, *backward, *rows)
        out = np.empty(right.shape)
        out[self._order] = x[:, :3]
        return out


def _ends(lengths: np.ndarray) -> np.ndarray:
    """Return where pieces of these lengths (S,) begin that lie one behind the other, and where the last ends (S + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
