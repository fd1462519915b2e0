"""Line charts as PNG files, drawn with numpy and labelled with Blender's own text functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .contact_sheet import draw_texts, write_picture

COLORS = (
    (0.12, 0.42, 0.78), (0.90, 0.45, 0.10), (0.20, 0.62, 0.30), (0.78, 0.18, 0.22), (0.48, 0.32, 0.72),
    (0.45, 0.34, 0.26), (0.10, 0.10, 0.10), (0.55, 0.55, 0.15), (0.85, 0.40, 0.65), (0.35, 0.65, 0.75),
)  # fmt: skip
_INK, _GRID = (0.15, 0.15, 0.15, 1.0), (0.85, 0.85, 0.85)
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 136, 34, 44
"""Margins in pixels; the legend stands in the right one."""
_LINES = 4
_FINE = 3
"""Every pixel is drawn as this many by this many, and averaged."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One line.

    Attributes:
        name: for the legend.
        x: (N,) rising.
        y: (N,).
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True)
class Axes:
    """What is shown of the curves.

    Attributes:
        title: above the chart.
        x_label: below it.
        x: from and to.
        y: from and to; powers of ten where ``logarithmic``.
        logarithmic: y as its logarithm to base ten.
        x_format: of the numbers at the axis.
    """

    title: str
    x_label: str
    x: tuple[float, float]
    y: tuple[float, float]
    logarithmic: bool = False
    x_format: str = "{:g}"


def write_chart(axes: Axes, curves: Sequence[Curve], path: Path, size: tuple[int, int] = (640, 360)) -> None:
    """Draw curves and write the PNG file.

    Args:
        axes: what is shown.
        curves: at most ten; what lies outside the axes is cut off.
        path: where to write.
        size: width and height in pixels.
    """
    width, height = size
    plot = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    picture = np.ones((height * _FINE, width * _FINE, 3), dtype=np.float32)
    texts = [(axes.title, _LEFT, 20, 15, _INK), (axes.x_label, _LEFT + plot[0] // 2 - 60, height - 8, 13, _INK)]
    lines_y = round(axes.y[1] - axes.y[0]) if axes.logarithmic else _LINES
    for share in np.linspace(0.0, 1.0, _LINES + 1):
        x = _LEFT + share * plot[0]
        _segment(picture, (x, _TOP), (x, _TOP + plot[1]), _GRID)
        shown = axes.x_format.format(axes.x[0] + share * (axes.x[1] - axes.x[0]))
        texts.append((shown, int(x) - 4 * len(shown), _TOP + plot[1] + 17, 12, _INK))
    for share in np.linspace(0.0, 1.0, lines_y + 1):
        y = _TOP + (1.0 - share) * plot[1]
        _segment(picture, (_LEFT, y), (_LEFT + plot[0], y), _GRID)
        value = axes.y[0] + share * (axes.y[1] - axes.y[0])
        texts.append((f"{10.0**value:.0e}" if axes.logarithmic else f"{value:g}", 12, int(y) + 5, 12, _INK))
    for number, (curve, color) in enumerate(zip(curves, COLORS, strict=False)):
        values = np.log10(np.maximum(curve.y, 1e-30)) if axes.logarithmic else np.asarray(curve.y)
        shown = np.column_stack(
            [
                (np.asarray(curve.x) - axes.x[0]) / (axes.x[1] - axes.x[0]),
                1.0 - np.clip((values - axes.y[0]) / (axes.y[1] - axes.y[0]), 0.0, 1.0),
            ]
        )
        shown = shown[(shown[:, 0] >= 0.0) & (shown[:, 0] <= 1.0)] * plot + [_LEFT, _TOP]
        for first, second in pairwise(shown):
            _segment(picture, first, second, color, thickness=2.0)
        row = _TOP + 12 + 19 * number
        left = width - _RIGHT + 10
        _segment(picture, (left, row), (left + 20, row), color, thickness=3.0)
        texts.append((curve.name, left + 26, row + 5, 12, _INK))
    picture = picture.reshape(height, _FINE, width, _FINE, 3).mean(axis=(1, 3))
    write_picture(picture, path)
    draw_texts(path, height, texts)


def _segment(picture: NDArray[np.float32], start, end, color, thickness: float = 1.0) -> None:
    """Draw a straight line between two points (x, y) in pixels from the upper left corner."""
    start, end = _FINE * np.asarray(start, dtype=float), _FINE * np.asarray(end, dtype=float)
    count = int(np.abs(end - start).max()) + 1
    points = start + np.linspace(0.0, 1.0, count + 1)[:, None] * (end - start)
    radius = max(1, round(0.5 * _FINE * thickness))
    for across in range(-radius, radius):
        for along in range(-radius, radius):
            rows = np.clip(points[:, 1] + across, 0, picture.shape[0] - 1).astype(int)
            columns = np.clip(points[:, 0] + along, 0, picture.shape[1] - 1).astype(int)
            picture[rows, columns] = color
