"""Contact sheets: many pictures on one, each with a label, made with Blender's own image and text functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import blf
import bpy
import imbuf
import numpy as np
from numpy.typing import NDArray

_BACKGROUND = (0.055, 0.058, 0.062)
_TITLE_COLOR = (0.93, 0.93, 0.93, 1.0)
_LABEL_COLOR = (0.72, 0.74, 0.76, 1.0)
_TITLE_HEIGHT, _LABEL_HEIGHT, _GAP = 44, 26, 6


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Attributes:
        path: PNG file; all tiles of a sheet have the same size.
        label: A few words under it.
    """

    path: Path
    label: str


def write_contact_sheet(tiles: Sequence[Tile], columns: int, title: str, path: Path) -> None:
    """Put pictures on a sheet, row by row, and write it as PNG.

    Args:
        tiles: At least one.
        columns: Pictures in a row.
        title: A line above all.
        path: Where to write.

    Raises:
        ValueError: There are no tiles, or their sizes differ.
    """
    if not tiles:
        raise ValueError("A contact sheet needs at least one picture.")
    pictures = [read_picture(tile.path) for tile in tiles]
    height, width = pictures[0].shape[:2]
    if any(picture.shape != pictures[0].shape for picture in pictures):
        raise ValueError("The pictures of a contact sheet must have the same size.")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    cell_width, cell_height = width + _GAP, height + _LABEL_HEIGHT
    sheet = np.empty((_TITLE_HEIGHT + rows * cell_height + _GAP, columns * cell_width + _GAP, 3), dtype=np.float32)
    sheet[:] = _BACKGROUND
    corners = []
    for index, picture in enumerate(pictures):
        top = _TITLE_HEIGHT + (index // columns) * cell_height
        left = _GAP + (index % columns) * cell_width
        sheet[top : top + height, left : left + width] = picture
        corners.append((left, top + height))
    write_picture(sheet, path)
    texts = [(title, _GAP + 4, _TITLE_HEIGHT - 15, 20, _TITLE_COLOR)]
    texts += [
        (tile.label, left + 4, bottom + _LABEL_HEIGHT - 9, 15, _LABEL_COLOR)
        for tile, (left, bottom) in zip(tiles, corners, strict=True)
    ]
    draw_texts(path, sheet.shape[0], texts)


def read_picture(path: Path) -> NDArray[np.float32]:
    """The colors of a picture as they are in the file, (height, width, 3) in 0..1, top row first."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        pixels = np.empty(width * height * image.channels, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, image.channels)[::-1, :, :3].copy()
    finally:
        bpy.data.images.remove(image)


def write_picture(colors: NDArray[np.float32], path: Path) -> None:
    """Write (height, width, 3) colors in 0..1, top row first, to a PNG file as they are."""
    height, width = colors.shape[:2]
    image = bpy.data.images.new(path.stem, width, height)
    try:
        image.colorspace_settings.name = "Non-Color"
        pixels = np.ones((height, width, 4), dtype=np.float32)
        pixels[..., :3] = colors[::-1]
        image.pixels.foreach_set(pixels.ravel())
        image.file_format = "PNG"
        image.save(filepath=str(path))
    finally:
        bpy.data.images.remove(image)


def draw_texts(
    path: Path, height: int, texts: Sequence[tuple[str, int, int, int, tuple[float, float, float, float]]]
) -> None:
    """Write texts (text, left, baseline from the top, size, color) into a picture file."""
    buffer = imbuf.load(str(path))
    font = 0
    with blf.bind_imbuf(font, buffer):
        for text, left, baseline, size, color in texts:
            blf.size(font, size)
            blf.color(font, *color)
            blf.position(font, left, height - baseline, 0.0)
            blf.draw_buffer(font, text)
    imbuf.write(buffer, filepath=str(path))
    buffer.free()
