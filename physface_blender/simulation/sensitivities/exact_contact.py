"""The true Hessian of the barrier on the nodes, with the mixed derivatives by skin and obstacles."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, identity, kron

from ..contact import Contact


class ExactContact:
    """The barrier at one surface, by the patch nodes and by the obstacles.

    Args:
        hessian: (3 C, 3 V) by the skin of the patch and all vertices, newton per millimeter.
        spread: (3 C, 3 R) from the patch nodes to its skin.
    """

    def __init__(self, hessian: csr_matrix, spread: csr_matrix) -> None:
        skin = spread.shape[0]
        self._hessian = (spread.T @ (hessian[:, :skin] @ spread)).tocsr()
        self._mixed = (hessian[:, skin:].T @ spread).tocsr()

    @classmethod
    def at(cls, contact: Contact, surface: np.ndarray) -> ExactContact | None:
        """Return it at a surface (V, 3) that is free of intersection; None where nothing touches."""
        hessian = contact.barrier.exact_hessian(surface)
        if hessian is None:
            return None
        return cls(hessian, kron(contact.geometry.patch_matrix, identity(3), format="csr"))

    def product(self, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian by the patch nodes times a displacement (R, 3) of theirs."""
        return (self._hessian @ direction.ravel()).reshape(-1, 3)

    def obstacle_product(self, direction: np.ndarray) -> np.ndarray:
        """Return the change (O, 3) of the gradient by the obstacles' vertices with a displacement (R, 3) of the nodes."""
        return (self._mixed @ direction.ravel()).reshape(-1, 3)
