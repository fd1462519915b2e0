"""The source's teeth with shorter roots, and upper and lower crowns ground clear of each other."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from ...anatomy.mesh import Mesh
from .clearance import sample_matrix
from .distance_field import DistanceField
from .face_source import FaceSource

TOOTH_TO_TOOTH_GAP = 0.22
UPPER_ROOT_START = -17.0
LOWER_ROOT_START = -48.0
ROOT_SCALE = 0.35
ROUNDS = 10


def template_teeth(source: FaceSource) -> tuple[Mesh, Mesh]:
    """Return upper and lower teeth, clear of each other.

    The source's roots reach through gum and lining; nobody sees them, so beyond the depth where the gum hides
    them they are shortened to ``ROOT_SCALE``.
    """
    upper, lower = source.part("teeth_upper"), source.part("teeth_lower")
    for jaw, start, direction in ((upper, UPPER_ROOT_START, 1.0), (lower, LOWER_ROOT_START, -1.0)):
        beyond = np.maximum(direction * (jaw.vertices[:, 1] - start), 0.0)
        jaw.vertices[:, 1] -= direction * (1 - ROOT_SCALE) * beyond
    return cleared_teeth(upper, lower)


def cleared_teeth(upper: Mesh, lower: Mesh) -> tuple[Mesh, Mesh]:
    """Return the teeth with the crowns' overlaps ground away, first from the lower, then from the upper ones.

    Raises:
        ValueError: an overlap is left after all rounds.
    """
    everywhere = [sample_matrix(jaw, np.ones(len(jaw.vertices), dtype=bool)) for jaw in (upper, lower)]
    for _ in range(ROUNDS):
        lower_push = _push_away(lower, everywhere[1], DistanceField(upper))
        lower = lower.with_vertices(lower.vertices + lower_push)
        upper_push = _push_away(upper, everywhere[0], DistanceField(lower))
        upper = upper.with_vertices(upper.vertices + upper_push)
        if max(np.abs(lower_push).max(), np.abs(upper_push).max()) < TOOTH_TO_TOOTH_GAP / 2:
            return upper, lower
    raise ValueError("The teeth still overlap at rest.")


def _push_away(jaw: Mesh, samples: csr_matrix, other: DistanceField) -> np.ndarray:
    """Return (V, 3) moves of a jaw's vertices that bring all its samples clear of the other jaw."""
    ways = other.way_out(samples @ jaw.vertices, TOOTH_TO_TOOTH_GAP)
    length = np.linalg.norm(ways, axis=1)
    entries = samples.tocoo()
    order = np.argsort(length[entries.row], kind="stable")
    moves = np.zeros_like(jaw.vertices)
    moves[entries.col[order]] = ways[entries.row[order]]
    return moves
