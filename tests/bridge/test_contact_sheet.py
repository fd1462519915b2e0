"""Contact sheets: pictures land where they belong, unchanged, and labels are drawn."""

import numpy as np
import pytest

from physface_blender.blender import contact_sheet
from physface_blender.blender.contact_sheet import Tile, read_picture, write_contact_sheet, write_picture


def picture(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return (levels / 255.0).astype(np.float32)


def test_a_picture_survives_a_file_exactly(tmp_path):
    colors = picture(1)
    write_picture(colors, tmp_path / "picture.png")
    assert np.abs(read_picture(tmp_path / "picture.png") - colors).max() < 1e-6


def test_tiles_lie_in_rows_with_labels_below(tmp_path):
    tiles = []
    for number in range(5):
        write_picture(picture(number), tmp_path / f"{number}.png")
        tiles.append(Tile(tmp_path / f"{number}.png", f"frame {number}"))
    write_contact_sheet(tiles, 3, "Title", tmp_path / "sheet.png")
    sheet = read_picture(tmp_path / "sheet.png")
    top, gap, label = contact_sheet._TITLE_HEIGHT, contact_sheet._GAP, contact_sheet._LABEL_HEIGHT
    for number in range(5):
        y, x = top + number // 3 * (40 + label), gap + number % 3 * (60 + gap)
        assert np.abs(sheet[y : y + 40, x : x + 60] - picture(number)).max() < 1e-6
        below = sheet[y + 40 : y + 40 + label - 2, x : x + 60]
        assert below.max() > 0.4, "no label"
    empty = sheet[top + 40 + label :, gap + 2 * (60 + gap) :]
    assert empty.max() < 0.1
    assert sheet[: top - 4].max() > 0.7, "no title"


def test_pictures_of_different_sizes_and_none_at_all_are_refused(tmp_path):
    write_picture(picture(1), tmp_path / "a.png")
    write_picture(picture(2, width=61), tmp_path / "b.png")
    with pytest.raises(ValueError, match="same size"):
        write_contact_sheet([Tile(tmp_path / "a.png", ""), Tile(tmp_path / "b.png", "")], 2, "", tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="at least one"):
        write_contact_sheet([], 2, "", tmp_path / "sheet.png")
