"""Rigid motions: least-squares fit, logarithm and exponential."""

import numpy as np
import numpy.typing as npt
import scipy.linalg

Array = npt.NDArray[np.float64]


def fit_rigid(source: Array, target: Array) -> Array:
    """The rigid (4, 4) matrix that takes source (P, 3) to target (P, 3) best (orthogonal Procrustes)."""
    source_center, target_center = source.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd((target - target_center).T @ (source - source_center))
    rotation = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = target_center - rotation @ source_center
    return matrix


def twist(matrix: Array) -> Array:
    """The (4, 4) generator whose exponential is the rigid matrix (4, 4); rotations under 180 degrees."""
    return np.real(scipy.linalg.logm(matrix))


def from_twist(generator: Array) -> Array:
    """The rigid matrix (4, 4) of a generator (4, 4)."""
    return scipy.linalg.expm(generator)
