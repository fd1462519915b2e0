# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigid and similarity transforms as (4, 4) float64 matrices that act on column vectors."""

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Transform = npt.NDArray[np.float64]


def fit_rigid(source: Points, target: Points) -> Transform:
    """The rotation and translation that takes points (P, 3) nearest to others (P, 3) in the least-squares sense.

    Source: Kabsch 1976; the determinant keeps reflections out (Umeyama 1991, equation 43).
    """
    return _fit(source, target, with_scale=False)


def fit_similarity(source: Points, target: Points) -> Transform:
    """As ``fit_rigid`` with a uniform scale (Umeyama 1991, equations 40 to 42)."""
    return _fit(source, target, with_scale=True)


def apply(transform: Transform, points: Points) -> Points:
    """The transformed points (P, 3)."""
    return points @ transform[:3, :3].T + transform[:3, 3]


def rotation_about(center: Points, rotation_vector: Points) -> Transform:
    """The rotation about a point (3,) by a rotation vector (3,) in radians (Rodrigues' formula)."""
    angle = float(np.linalg.norm(rotation_vector))
    transform = np.eye(4)
    if angle > 0.0:
        x, y, z = np.asarray(rotation_vector) / angle
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        transform[:3, :3] += np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    transform[:3, 3] = np.asarray(center) - transform[:3, :3] @ np.asarray(center)
    return transform


def _fit(source: Points, target: Points, *, with_scale: bool) -> Transform:
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centered = source - source_mean
    u, singular_values, vt = np.linalg.svd((target - target_mean).T @ centered)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * signs) @ vt
    scale = float(singular_values @ signs / (centered**2).sum()) if with_scale else 1.0
    transform = np.eye(4)
    transform[:3, :3] = scale * rotation
    transform[:3, 3] = target_mean - transform[:3, :3] @ source_mean
    return transform
