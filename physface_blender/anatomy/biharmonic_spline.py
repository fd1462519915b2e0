"""The smoothest warp of space through given displacements at points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.linalg
from scipy.spatial.distance import cdist

POINTS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class BiharmonicSpline:
    """A biharmonic spline (kernel r with an affine part), the warp of ``ParametricBones`` for values known at once.

    Attributes:
        controls: (C, 3) mm.
        coefficients: (C + 4, 3).
    """

    controls: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def through(cls, controls: np.ndarray, displacements: np.ndarray) -> Self:
        """The spline that has displacements (C, 3) at controls (C, 3), all distinct, not in one plane."""
        count = len(controls)
        affine = np.column_stack([np.ones(count), controls])
        system = np.zeros((count + 4, count + 4))
        system[:count, :count] = cdist(controls, controls)
        system[:count, count:] = affine
        system[count:, :count] = affine.T
        right = np.concatenate([displacements, np.zeros((4, 3))])
        return cls(controls, scipy.linalg.solve(system, right, assume_a="sym"))

    def displacement(self, points: np.ndarray) -> np.ndarray:
        """Displacements (P, 3) in mm at points (P, 3)."""
        result = np.empty_like(points)
        for start in range(0, len(points), POINTS_AT_ONCE):
            some = points[start : start + POINTS_AT_ONCE]
            basis = np.column_stack([cdist(some, self.controls), np.ones(len(some)), some])
            result[start : start + POINTS_AT_ONCE] = basis @ self.coefficients
        return result
