"""Continuous collision detection along straight ways: additive, and so never past a contact.

Additive CCD (Li, Kaufman and Jiang, "Codimensional Incremental Potential Contact", 2021, section 5): two elements that are
d apart and come nearer by at most l in the whole way are free for d / l of it; that far they go, and it begins again
from there. Deviation: l is the largest difference between the displacements of two corners, one of each element, where
the paper adds up the largest displacements of both after taking off their mean; ours is never larger.
"""

from __future__ import annotations

import numba
import numpy as np

from .closest_points import point_triangle, segment_segment

_KEPT = 0.1
"""Fraction of the gap at the start that stays when a way is stopped short."""
_MAX_ADVANCES = 1000
"""Bound on the work for one pair; a pair that needs more stops the way where it is known to be free."""


def free_fraction(
    start: np.ndarray,
    way: np.ndarray,
    faces: np.ndarray,
    edges: np.ndarray,
    face_pairs: np.ndarray,
    edge_pairs: np.ndarray,
    least: float,
) -> float:
    """Return how much of a way, 0..1, no pair comes nearer than a distance.

    Args:
        start: (V, 3) vertices, all pairs farther apart than least.
        way: (V, 3) displacements of the whole way.
        faces: (F, 3) vertices.
        edges: (E, 2) vertices.
        face_pairs: (K, 2) faces and vertices.
        edge_pairs: (L, 2) edges and edges.
        least: millimeters.
    """
    corners = np.concatenate(
        [
            np.column_stack([face_pairs[:, 1], faces[face_pairs[:, 0]]]),
            np.column_stack([edges[edge_pairs[:, 0]], edges[edge_pairs[:, 1]]]),
        ]
    )
    return float(_free_fraction(start, way, corners, len(face_pairs), least)) if len(corners) else 1.0


@numba.njit(cache=True, parallel=True)
def _free_fraction(start, way, corners, face_count, least):
    fractions = np.ones(len(corners))
    for pair in numba.prange(len(corners)):
        fractions[pair] = _pair_fraction(start, way, corners[pair], pair < face_count, least)
    return fractions.min()


@numba.njit(cache=True)
def _pair_fraction(start, way, corners, is_face, least):
    x, weights = np.empty((4, 3)), np.empty(4)
    size = 1 if is_face else 2
    nearer = 0.0
    for i in range(size):
        for j in range(size, 4):
            square = 0.0
            for axis in range(3):
                square += (way[corners[i], axis] - way[corners[j], axis]) ** 2
            nearer = max(nearer, square)
    nearer = np.sqrt(nearer)
    if nearer == 0.0:
        return 1.0
    done = before = kept = 0.0
    for advance in range(_MAX_ADVANCES):
        for corner in range(4):
            for axis in range(3):
                x[corner, axis] = start[corners[corner], axis] + done * way[corners[corner], axis]
        if is_face:
            gap = np.sqrt(point_triangle(x, 0, 1, 2, 3, weights)) - least
        else:
            gap = np.sqrt(segment_segment(x, 0, 1, 2, 3, weights)) - least
        if advance == 0:
            kept = _KEPT * gap
        elif advance > 1 and gap < kept:
            # The first advance alone always keeps enough.
            break
        if gap <= 0.0:
            break
        before = done
        done += (1.0 - _KEPT) * gap / nearer
        if done >= 1.0:
            return 1.0
    return before
