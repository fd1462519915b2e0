"""Carries the parting coordinate from the template's skin to the captures' skin, whose topology may differ."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ...anatomy.mesh import Mesh

NEIGHBORS = 12
FACING_COSINE = 0.3


def capture_parting(
    capture_skin: Mesh, template_skin: Mesh, parting: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Parting (S,) of the captures' mean skin vertices.

    Lips lie about a millimetre apart, less than an edge, so a neighbour counts only if its normal agrees.

    Args:
        capture_skin: the captures' mean skin, S vertices, mm.
        template_skin: the template's skin, V vertices, mm, same shape in space.
        parting: (V,) on the template's skin.
    """
    distance, index = cKDTree(template_skin.vertices).query(capture_skin.vertices, k=NEIGHBORS)
    agreement = np.einsum("sx,skx->sk", capture_skin.vertex_normals, template_skin.vertex_normals[index])
    weight = np.where(agreement > FACING_COSINE, 1.0 / (distance + 1e-3) ** 2, 1e-12 / (distance + 1e-3) ** 2)
    return (weight * parting[index]).sum(axis=1) / weight.sum(axis=1)
