"""The stiffness matrix of projective dynamics: the part of the Hessian that never changes.

K = sum_q 2 w_q mu G_q^T G_q + sum_p k_p W_p^T W_p, the same for x, y and z, depends on the character and the
resolution alone.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from .elasticity import ShapeTargeting
from .hexahedron import gauss_points, shape_gradients


@numba.njit(cache=True)
def _element_matrices(inverse, weights, gradients, out):
    """Fill out (E, 8, 8) with sum_q 2 w_q grad N_i . grad N_j."""
    world = np.empty((8, 3))
    for e in range(len(inverse)):
        for q in range(8):
            for i in range(8):
                for a in range(3):
                    world[i, a] = (
                        gradients[q, i, 0] * inverse[e, q, 0, a]
                        + gradients[q, i, 1] * inverse[e, q, 1, a]
                        + gradients[q, i, 2] * inverse[e, q, 2, a]
                    )
            scale = 2.0 * weights[e, q]
            for i in range(8):
                for j in range(8):
                    dot = world[i, 0] * world[j, 0] + world[i, 1] * world[j, 1] + world[i, 2] * world[j, 2]
                    out[e, i, j] += scale * dot


def elastic_stiffness(elasticity: ShapeTargeting) -> csr_matrix:
    """Return the (N, N) scalar matrix of sum_q w_q mu |F_q|^2, in newton per millimeter (factor 2 included)."""
    hexes = elasticity.hexes
    blocks = np.zeros((len(hexes), 8, 8))
    _element_matrices(elasticity.inverse_jacobians, elasticity.weights, shape_gradients(gauss_points()), blocks)
    rows = np.repeat(hexes, 8, axis=1).ravel()
    columns = np.tile(hexes, (1, 8)).ravel()
    shape = (elasticity.node_count, elasticity.node_count)
    return coo_matrix((blocks.ravel(), (rows, columns)), shape=shape).tocsr()
