"""Which part of the head is simulated: a smooth bound of the region, and the depth below the outer skin."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

#: Planes of the region in canonical mm as (point, inward normal): behind (in front of the ears), below (upper neck,
#: rising backwards to the angle of the jaw), above (hairline, rising forwards).
REGION_PLANES = (
    ((0.0, 0.0, 34.0), (0.0, -0.10, 1.0)),
    ((0.0, -88.0, 60.0), (0.0, 1.0, 0.7)),
    ((0.0, 95.0, 80.0), (0.0, -1.0, 0.25)),
)
#: Radius in mm with which the edges between the planes are rounded.
REGION_ROUNDING_MM = 12.0
#: The piriform opening of the skull holds air and mucosa, no tissue that an expression moves: low and high corner, mm.
NASAL_CAVITY_BOX = ((-17.0, -6.0, 60.0), (17.0, 24.0, 97.0))
#: Regions of the skin that face a cavity and are not the outer skin.
INNER_REGIONS = ("inner_mouth", "eye_socket_left", "eye_socket_right", "nostril")


def region_margin(points: np.ndarray) -> np.ndarray:
    """Return how far points lie inside the region of the simulated face.

    Args:
        points: (P, 3) canonical mm.

    Returns:
        (P,) float64 mm, positive inside; a lower bound of the distance to the bound, smooth in the point.
    """
    points = np.asarray(points, dtype=np.float64)
    margin = np.full(len(points), np.inf)
    for corner, normal in REGION_PLANES:
        normal = np.asarray(normal) / np.linalg.norm(normal)
        distance = (points - np.asarray(corner)) @ normal
        if np.isinf(margin).all():
            margin = distance
            continue
        blend = np.maximum(REGION_ROUNDING_MM - np.abs(margin - distance), 0.0) / REGION_ROUNDING_MM
        margin = np.minimum(margin, distance) - 0.25 * REGION_ROUNDING_MM * blend**2
    return margin


def in_nasal_cavity(points: np.ndarray) -> np.ndarray:
    """Return which points (P, 3) in canonical mm lie behind the piriform opening, (P,) bool."""
    low, high = NASAL_CAVITY_BOX
    return ((points > low) & (points < high)).all(axis=1)


def outer_skin_samples(vertices: np.ndarray, triangles: np.ndarray, inner: np.ndarray, spacing: float) -> np.ndarray:
    """Sample the outer skin: the triangles without a vertex that faces a cavity.

    Args:
        vertices: (V, 3) skin vertices, mm.
        triangles: (T, 3) skin triangles.
        inner: (V,) bool, True for vertices of the inner mouth, eye sockets and nostrils.
        spacing: wanted distance between samples, mm.

    Returns:
        (S, 3) points on the outer skin.
    """
    corners = vertices[triangles[~inner[triangles].any(axis=1)]]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    pieces = np.maximum(np.ceil(longest / spacing).astype(int), 1)
    samples = [vertices[~inner]]
    for count in np.unique(pieces):
        i, j = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
        keep = i + j < count
        a, b = (i[keep] + 1 / 3) / count, (j[keep] + 1 / 3) / count
        weights = np.stack([1.0 - a - b, a, b], axis=1)
        samples.append(np.einsum("sk,tkx->tsx", weights, corners[pieces == count]).reshape(-1, 3))
    return np.concatenate(samples)


def depth_below(samples: np.ndarray, points: np.ndarray, limit: float) -> np.ndarray:
    """Return the distance (P,) in mm from points (P, 3) to the nearest skin sample, infinite beyond the limit."""
    distance, _ = cKDTree(samples).query(points, distance_upper_bound=limit)
    return distance
