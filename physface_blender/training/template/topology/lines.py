"""Places along an open line of points."""

from __future__ import annotations

import numpy as np


def lengths_along(points: np.ndarray) -> np.ndarray:
    """Return (P,) the length of a line (P, D) up to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def points_along(values: np.ndarray, length: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return values (S, D) at shares 0..1 of the whole length, from values (P, D) at the lengths (P,)."""
    return np.stack([np.interp(shares * length[-1], length, column) for column in values.T], axis=1)


def places_along(line: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (Q,) the length up to the nearest place of a line (P, D) for points (Q, D) that come in its order.

    Each is looked for behind the one before, so that a line which comes near itself does not mislead.
    """
    length, places, first = lengths_along(line), [], 0
    along = np.diff(line, axis=0)
    squared = (along**2).sum(axis=1)
    for point in points:
        share = np.clip(((point - line[first:-1]) * along[first:]).sum(axis=1) / squared[first:], 0, 1)
        apart = np.linalg.norm(line[first:-1] + share[:, None] * along[first:] - point, axis=1)
        near = int(np.flatnonzero(apart < apart.min() + 1e-6)[0])
        first += near
        places.append(length[first] + share[near] * np.sqrt(squared[first]))
    return np.array(places)
