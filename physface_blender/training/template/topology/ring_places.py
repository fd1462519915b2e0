"""Where the rings of mouth, eye and nostril lie on the source's own loops.

The source's loops follow the contours of lips, lids and nostrils exactly, so ours keep to them, at columns and rows
of our own choice between theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....anatomy.mesh import Mesh
from ..face_source import FaceSource
from .half_surface import nostril_rings, pocket_rings

#: Rows of the source's loops, from the outside inward, on which ours lie.
MOUTH_ROWS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14.5, 16, 17.5, 19, 20.5, 22)
EYE_ROWS = (0, 0.5, 1, 1.5, 2, 3, 4.5, 6, 8)
NOSTRIL_ROWS = (0, 1, 2.5, 4.5, 7)
#: The outer contour of the red is the source's third loop above the mouth and its fourth below.
UPPER_CONTOUR_ROW, LOWER_CONTOUR_ROW, INNER_CONTOUR_ROW = 2, 3, 7
#: Share of the upper contour, from the middle to the corner, at which the lower one starts to run into it.
CONTOURS_MEET = 0.7

#: The nose leaves less room beside the inner corner of the eye: the share of the usual distance that is kept there,
#: and the width of that place as a share of half the lid's edge.
CANTHUS_REACH, CANTHUS_WIDTH = 0.6, 0.12


@dataclass(frozen=True)
class Rings:
    """Rings of a pocket.

    Attributes:
        places: (R, C, 2) in the plane, rings from the outside inward.
        outward: (C, 3) vectors that lead from the outermost ring over the skin away from the pocket, as long as the
            share of the usual distance that there is room for.
        end: vertices of the source's loop that the innermost ring lies on, in the rings' direction.
    """

    places: np.ndarray
    outward: np.ndarray
    end: np.ndarray


def mouth_places(source: FaceSource, skin: Mesh, flat: np.ndarray, count: int) -> Rings:
    """Return the rings from outside the lips to the end of the vestibule.

    Columns run from the lower to the upper middle on the left side.

    Args:
        source: names the pockets.
        skin: the source's skin.
        flat: (V, 2) places of its vertices in the plane.
        count: how many columns.
    """
    rings = pocket_rings(skin, *source.ranges["mouth_socket"])[: MOUTH_ROWS[-1] + 1]
    in_plane = np.flatnonzero(skin.vertices[rings[0], 0] == 0)
    lower = in_plane[skin.vertices[rings[0][in_plane], 1].argmin()]
    rings = np.roll(rings, -lower, axis=1)[:, : rings.shape[1] // 2 + 1]
    contour = skin.vertices[rings[UPPER_CONTOUR_ROW]]
    corner = int(contour[:, 0].argmax())
    columns = _shared_out(contour, np.linspace(0, 2, count), [0, corner, len(contour) - 1])
    rows = np.array(MOUTH_ROWS, dtype=np.float64)[:, None]
    at_contour = np.interp(rows, [0, UPPER_CONTOUR_ROW, INNER_CONTOUR_ROW], [0, 1, 0])
    is_lower = np.interp(columns, [0, CONTOURS_MEET * corner, corner], [1, 1, 0])
    rows = rows + at_contour * is_lower * (LOWER_CONTOUR_ROW - UPPER_CONTOUR_ROW)
    return Rings(_bilinear(flat[rings], rows, columns), _outward(skin, rings, columns), rings[-1])


def eye_places(source: FaceSource, skin: Mesh, flat: np.ndarray, shape: tuple[int, int]) -> Rings:
    """Return the rings from the lid's edge to the back of the left socket.

    The eye's corners lie in the middle of the short sides of a rectangle of ``shape`` (columns, rows) quads, from
    whose lower inner corner the C columns run counterclockwise.
    """
    rings = pocket_rings(skin, *source.ranges["eye_socket_left"])[: EYE_ROWS[-1] + 1]
    rings = np.roll(rings, -int(skin.vertices[rings[0], 0].argmin()), axis=1)
    rings = np.concatenate([rings, rings[:, :1]], axis=1)
    edge = skin.vertices[rings[0]]
    count = 2 * sum(shape)
    inner, outer = -0.5 * shape[1], shape[0] + 0.5 * shape[1]
    turns = np.interp((np.arange(count) - inner) % count + inner, [inner, outer, inner + count], [0, 1, 2])
    columns = _shared_out(edge, turns, [0, int(edge[:, 0].argmax()), len(edge) - 1])
    places = _bilinear(flat[rings], np.array(EYE_ROWS)[:, None], columns)
    from_corner = np.minimum(turns, 2.0 - turns) / CANTHUS_WIDTH
    reach = 1.0 - (1.0 - CANTHUS_REACH) * np.exp(-(from_corner**2))
    return Rings(places, reach[:, None] * _outward(skin, rings, columns), rings[-1])


def nostril_places(skin: Mesh, flat: np.ndarray, corners: np.ndarray, count: int) -> Rings:
    """Return the rings from the rim to the end of the left nostril.

    Args:
        skin: the source's skin.
        flat: (V, 2) places of its vertices in the plane.
        corners: (4, 3) millimeters, what the columns at 0, C / 4, C / 2 and 3 C / 4 are nearest to.
        count: C.
    """
    rings = nostril_rings(skin)[: NOSTRIL_ROWS[-1] + 1]
    at = [int(np.linalg.norm(skin.vertices[rings[0]] - corner, axis=1).argmin()) for corner in corners]
    rings = np.roll(rings, -at[0], axis=1)
    at = [(place - at[0]) % rings.shape[1] for place in at] + [rings.shape[1]]
    rings = np.concatenate([rings, rings[:, :1]], axis=1)
    columns = np.interp(np.arange(count), count / 4 * np.arange(5), at)
    columns = (columns + np.linspace(columns[0], rings.shape[1] - 1, count, endpoint=False)) / 2
    places = _bilinear(flat[rings], np.array(NOSTRIL_ROWS)[:, None], columns)
    return Rings(places, _outward(skin, rings, columns), rings[-1])


def _outward(skin: Mesh, rings: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return unit vectors (C, 3) across the outermost of the rings, away from the others."""
    rim, known = rings[0], set(rings[:2].ravel().tolist())
    beside = {int(vertex): [] for vertex in rim}
    for a, b in skin.edges.tolist():
        for here, other in ((a, b), (b, a)):
            if here in beside and other not in known:
                beside[here].append(skin.vertices[other])
    across = np.array([np.mean(beside[int(vertex)], axis=0) for vertex in rim]) - skin.vertices[rim]
    along = np.roll(skin.vertices[rim[:-1]], -1, axis=0) - np.roll(skin.vertices[rim[:-1]], 1, axis=0)
    along = np.concatenate([along, along[:1]])
    across -= (across * along).sum(axis=1, keepdims=True) / (along**2).sum(axis=1, keepdims=True) * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    outward = np.stack([np.interp(columns, np.arange(len(rim)), axis) for axis in across.T], axis=1)
    return outward / np.linalg.norm(outward, axis=1, keepdims=True)


def _shared_out(line: np.ndarray, turns: np.ndarray, ends: list[int]) -> np.ndarray:
    """Return fractional columns (T,) of a line (C, 3), halfway between even in length and even in columns.

    ``turns`` are 0 at the first, 1 at the second and 2 at the last of the ``ends``.
    """
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    even = np.interp(np.interp(turns, [0, 1, 2], length[ends]), length, np.arange(len(line)))
    return (even + np.interp(turns, [0, 1, 2], ends)) / 2


def _bilinear(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return values (R, C, D) of a grid at fractional rows (R, 1) or (R, C) and columns (C,)."""
    rows, columns = np.broadcast_arrays(rows, columns)
    r = np.clip(rows.astype(int), 0, values.shape[0] - 2)
    c = np.clip(columns.astype(int), 0, values.shape[1] - 2)
    down, along = (rows - r)[..., None], (columns - c)[..., None]
    upper = (1 - along) * values[r, c] + along * values[r, c + 1]
    lower = (1 - along) * values[r + 1, c] + along * values[r + 1, c + 1]
    return (1 - down) * upper + down * lower
