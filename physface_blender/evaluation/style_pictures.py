"""The pictures of the page about styles: figures 4, 8, 9, 10, 11, 21 and 22 of paper 001 with our actors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..anatomy.mesh import Mesh
from ..demo.png import write_png
from ..demo.shaded_picture import View, error_colors, shade
from ..training.style.performer import Performer

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 124, 158
SHOWN_MM = 215.0
FULL_ERROR_MM = 3.0
STYLE_COLORS = ("#c0392b", "#2471a3", "#1e8449", "#b7950b", "#76448a", "#5d6d7e")

Play = Callable[[Performer, Array, int], Array]
"""The carried skin (T, P, 3) of an actor under blendweights (T, 19) in the style of another, by number."""


def face_picture(performer: Performer, skin: Array, truth: Array | None = None) -> Picture:
    """An actor's face with its carried skin (P, 3); colored by the distance from the truth (P, 3), if there is one."""
    vertices = performer.actor.neutral.copy()
    vertices[performer.carried] = skin
    faces = performer.actor.faces
    kept = np.zeros(len(vertices), dtype=bool)
    kept[performer.carried] = True
    corners = np.where(faces < 0, faces[:, :1], faces)
    mesh = Mesh(vertices, faces[kept[corners].all(axis=1)])
    shown = performer.actor.neutral[performer.carried]
    center = tuple((0.5 * (shown.min(axis=0) + shown.max(axis=0))).tolist())
    view = View(center, SHOWN_MM, 12.0, WIDTH, HEIGHT)
    colors = None
    if truth is not None:
        distances = np.zeros(len(vertices))
        distances[performer.carried] = np.linalg.norm(skin - truth, axis=1)
        colors = error_colors(distances, FULL_ERROR_MM)
    return shade(mesh.vertices, mesh.triangles, mesh.vertex_normals, view, colors)


def write_sheet(path: Path, rows: Sequence[Sequence[Picture]]) -> None:
    """Write pictures in rows and columns."""
    write_png(path, np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))


def transfer_sheet(performers: Sequence[Performer], play: Play, asked: Mapping[str, Array], styles: int) -> list[list]:
    """Figure 8: a row an actor, who does one of the expressions (19,) in the style of everybody in turn."""
    return [
        [face_picture(performer, play(performer, weights[None], style)[0]) for style in range(styles)]
        for performer, weights in zip(performers, asked.values(), strict=False)
    ]


def retargeting_sheet(
    source: Performer, target: Performer, positions: Array, weights: Array, play: Play, own: int
) -> list:
    """Figure 11: captured frames (T, V, 3) of one actor above, their blendweights (T, 19) on the face of another below."""
    above = [face_picture(source, frame[source.carried]) for frame in positions]
    return [above, [face_picture(target, skin) for skin in play(target, weights, own)]]


def error_sheet(
    performer: Performer, plays: Sequence[Play], asked: Mapping[str, Array], style: int, truth: Array
) -> list[list]:
    """Figures 10, 21 and 22: in another one's style, a row a model, colored by the distance from the truth (T, P, 3)."""
    rows = [[face_picture(performer, skin) for skin in truth]]
    for play in plays:
        skins = [play(performer, weights[None], style)[0] for weights in asked.values()]
        rows.append([face_picture(performer, skin, own) for skin, own in zip(skins, truth, strict=True)])
    return rows


def neighbor_drawing(places: Mapping[str, tuple[Array, npt.NDArray[np.intp]]], size: int = 300) -> str:
    """Figure 4 as SVG: places (N, 2) and styles (N,) of every model beside each other, a color a style."""
    parts = []
    for column, (title, (points, styles)) in enumerate(places.items()):
        low, high = points.min(axis=0), points.max(axis=0)
        shown = (points - low) / (high - low) * (size - 40) + 20
        dots = "".join(
            f'<circle cx="{column * size + x:.1f}" cy="{y + 20:.1f}" r="2.2" fill="{STYLE_COLORS[style]}" '
            'fill-opacity="0.75"/>'
            for (x, y), style in zip(shown, styles, strict=True)
        )
        parts.append(f'<text x="{(column + 0.5) * size}" y="16" text-anchor="middle">{title}</text>{dots}')
    width = size * len(places)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {size + 20}" font-family="sans-serif" font-size="13">'
        f'<rect width="{width}" height="{size + 20}" fill="white"/>{"".join(parts)}</svg>\n'
    )
