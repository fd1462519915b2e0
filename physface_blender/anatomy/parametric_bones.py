"""Parametric bones: skull and mandible of any identity, from its neutral skin and teeth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg
from scipy.spatial.distance import cdist


@dataclass(frozen=True)
class ParametricBones:
    """A smooth warp of the mean bones that follows an identity's skin and teeth (stands in for SCULPTOR).

    The warp is the biharmonic spline (kernel r with an affine part) that interpolates the displacement of control
    points on skin and teeth. It is linear in the control displacements, hence differentiable, and moves a bone with
    the skin above it, which keeps the thickness of the tissue between them.

    Attributes:
        influence: (B, C) weight of each control point's displacement on each bone point.
    """

    influence: npt.NDArray[np.float64]

    @classmethod
    def build(cls, control_points: npt.NDArray[np.float64], bone_points: npt.NDArray[np.float64]) -> "ParametricBones":
        """Factor the warp.

        Args:
            control_points: (C, 3) in mm on the mean skin and teeth, all distinct, not in one plane.
            bone_points: (B, 3) in mm on the mean bones.
        """
        count = len(control_points)
        affine = np.column_stack([np.ones(count), control_points])
        system = np.zeros((count + 4, count + 4))
        system[:count, :count] = cdist(control_points, control_points)
        system[:count, count:] = affine
        system[count:, :count] = affine.T
        evaluation = np.column_stack([cdist(bone_points, control_points), np.ones(len(bone_points)), bone_points])
        influence = scipy.linalg.solve(system, evaluation.T, assume_a="sym")[:count].T
        return cls(np.ascontiguousarray(influence))

    def displacement(self, control_displacement: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Displacements (..., B, 3) in mm of the bone points for displacements (..., C, 3) in mm of the controls."""
        return self.influence @ control_displacement


def spread_control_points(points: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Indices (count,) of points (V, 3) spread evenly by farthest-point sampling, starting with the first point."""
    chosen = np.zeros(count, dtype=np.int64)
    distance = np.linalg.norm(points - points[0], axis=1)
    for index in range(1, count):
        chosen[index] = int(np.argmax(distance))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[index]], axis=1))
    return chosen
