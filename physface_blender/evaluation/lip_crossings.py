"""Lips that pass through each other: which triangles are theirs, and how many of them intersect."""

from __future__ import annotations

import numpy as np

from ..anatomy.template import Template
from ..simulation.intersections import intersecting_pairs


def lip_triangles(template: Template, vertices: np.ndarray) -> np.ndarray:
    """Return the triangles (T, 3) of the lips among compared vertices (P,), numbered as these are."""
    triangles = faces_among(template.meshes["skin"].triangles, vertices)
    lips = np.maximum(template.regions["upper_lip"], template.regions["lower_lip"])[vertices] > 0.5
    return triangles[lips[triangles].all(axis=1)]


def crossing_count(skin: np.ndarray, triangles: np.ndarray) -> int:
    """Return how many pairs of triangles (T, 3) of a skin (P, 3) intersect."""
    return len(intersecting_pairs(skin, triangles))


def faces_among(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Return the faces (F, 3 or 4) with all their vertices among those kept (P,), renumbered; -1 stays -1."""
    number = np.full(faces.max() + 1, -2)
    number[vertices[vertices < len(number)]] = np.flatnonzero(vertices < len(number))
    renumbered = np.where(faces >= 0, number[np.maximum(faces, 0)], -1)
    return renumbered[(renumbered >= -1).all(axis=1)]
