"""Pictures of the material space: cross-sections with skin, bones, teeth and hexes.

Run with the project's Python from the root of the repository:
``python docs/pictures/cross_sections.py [--resolution MM]``.
Hexes are colored by the parting coordinate (red above a slit, blue below); where a cell holds two pieces of material it
is drawn in two halves. Skin is black, skull dark blue, mandible green, teeth orange, eyeballs turquoise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from physface_blender.anatomy.material_space import MaterialSpace, build_material_space  # noqa: E402
from physface_blender.anatomy.mesh import Mesh  # noqa: E402
from physface_blender.anatomy.template import load_template  # noqa: E402

LINES = {
    "skull": (0.1, 0.2, 0.55),
    "mandible": (0.05, 0.45, 0.2),
    "upper_teeth": (0.85, 0.45, 0.05),
    "lower_teeth": (0.85, 0.45, 0.05),
    "eye_left": (0.1, 0.6, 0.65),
    "eye_right": (0.1, 0.6, 0.65),
    "skin": (0.0, 0.0, 0.0),
}
#: Name of the picture, axis and place of the cut, low and high corner of the picture, pixels per mm.
CUTS = (
    ("section_midsagittal", 0, 0.3, (30.0, -95.0), (135.0, 105.0), 5),
    ("section_lip_level", 1, -34.2, (-70.0, 15.0), (70.0, 122.0), 6),
    ("section_lips", 0, 18.3, (84.0, -52.0), (118.0, -18.0), 22),
    ("section_eye", 0, 30.3, (60.0, 8.0), (110.0, 64.0), 14),
)
#: Axis to the right and axis upwards of a cut across each axis.
SHOWN = ((2, 1), (0, 2), (0, 1))


class Canvas:
    """A picture in millimeters on which cells and lines are drawn."""

    def __init__(self, low: tuple[float, float], high: tuple[float, float], scale: int) -> None:
        """Make a white picture of the rectangle from low to high with ``scale`` pixels per mm."""
        self.low, self.scale = np.asarray(low), scale
        width, height = np.ceil((np.asarray(high) - low) * scale).astype(int)
        self.pixels = np.ones((height, width, 3))

    def box(self, low: np.ndarray, high: np.ndarray, color: np.ndarray) -> None:
        """Fill a box and draw its rim."""
        first = np.round((low - self.low) * self.scale).astype(int)
        last = np.round((high - self.low) * self.scale).astype(int)
        rows, columns = slice(max(first[1], 0), max(last[1], 0)), slice(max(first[0], 0), max(last[0], 0))
        self.pixels[rows, columns] = np.asarray(color) * 0.8
        self.pixels[max(first[1] + 1, 0) : max(last[1], 0), max(first[0] + 1, 0) : max(last[0], 0)] = color

    def line(self, start: np.ndarray, end: np.ndarray, color: tuple[float, float, float], width: float) -> None:
        """Draw a line of a width in pixels."""
        a, b = (start - self.low) * self.scale, (end - self.low) * self.scale
        first = np.maximum(np.floor(np.minimum(a, b) - width - 1), 0).astype(int)
        last = np.maximum(np.ceil(np.maximum(a, b) + width + 1), 0).astype(int)
        view = self.pixels[first[1] : last[1], first[0] : last[0]]
        y, x = np.mgrid[first[1] : first[1] + view.shape[0], first[0] : first[0] + view.shape[1]] + 0.5
        along = b - a
        share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(along @ along, 1e-12), 0.0, 1.0)
        distance = np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])
        cover = np.clip(width / 2 + 0.5 - distance, 0.0, 1.0)[:, :, None]
        view[...] = view * (1.0 - cover) + cover * np.asarray(color)

    def save(self, path: Path) -> None:
        """Write a PNG."""
        import bpy

        height, width, _ = self.pixels.shape
        image = bpy.data.images.new(path.stem, width, height)
        image.pixels.foreach_set(np.dstack([self.pixels, np.ones((height, width))]).astype(np.float32).ravel())
        image.filepath_raw = str(path)
        image.file_format = "PNG"
        image.save()


def parting_color(value: float) -> np.ndarray:
    """Blue at -1, light gray at 0, red at +1."""
    ends = np.array([[0.25, 0.4, 0.9], [0.9, 0.9, 0.9], [0.9, 0.3, 0.25]])
    position = np.clip(value + 1.0, 0.0, 2.0)
    return np.array([np.interp(position, [0, 1, 2], ends[:, channel]) for channel in range(3)])


def section_lines(mesh: Mesh, axis: int, place: float) -> np.ndarray:
    """The segments (S, 2, 3) in which a plane across an axis cuts a mesh."""
    corners = mesh.vertices[mesh.triangles]
    corners = corners[(corners[:, :, axis].min(axis=1) < place) & (corners[:, :, axis].max(axis=1) >= place)]
    segments = []
    for triangle in corners:
        height = triangle[:, axis] - place
        ends = [
            triangle[a] + (triangle[b] - triangle[a]) * height[a] / (height[a] - height[b])
            for a, b in ((0, 1), (1, 2), (2, 0))
            if (height[a] < 0) != (height[b] < 0)
        ]
        segments.append(ends)
    return np.array(segments).reshape(-1, 2, 3)


def draw_hexes(canvas: Canvas, space: MaterialSpace, axis: int, place: float) -> None:
    """Draw the cells that a plane cuts; the pieces of a split cell side by side."""
    edge = space.resolution_mm
    shown = list(SHOWN[axis])
    low = space.origin + space.cells * edge
    cut = np.flatnonzero((low[:, axis] <= place) & (low[:, axis] + edge > place))
    pieces = {}
    for number in cut:
        pieces.setdefault(tuple(space.cells[number]), []).append(number)
    for numbers in pieces.values():
        corner, step = low[numbers[0], shown], edge / len(numbers)
        for position, number in enumerate(numbers):
            start = corner + np.array([position * step, 0.0])
            color = parting_color(space.node_parting[space.hexes[number]].mean())
            canvas.box(start, start + np.array([step, edge]), color)


def main() -> None:
    """Draw all cuts."""
    parser = argparse.ArgumentParser(description="Draw cross-sections of the material space.")
    parser.add_argument("--resolution", type=float, default=2.0, help="edge of the hexes in mm")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the pictures")
    arguments = parser.parse_args()
    template = load_template()
    space = build_material_space(template, arguments.resolution)
    for name, axis, place, low, high, scale in CUTS:
        canvas = Canvas(low, high, scale)
        draw_hexes(canvas, space, axis, place)
        for part, color in LINES.items():
            for start, end in section_lines(template.meshes[part], axis, place):
                canvas.line(start[list(SHOWN[axis])], end[list(SHOWN[axis])], color, 1.8)
        canvas.save(arguments.out / f"{name}.png")


if __name__ == "__main__":
    main()
