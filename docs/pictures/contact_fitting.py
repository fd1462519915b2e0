"""The picture of ``docs/evaluation/contact_fitting.md``, or of ``style_contact_fitting.md`` when that is named.

Run by ``build.py evaluate contact-fit``; reads the skins that the experiment left in ``build/evaluation``,
and where the picture goes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from studio import Studio  # noqa: E402

TILE = 264
COLUMNS = ("target", "free", "contact", "fitted")
SKIN, RED = np.array([0.72, 0.66, 0.62]), np.array([0.75, 0.02, 0.02])
RED_MM = 2.0
MOUTH, WIDTH_MM = (0.0, -32.0, 100.0), 70.0
INSIDE = np.array([[-24.0, -55.0, 80.0], [24.0, -55.0, 80.0], [24.0, -15.0, 80.0], [-24.0, -15.0, 80.0]])
"""A dark wall behind the lips: the inside of the mouth is not compared, and missing."""


def main() -> None:
    """Render the mouth of every column and row, colored by its distance from the capture."""
    name = sys.argv[1] if len(sys.argv) > 1 else "contact_fitting"
    with np.load(FOLDER.parents[1] / "build" / "evaluation" / f"{name}.npz") as file:
        arrays = dict(file)
    rows = len(arrays["target"])
    sheet = np.zeros((rows * TILE, len(COLUMNS) * TILE, 4), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        tile = Path(folder) / "tile.png"
        for row in range(rows):
            for column, kind in enumerate(COLUMNS):
                skin = arrays[kind][row]
                error = np.linalg.norm(skin - arrays["target"][row], axis=1)
                share = np.clip(error / RED_MM, 0.0, 1.0)[:, None]
                studio = Studio((TILE, TILE), samples=8)
                studio.add("skin", skin, arrays["faces"], vertex_colors=(1.0 - share) * SKIN + share * RED)
                studio.add("inside", INSIDE, np.array([[0, 1, 2, 3]]), color=(0.08, 0.02, 0.02))
                studio.take(tile, MOUTH, WIDTH_MM, 25.0)
                image = bpy.data.images.load(str(tile), check_existing=False)
                pixels = np.array(image.pixels[:], dtype=np.float32).reshape(TILE, TILE, 4)
                top = (rows - 1 - row) * TILE
                sheet[top : top + TILE, column * TILE : (column + 1) * TILE] = pixels
    picture = bpy.data.images.new("sheet", sheet.shape[1], sheet.shape[0])
    # 86 levels are enough, and make a small file.
    picture.pixels.foreach_set((np.round(sheet * 85.0) / 85.0).ravel())
    picture.save_render(str(arrays["picture"]), scene=bpy.context.scene)


if __name__ == "__main__":
    main()
