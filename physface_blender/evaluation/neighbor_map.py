"""t-SNE (van der Maaten and Hinton 2008): points of many dimensions drawn so that neighbours stay neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PERPLEXITY = 30.0
EXAGGERATION, EXAGGERATED_STEPS = 12.0, 100
STEPS = 500
RATE_DIVISOR = 48.0
"""The step is the number of points over this (Belkina et al. 2019)."""
SMALL_STEPS = 20


def neighbor_map(points: Array, seed: int = 0, perplexity: float = PERPLEXITY) -> Array:
    """Places (N, 2) for points (N, D); the same for the same seed.

    Args:
        points: at least three times the perplexity of them.
        seed: of the first places.
        perplexity: how many neighbours count, about.
    """
    affinity = _affinities(points, perplexity)
    places = 1e-4 * np.random.default_rng(seed).standard_normal((len(points), 2))
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(len(points) / RATE_DIVISOR, 10.0)
    for step in range(STEPS):
        weight = EXAGGERATION if step < EXAGGERATED_STEPS else 1.0
        closeness = 1.0 / (1.0 + _squares(places))
        np.fill_diagonal(closeness, 0.0)
        pull = (weight * affinity - closeness / closeness.sum()) * closeness
        slope = 4.0 * (pull.sum(axis=1)[:, None] * places - pull @ places)
        gains = np.where(np.sign(slope) == np.sign(velocity), 0.8 * gains, gains + 0.2).clip(min=0.01)
        velocity = (0.5 if step < SMALL_STEPS else 0.8) * velocity - rate * gains * slope
        places = places + velocity
        places -= places.mean(axis=0)
    return places


def _squares(points: Array) -> Array:
    """Squared distances (N, N)."""
    lengths = (points**2).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths[None] - 2.0 * points @ points.T, 0.0)


def _affinities(points: Array, perplexity: float) -> Array:
    """Symmetric probabilities (N, N): a Gaussian around every point, as wide as its perplexity asks."""
    squares = _squares(points)
    squares /= squares.mean()
    chances = np.zeros_like(squares)
    for index, row in enumerate(squares):
        low, high, precision = 0.0, np.inf, 1.0
        others = np.delete(row, index)
        for _ in range(60):
            weights = np.exp(-precision * (others - others.min()))
            total = weights.sum()
            entropy = np.log(total) + precision * ((others - others.min()) * weights).sum() / total
            if entropy > np.log(perplexity):
                low = precision
                precision = 2.0 * precision if np.isinf(high) else 0.5 * (low + high)
            else:
                high = precision
                precision = 0.5 * (low + high)
        chances[index] = np.insert(weights / total, index, 0.0)
    return (chances + chances.T) / (2.0 * len(points))
