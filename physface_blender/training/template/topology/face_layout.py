"""The topology of half a face: which blocks and rings of quads there are, and which vertices are whose.

Seen from outside, columns run from the middle of the face over the side to the middle of the back, rows from the
neck upward. The mouth is a hole of half rings in the middle, the eye, the ear and the nostril are insets of rings;
each corner of an inset has five edges, and each ends in a small grid whose corners have three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .block_layout import BlockLayout

#: Quads between two lines of columns: nose, inner and outer half of the eye, temple, ear (above, below), back.
NOSE, INNER_EYE, OUTER_EYE, TEMPLE, ABOVE_EAR, BELOW_EAR, BACK = 10, 4, 10, 7, 8, 6, 13
#: Quads between two lines of rows: neck and chin, mouth, upper lip to lower lid, eye, behind the ear, forehead.
CHIN, MOUTH, CHEEK, EYE, BEHIND_EAR, FOREHEAD = 24, 10, 20, 7, 13, 14
#: Rings of quads: outside the rim of lip, lid or nostril; on the source's loops within it; free ones behind those.
#: The ear has no loops of its own: rings that settle with the face, and rings that follow from the ear's shape.
MOUTH_RINGS, EYE_RINGS, EAR_RINGS, NOSTRIL_RINGS = (8, 19, 8), (10, 8, 1), (3, 10), (2, 4, 1)
#: Lower left and upper right corner of the nostril in the block of the nose, (column, row).
NOSTRIL = ((3, 2), (8, 7))
#: Relative lengths of the rows from the neck to the chin and of the rings toward lips and lids.
CHIN_LENGTHS = np.linspace(1.5, 0.6, CHIN)
MOUTH_LENGTHS = np.linspace(1.5, 0.6, MOUTH_RINGS[0])
EYE_LENGTHS = np.geomspace(1.0, 0.6, EYE_RINGS[0])
#: Columns of the grid on the crown, from the front to the back.
CROWN = 16


@dataclass(frozen=True)
class FaceLayout:
    """The quads of the left half and the vertices that places are known for.

    Attributes:
        quads: (F, 4) int32, counterclockwise seen from outside.
        edges: (E, 2), and lengths: (E,) the relative lengths that are wished for them.
        corners: name of a corner of the blocks, such as ``nose_chin``, to its vertex.
        middle: vertices on the middle plane from the neck in front over mouth, nose and head to the neck behind.
        neck: vertices of the opening from the front to the back.
        mouth: (R, C) vertices, rings from the outside inward, columns from the lower to the upper middle.
        eye: (R, C) vertices, rings from the outside inward, columns counterclockwise from the lower inner corner.
        ear: likewise, from the lower front corner.
        nostril: likewise, from the corner nearest to the lip and the middle.
        mouth_cap: (columns + 1, rows + 1) vertices of the grid that closes the innermost ring.
        eye_cap: likewise.
        ear_cap: likewise.
        nostril_cap: likewise.
    """

    quads: np.ndarray
    edges: np.ndarray
    lengths: np.ndarray
    corners: dict[str, int]
    middle: np.ndarray
    neck: np.ndarray
    mouth: np.ndarray
    eye: np.ndarray
    ear: np.ndarray
    nostril: np.ndarray
    mouth_cap: np.ndarray
    eye_cap: np.ndarray
    ear_cap: np.ndarray
    nostril_cap: np.ndarray

    @property
    def nose_line(self) -> np.ndarray:
        """Vertices in the middle plane from the upper lip over the nose to the level of the eyes."""
        places = [int(np.flatnonzero(self.middle == self.corners[f"middle_{row}"])[0]) for row in ("lip", "cheek")]
        return self.middle[places[0] : places[1] + 1]

    @property
    def eye_shape(self) -> tuple[int, int]:
        """Columns and rows of the rectangle around the eye."""
        return INNER_EYE + OUTER_EYE, EYE


#: Lines of columns and of rows; a corner is named ``column_row``.
_COLUMNS = ("middle", "nose", "pupil", "temple", "ear", "nape", "back")
_ROWS = ("neck", "chin", "lip", "cheek", "brow", "crown")


def face_layout() -> FaceLayout:
    """Return the layout of the left half."""
    layout = BlockLayout()
    low = (NOSE, INNER_EYE, OUTER_EYE, TEMPLE, BELOW_EAR, BACK)
    high = (NOSE, INNER_EYE, OUTER_EYE, TEMPLE, ABOVE_EAR, BACK)
    widths = {"neck": low, "chin": low, "lip": low, "cheek": high, "brow": high, "crown": high}
    heights = (CHIN, MOUTH, CHEEK, EYE, FOREHEAD)

    def across(first: int, last: int, row: str) -> np.ndarray:
        return _joined(
            layout.side(f"{_COLUMNS[k]}_{row}", f"{_COLUMNS[k + 1]}_{row}", widths[row][k]) for k in range(first, last)
        )

    def along(column: str, first: int, last: int) -> np.ndarray:
        if column in ("nape", "back") and (first, last) == (2, 4):
            return layout.side(f"{column}_lip", f"{column}_brow", BEHIND_EAR)
        return _joined(
            layout.side(f"{column}_{_ROWS[k]}", f"{column}_{_ROWS[k + 1]}", heights[k]) for k in range(first, last)
        )

    def block(columns: tuple[int, int], rows: tuple[int, int]) -> np.ndarray:
        (left, right), (bottom, top) = columns, rows
        return layout.block(
            across(left, right, _ROWS[bottom]),
            along(_COLUMNS[right], bottom, top),
            across(left, right, _ROWS[top]),
            along(_COLUMNS[left], bottom, top),
        )

    for k in range(6):
        layout.stretch(block((k, k + 1), (0, 1)), CHIN_LENGTHS)
        block((k, k + 1), (4, 5))
    for k in range(2, 6):
        block((k, k + 1), (1, 2))
    nose = block((0, 1), (2, 3))
    for k in (1, 2, 3):
        block((k, k + 1), (2, 3))
    block((0, 1), (3, 4))
    block((3, 4), (3, 4))
    block((5, 6), (2, 4))

    mouth_rim = _joined([across(0, 2, "chin"), along("pupil", 1, 2), across(0, 2, "lip")[::-1]])
    mouth = layout.rings(mouth_rim, sum(MOUTH_RINGS), closed=False)
    layout.stretch(np.array(mouth[: len(MOUTH_LENGTHS) + 1]).T, MOUTH_LENGTHS)
    upper_length = NOSE + INNER_EYE
    bottom, right, top = np.split(mouth[-1], [upper_length, upper_length + MOUTH])
    throat = layout.side("lower_throat", "upper_throat", MOUTH)
    throat = np.concatenate([bottom[:1], throat[1:-1], top[-1:]])
    mouth_cap = layout.block(np.append(bottom, right[0]), np.append(right, top[0]), top[::-1], throat)

    eye_rim = _loop(
        [across(1, 3, "cheek"), along("temple", 3, 4), across(1, 3, "brow")[::-1], along("nose", 3, 4)[::-1]]
    )
    eye = layout.rings(eye_rim, sum(EYE_RINGS), closed=True)
    layout.stretch(np.array(eye[: len(EYE_LENGTHS) + 1]).T, EYE_LENGTHS)
    eye_cap = layout.cap(eye[-1], INNER_EYE + OUTER_EYE, EYE)

    ear_rim = _loop([across(4, 5, "lip"), along("nape", 2, 4), across(4, 5, "brow")[::-1], along("ear", 2, 4)[::-1]])
    ear = layout.rings(ear_rim, sum(EAR_RINGS), closed=True)
    width = (ABOVE_EAR + BELOW_EAR) // 2 + 1
    ear_cap = layout.cap(np.roll(ear[-1], 1), width, len(ear_rim) // 2 - width)

    nostril = layout.rings(layout.inset(nose, *NOSTRIL), sum(NOSTRIL_RINGS), closed=True)
    (left, bottom_row), (right_column, top_row) = NOSTRIL
    nostril_cap = layout.cap(nostril[-1], right_column - left, top_row - bottom_row)

    rim = across(0, 6, "crown")
    side = (len(rim) - 1 - CROWN) // 2
    parting = layout.side("middle_crown", "back_crown", CROWN)
    layout.block(rim[: side + 1], rim[side : side + CROWN + 1], rim[side + CROWN :][::-1], parting)

    front = [along("middle", 0, 1), np.array([ring[0] for ring in mouth]), throat]
    front += [np.array([ring[-1] for ring in mouth])[::-1], along("middle", 2, 5), parting]
    back = [along("back", 4, 5), along("back", 2, 4), along("back", 0, 2)]
    middle = _joined(front + [line[::-1] for line in back])
    quads, number, edges, lengths = layout.finished()
    return FaceLayout(
        quads=quads,
        edges=edges,
        lengths=lengths,
        corners={f"{c}_{r}": int(number[layout.corner(f"{c}_{r}")]) for c, r in _placed_corners()},
        middle=number[middle],
        neck=number[across(0, 6, "neck")],
        mouth=number[np.array(mouth)],
        eye=number[np.array(eye)],
        ear=number[np.array(ear)],
        nostril=number[np.array(nostril)],
        mouth_cap=number[mouth_cap],
        eye_cap=number[eye_cap],
        ear_cap=number[ear_cap],
        nostril_cap=number[nostril_cap],
    )


def _placed_corners() -> list[tuple[str, str]]:
    """Return column and row of every corner that a block has."""
    gaps = {("nape", "cheek"), ("back", "cheek")}
    return [(column, row) for column in _COLUMNS for row in _ROWS if (column, row) not in gaps]


def _joined(lines) -> np.ndarray:
    """Return chains that continue each other as one."""
    lines = list(lines)
    return np.concatenate([lines[0], *(line[1:] for line in lines[1:])])


def _loop(lines) -> np.ndarray:
    """Return chains that continue each other as one closed chain, its first vertex once."""
    return _joined(lines)[:-1]
