"""Shaded pictures of surfaces, drawn with a depth buffer: what a fit looks like, in a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

BACKGROUND = (38, 40, 44)
CLAY = (0.74, 0.70, 0.66)
LIGHTS = (((-0.45, 0.55, 0.75), 0.85), ((0.8, 0.1, 0.5), 0.35), ((0.0, -0.6, 0.6), 0.12))
"""Direction toward the light and its strength, in the frame of the camera."""
FINER = 2
"""Every pixel is the mean of so many by so many."""


@dataclass(frozen=True)
class View:
    """An orthographic camera.

    Attributes:
        center: (3,) what is seen in the middle, mm.
        height_mm: what is seen from top to bottom.
        yaw_degrees: of the camera toward the character's left.
        width: pixels.
        height: pixels.
    """

    center: tuple[float, float, float]
    height_mm: float = 270.0
    yaw_degrees: float = 0.0
    width: int = 360
    height: int = 440


def shade(
    vertices: np.ndarray, triangles: np.ndarray, normals: np.ndarray, view: View, colors: np.ndarray | None = None
) -> np.ndarray:
    """Draw a surface.

    Args:
        vertices: (V, 3) mm, y up, z toward a camera without yaw.
        triangles: (T, 3).
        normals: (V, 3) unit normals.
        view: the camera.
        colors: (V, 3) 0..1; clay when None.

    Returns:
        (H, W, 3) uint8.
    """
    angle = np.radians(view.yaw_degrees)
    turn = np.array([[np.cos(angle), 0.0, -np.sin(angle)], [0.0, 1.0, 0.0], [np.sin(angle), 0.0, np.cos(angle)]])
    seen = (vertices - np.asarray(view.center)) @ turn.T
    scale = view.height / view.height_mm
    flat = np.column_stack([0.5 * view.width + scale * seen[:, 0], 0.5 * view.height - scale * seen[:, 1], seen[:, 2]])
    background = np.empty((view.height, view.width, 3), dtype=np.uint8)
    background[:] = BACKGROUND
    return shade_over(background, flat, triangles, normals @ turn.T, colors)


def shade_over(
    background: np.ndarray,
    flat: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray,
    colors: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a surface that any camera has projected over a picture.

    Args:
        background: (H, W, 3) uint8.
        flat: (V, 3) pixels from the upper left corner, and a depth that is larger the nearer.
        triangles: (T, 3).
        normals: (V, 3) unit normals in the frame of the camera, z toward the viewer.
        colors: (V, 3) 0..1; clay when None.

    Returns:
        (H, W, 3) uint8.
    """
    light = np.full(len(flat), 0.10)
    for direction, strength in LIGHTS:
        direction = np.asarray(direction) / np.linalg.norm(direction)
        light += strength * np.clip(normals @ direction, 0.0, None)
    tint = np.broadcast_to(np.asarray(CLAY), (len(flat), 3)) if colors is None else colors
    picture = np.repeat(np.repeat((background / 255.0) ** 2.2, FINER, axis=0), FINER, axis=1)
    fine = flat * [FINER, FINER, 1.0]
    _draw(fine, np.ascontiguousarray(triangles, dtype=np.int64), np.ascontiguousarray(tint * light[:, None]), picture)
    height, width = background.shape[:2]
    picture = picture.reshape(height, FINER, width, FINER, 3).mean(axis=(1, 3))
    return (255.0 * np.clip(picture, 0.0, 1.0) ** (1.0 / 2.2) + 0.5).astype(np.uint8)


@njit(cache=True)
def _draw(flat, triangles, colors, picture):
    """Fill triangles (pixels and depth) with colors that vary linearly; the nearest one is seen."""
    height, width = picture.shape[0], picture.shape[1]
    depth = np.full((height, width), -np.inf)
    for t in range(len(triangles)):
        a, b, c = flat[triangles[t, 0]], flat[triangles[t, 1]], flat[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area == 0.0:
            continue
        left, right = max(0, int(min(a[0], b[0], c[0]))), min(width - 1, int(max(a[0], b[0], c[0])) + 1)
        top, bottom = max(0, int(min(a[1], b[1], c[1]))), min(height - 1, int(max(a[1], b[1], c[1])) + 1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                x, y = column + 0.5, row + 0.5
                u = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
                v = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
                w = 1.0 - u - v
                if u < 0.0 or v < 0.0 or w < 0.0:
                    continue
                z = u * a[2] + v * b[2] + w * c[2]
                if z > depth[row, column]:
                    depth[row, column] = z
                    for k in range(3):
                        picture[row, column, k] = (
                            u * colors[triangles[t, 0], k]
                            + v * colors[triangles[t, 1], k]
                            + w * colors[triangles[t, 2], k]
                        )


def error_colors(distances: np.ndarray, full_mm: float) -> np.ndarray:
    """Colors (V, 3) of distances (V,) in mm: blue at 0, green, yellow, red at ``full_mm``; gray where not a number."""
    stops = np.array(
        [[0.10, 0.20, 0.75], [0.10, 0.65, 0.70], [0.25, 0.75, 0.20], [0.95, 0.80, 0.10], [0.85, 0.10, 0.08]]
    )
    share = np.clip(np.nan_to_num(distances) / full_mm, 0.0, 1.0) * (len(stops) - 1)
    colors = np.stack([np.interp(share, np.arange(len(stops)), stops[:, k]) for k in range(3)], axis=1)
    return np.where(np.isnan(distances)[:, None], 0.35, colors)
