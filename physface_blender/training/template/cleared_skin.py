"""The skin, cleared off the eyeballs."""

from __future__ import annotations

import numpy as np

from ...anatomy.mesh import Mesh
from .eyes import Eyeball

SOCKET_GAP = 0.4
LID_GAP = 0.1


def cleared_skin(skin: Mesh, sockets: dict[str, np.ndarray], left_eye: Eyeball) -> Mesh:
    """Return the skin with its eye sockets and lids pushed off the eyeballs.

    The source's sockets lie up to 2 mm inside its eyeballs; here they keep ``SOCKET_GAP`` and the lids' edges
    at least ``LID_GAP`` millimeters.

    Args:
        skin: the source's, or another that lies on it.
        sockets: (V,) bool of the vertices of each socket, ``left`` and ``right``.
        left_eye: the left eyeball.
    """
    vertices = skin.vertices.copy()
    for side, eye in (("left", left_eye), ("right", left_eye.mirrored())):
        rows = np.flatnonzero(sockets[side])
        _push_out(vertices, rows, eye, SOCKET_GAP)
        near = np.flatnonzero(np.linalg.norm(vertices - eye.center, axis=1) < eye.radii.max() + 1.0)
        _push_out(vertices, np.setdiff1d(near, rows), eye, LID_GAP)
    return skin.with_vertices(vertices)


def _push_out(vertices: np.ndarray, rows: np.ndarray, eye: Eyeball, gap: float) -> None:
    """Move the rows radially, in place, so that they lie at least ``gap`` outside the eyeball."""
    rays = vertices[rows] - eye.center
    distance = np.linalg.norm(rays, axis=1)
    least = eye.radius_toward(vertices[rows]) + gap
    vertices[rows] = eye.center + rays * (np.maximum(distance, least) / distance)[:, None]
