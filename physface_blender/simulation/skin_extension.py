"""What is painted on the skin, carried on into the tissue under it.

Harmonic: the field has the least |grad p|^2 over the tissue among those that keep to the painted values on the skin.
The nearest skin would be simpler, but it knows nothing of slits: through closed lips it would paint the lower lip with
the upper lip's mask. The Laplacian of the hexahedra joins only what is joined, and its maximum principle keeps the
field between the smallest and the largest painted value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags, identity
from scipy.sparse.linalg import cg

from .elasticity import ShapeTargeting
from .stiffness import elastic_stiffness

if TYPE_CHECKING:
    from ..anatomy.material_space import MaterialSpace

_HOLD = 10.0
"""How much stiffer a skin vertex holds its value than a cell its neighbors."""
_TOLERANCE = 1e-5


class SkinExtension:
    """Extends fields from the skin of one material space.

    Args:
        space: hexahedra and skin, in canonical space, so that a field is the same for all identities.
    """

    def __init__(self, space: MaterialSpace) -> None:
        nodes = space.node_positions
        laplacian = elastic_stiffness(ShapeTargeting(nodes, space.hexes, space.fill, 1.0))
        self._inside = space.skin.hexes >= 0
        corners, weights = space.skin.corners[self._inside], space.skin.weights[self._inside]
        starts = np.arange(0, 8 * len(corners) + 1, 8)
        skin = csr_matrix((weights.ravel(), corners.ravel(), starts), shape=(len(corners), len(nodes)))
        hold = _HOLD * space.resolution_mm
        # Tissue without any skin keeps 0: a trace of the identity makes its system regular.
        self._matrix = (laplacian + hold * (skin.T @ skin) + 1e-6 * hold * identity(len(nodes))).tocsr()
        self._load = hold * skin.T.tocsr()

    def extended(self, values: np.ndarray) -> np.ndarray:
        """Return a field at the nodes (N,) for its values (V,) at all vertices of the skin.

        Raises:
            RuntimeError: the linear system was not solved, which its conditioning rules out.
        """
        values = np.asarray(values, dtype=np.float64)[self._inside]
        preconditioner = diags(1.0 / self._matrix.diagonal())
        field, failure = cg(self._matrix, self._load @ values, rtol=_TOLERANCE, maxiter=5000, M=preconditioner)
        if failure:
            raise RuntimeError(f"The extension of a field from the skin did not converge ({failure}).")
        return np.clip(field, min(0.0, values.min(initial=0.0)), max(0.0, values.max(initial=0.0)))
