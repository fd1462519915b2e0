"""One interface over the sparse Cholesky factorizations that were compared.

`SupernodalFactor` is the default: at 96,565 nodes a solve with three right-hand sides takes it 17 to 22 ms, against 60 ms
of cholespy and 102 ms of SuperLU (docs/evaluation/solvers.md), and it alone gives the compliance of the contact patch.
`SuperLUFactor` is the reference it is tested against.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import splu

from .dissection import EliminationTree, dissect
from .supernodal import SupernodalFactor


class Factor(Protocol):
    """What a solver needs of a factorized matrix."""

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return the solution (N, 3) for right-hand sides (N, 3)."""


class SuperLUFactor:
    """SciPy's SuperLU on a matrix that is already in a good order.

    Args:
        matrix: (N, N) symmetric positive definite.
        tree: elimination tree whose order is used; its blocks are not.
    """

    def __init__(self, matrix: csr_matrix, tree: EliminationTree) -> None:
        self._order = tree.order
        permuted = matrix.tocsr()[self._order][:, self._order].tocsc()
        self._factor = splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return the solution (N, 3) for right-hand sides (N, 3)."""
        out = np.empty_like(right)
        out[self._order] = self._factor.solve(np.asfortranarray(right[self._order]))
        return out


def factorize(
    matrix: csr_matrix, coordinates: np.ndarray, last: np.ndarray, *, tree: EliminationTree | None = None
) -> SupernodalFactor:
    """Factorize a stiffness matrix.

    Args:
        matrix: (N, N) symmetric positive definite, newton per millimeter.
        coordinates: (N, 3) int64 lattice coordinates of its nodes.
        last: nodes that form the root, whose compliance is wanted (those of the contact patch); may be empty.
        tree: elimination tree of an earlier factorization of the same graph with the same root, to save ordering it.

    Returns:
        The factor.

    Raises:
        FactorizationError: if the matrix is not positive definite, which means that some tissue is attached to nothing.
    """
    if tree is None:
        tree = dissect(coordinates, (matrix.indptr, matrix.indices), last)
    return SupernodalFactor(matrix, tree)
