"""Similarities as (4, 4) matrices that act on column vectors, and small steps of them."""

import numpy as np
from scipy.spatial.transform import Rotation


def small_similarity(step: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The similarity (4, 4) of a step (7,) about a center (3,).

    Args:
        step: rotation vector in radians (3), translation (3), logarithm of the scale (1).
        center: what rotation and scale leave in place.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = np.exp(step[6]) * Rotation.from_rotvec(step[:3]).as_matrix()
    matrix[:3, 3] = center + step[3:6] - matrix[:3, :3] @ center
    return matrix


def similarity_rows(points: np.ndarray, normals: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Derivative (P, 7) of the motion of points (P, 3) along normals (P, 3) by a step about a center (3,)."""
    arms = points - center
    along = np.einsum("px,px->p", arms, normals)
    return np.concatenate([np.cross(arms, normals), normals, along[:, None]], axis=1)


def scale_of(similarity: np.ndarray) -> float:
    """The scale of a similarity (4, 4)."""
    return float(np.cbrt(np.linalg.det(similarity[:3, :3])))


def apply(similarity: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The transformed points (P, 3)."""
    return points @ similarity[:3, :3].T + similarity[:3, 3]


def similarity_between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity (4, 4) that takes points (P, 3) nearest to others (P, 3) (Umeyama 1991, equations 40 to 42)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centered = source - source_mean
    left, values, right = np.linalg.svd((target - target_mean).T @ centered)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    matrix = np.eye(4)
    matrix[:3, :3] = (left * signs) @ right * float(values @ signs / (centered**2).sum())
    matrix[:3, 3] = target_mean - matrix[:3, :3] @ source_mean
    return matrix
