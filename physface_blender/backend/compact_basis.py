# SPDX-License-Identifier: GPL-3.0-or-later
"""A few shapes whose mixtures are all frames of a bake, to a stated tolerance: principal components, not centered.

They are not centered so that all weights at zero are the rest shape, to which other shapes can be added. Components are
taken by energy, the best for a given number in the sum of squares; how many there are is decided by the largest error of
any vertex in any frame, which is what is seen. All weights lie between 0 and 1, which every program understands: where
they would go below, the lowest of them go into a further shape that is always on.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_COLUMNS = 4096
_ROWS = 16
_MARGIN = 0.999
"""Of the tolerance, left to what is rounded when shapes are stored in single precision."""


@dataclass(frozen=True, eq=False)
class CompactBasis:
    """Shapes and how they are mixed.

    Attributes:
        shapes: (K, P, 3) float32 displacements from rest, each at the weight 1.
        weights: (T, K) of each frame, 0..1.
        error: largest distance of a vertex in a frame from where it should be, in the unit of the displacements.
    """

    shapes: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float64]
    error: float


def fit_compact_basis(displacements: npt.NDArray[np.float32], tolerance: float) -> Generator[float, None, CompactBasis]:
    """Find a basis for all frames; a generator, so that a window can be kept alive meanwhile.

    Args:
        displacements: (T, P, 3) of every vertex from rest in every frame, finite.
        tolerance: largest error that is allowed, above 0, in the same unit.

    Yields:
        The share of the work that is done, 0..1, roughly.

    Returns:
        The basis with the fewest components that keep within the tolerance; none where the frames do not leave it.
    """
    count = len(displacements)
    rows = displacements.reshape(count, -1)
    gram = np.zeros((count, count))
    for first in range(0, rows.shape[1], _COLUMNS):
        part = rows[:, first : first + _COLUMNS].astype(np.float64)
        gram += part @ part.T
        yield 0.5 * first / rows.shape[1]
    energies, vectors = np.linalg.eigh(gram)
    largest = max(float(energies[-1]), np.finfo(np.float64).tiny)
    used = int((energies > 1e-12 * largest).sum())
    vectors = np.ascontiguousarray(vectors[:, ::-1][:, :used])
    components = np.empty((used, rows.shape[1]), dtype=np.float32)
    for first in range(0, rows.shape[1], _COLUMNS):
        components[:, first : first + _COLUMNS] = vectors.T @ rows[:, first : first + _COLUMNS]
        yield 0.5 + 0.2 * first / rows.shape[1]
    too_few, enough = -1, used
    errors: dict[int, float] = {}
    while enough - too_few > 1:
        tried = (too_few + enough) // 2
        errors[tried] = yield from _largest_error(rows, vectors[:, :tried], components[:tried], _MARGIN * tolerance)
        if errors[tried] <= _MARGIN * tolerance:
            enough = tried
        else:
            too_few = tried
    error = errors.get(enough)
    if error is None:
        error = yield from _largest_error(rows, vectors[:, :enough], components[:enough], np.inf)
    weights, components = vectors[:, :enough], components[:enough]
    signs = np.where(-weights.min(axis=0) > weights.max(axis=0), -1.0, 1.0)
    weights, components = weights * signs, components * signs[:, None].astype(np.float32)
    lowest = np.minimum(weights.min(axis=0), 0.0)
    weights = weights - lowest
    scale = np.maximum(weights.max(axis=0), np.finfo(np.float64).tiny)
    shapes, weights = components * scale[:, None], weights / scale
    if lowest.any():
        shapes = np.concatenate([(lowest @ components)[None], shapes])
        weights = np.column_stack([np.ones(count), weights])
    return CompactBasis(shapes.astype(np.float32).reshape(-1, *displacements.shape[1:]), weights, error)


def _largest_error(
    rows: npt.NDArray[np.float32], vectors: npt.NDArray[np.float64], components: npt.NDArray[np.float32], enough: float
) -> Generator[float, None, float]:
    """The largest distance of any vertex from its place; the first one found beyond ``enough`` will do."""
    largest = 0.0
    weights = vectors.astype(np.float32)
    for first in range(0, len(rows), _ROWS):
        rest = rows[first : first + _ROWS] - weights[first : first + _ROWS] @ components
        squares = np.square(rest.reshape(-1, 3)).sum(axis=1)
        largest = max(largest, float(np.sqrt(squares.max())))
        yield 0.7
        if largest > enough:
            break
    return largest
