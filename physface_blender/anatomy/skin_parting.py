"""The parting coordinate of every skin vertex, inside the tissue and outside it."""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from .material_space import MaterialSpace
from .mesh import Mesh


def skin_parting(skin: Mesh, space: MaterialSpace) -> np.ndarray:
    """Parting coordinate (V,) of the template's skin vertices.

    Vertices embedded in the tissue take the nodes' value. The others (neck, scalp, throat) continue it harmonically
    over the surface (graph Laplacian), so that skin inside and outside the tissue moves alike at the seam.

    Args:
        skin: the template's skin, V vertices.
        space: the material space whose ``skin`` embedding belongs to that mesh.
    """
    count = len(skin.vertices)
    known = space.skin.hexes >= 0
    values = np.zeros(count)
    values[known] = space.skin.apply(space.node_parting[:, None])[known, 0]
    edges = skin.edges
    ones = np.ones(len(edges))
    adjacency = scipy.sparse.coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
    adjacency = adjacency + adjacency.T
    laplacian = scipy.sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency
    unknown = np.flatnonzero(~known)
    if len(unknown):
        inner = laplacian[unknown][:, unknown].tocsc()
        values[unknown] = scipy.sparse.linalg.spsolve(inner, -laplacian[unknown][:, known] @ values[known])
    return np.clip(values, -1.0, 1.0)
