"""The gums: the source's one mesh cut into the part that stays and the part that moves with the jaw."""

from __future__ import annotations

import numpy as np

from ...anatomy.mesh import Mesh
from .face_source import FaceSource

MOVING_MILLIMETERS = 8.0


def split_gums(source: FaceSource) -> tuple[Mesh, Mesh]:
    """Return the upper gum and the lower gum with the tongue; a face is lower if jawOpen moves all of it."""
    first, last = source.ranges["gums_tongue"]
    gums = source.part("gums_tongue")
    travel = np.linalg.norm(source.expressions["jawOpen"][first:last], axis=1)
    corners = np.where(gums.faces < 0, gums.faces[:, :1], gums.faces)
    is_lower = travel[corners].min(axis=1) > MOVING_MILLIMETERS
    return used_only(gums.vertices, gums.faces[~is_lower]), used_only(gums.vertices, gums.faces[is_lower])


def used_only(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    """Return the faces as a mesh without the vertices they do not use."""
    used = np.unique(faces)
    used = used[used >= 0]
    number = np.full(len(vertices) + 1, -1)
    number[used] = np.arange(len(used))
    return Mesh(vertices[used], number[faces].astype(np.int32))
