"""Lashes: single hairs grown along the source's hair cards and bound to the skin at their roots."""

from __future__ import annotations

import numpy as np

from ...anatomy.mesh import Mesh
from ...anatomy.nearest_surface import nearest_on_surface
from ...anatomy.surface_binding import SurfaceBinding
from .face_source import FaceSource

CARD_VERTICES = 114
UPPER_CARD, LOWER_CARD = 0, 3
HAIRS = {UPPER_CARD: 52, LOWER_CARD: 36}
ROOT_RADIUS = 0.11
LENGTH = 0.85
SIDES = 3


def lashes_of(source: FaceSource, skin: Mesh) -> tuple[Mesh, SurfaceBinding]:
    """Return both sides' lashes as one mesh and their binding to the skin.

    Every vertex of a hair rides on the skin triangle under the hair's root, so a hair turns with the lid and
    keeps its shape.
    """
    left = [hair for card, count in HAIRS.items() for hair in _hairs_of_card(source, skin, card, count)]
    right = [hair * [-1.0, 1.0, 1.0] for hair in left]
    vertices, faces, roots = [], [], []
    count = 0
    for hair in left + right:
        points, sides = _tube(hair)
        vertices.append(points)
        faces.append(np.where(sides < 0, -1, sides + count))
        roots.append(np.repeat(hair[:1], len(points), axis=0))
        count += len(points)
    mesh = Mesh(np.concatenate(vertices), np.concatenate(faces).astype(np.int32))
    hits = nearest_on_surface(np.concatenate(roots), skin.vertices, skin.triangles)
    triangles = skin.triangles[hits.triangles]
    return mesh, SurfaceBinding.bind(mesh.vertices, skin.vertices, triangles, hits.barycentric)


def _hairs_of_card(source: FaceSource, skin: Mesh, card: int, count: int) -> list[np.ndarray]:
    """Return the center lines of hairs on one of the left eye's cards, each (rows, 3) from root to tip."""
    part = source.part("eyelashes_left")
    rows = np.arange(card * CARD_VERTICES, (card + 1) * CARD_VERTICES)
    columns = _card_columns(part, rows, skin)
    places = np.linspace(0.9, len(columns) - 2.1, count)
    places += 0.15 * np.sin(12.9898 * np.arange(count))
    lines = []
    for number, place in enumerate(places):
        first = int(place)
        share = place - first
        line = (1 - share) * columns[first] + share * columns[first + 1]
        length = LENGTH * (0.85 + 0.15 * np.sin(7.31 * number))
        lines.append(line[0] + length * (line - line[0]))
    return lines


def _card_columns(part: Mesh, rows: np.ndarray, skin: Mesh) -> np.ndarray:
    """Return (columns, rows, 3) points of a card, columns along the lid, rows from root to tip.

    The card is a grid of quads; its root is the long side that lies on the skin.
    """
    faces = part.faces[np.isin(part.faces, rows).all(axis=1)]
    sides = Mesh(part.vertices, faces).edges
    neighbors = {int(row): set() for row in rows}
    for a, b in sides.tolist():
        neighbors[a].add(b)
        neighbors[b].add(a)
    corners = [row for row in neighbors if len(neighbors[row]) == 2]
    borders = [_border_walk(neighbors, corner, step) for corner in corners for step in neighbors[corner]]
    longest = max(len(border) for border in borders)
    borders = [border for border in borders if len(border) == longest]
    distance = [
        nearest_on_surface(part.vertices[border], skin.vertices, skin.triangles).distances.mean() for border in borders
    ]
    line = borders[int(np.argmin(distance))]
    grid, taken = [line], set(line)
    while len(taken) < len(rows):
        line = [next(iter(neighbors[vertex] - taken)) for vertex in line]
        grid.append(line)
        taken.update(line)
    return part.vertices[np.array(grid)].transpose(1, 0, 2)


def _border_walk(neighbors: dict[int, set[int]], corner: int, step: int) -> list[int]:
    """Return the border vertices from one corner of a quad grid to the next, starting with ``step``."""
    path = [corner, step]
    while len(neighbors[path[-1]]) == 3:
        path.append(next(vertex for vertex in neighbors[path[-1]] if len(neighbors[vertex]) < 4 and vertex != path[-2]))
    return path


def _tube(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a tapered tube with a pointed tip around a line (rows, 3)."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = np.cross(tangent, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(across, tangent)
    radius = ROOT_RADIUS * (1 - 0.8 * np.linspace(0, 1, len(line)))[:-1, None]
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    rings = [line[:-1] + radius * (np.cos(angle) * across[:-1] + np.sin(angle) * up[:-1]) for angle in turn]
    vertices = np.concatenate([np.stack(rings, axis=1).reshape(-1, 3), line[-1:]])
    here = np.arange((len(line) - 1) * SIDES).reshape(-1, SIDES)
    beside = np.roll(here, -1, axis=1)
    walls = np.stack([here[:-1], here[1:], beside[1:], beside[:-1]], axis=-1).reshape(-1, 4)
    tip = np.full(SIDES, len(vertices) - 1)
    cap = np.stack([here[-1], tip, beside[-1], np.full(SIDES, -1)], axis=-1)
    return vertices, np.concatenate([walls, cap])
