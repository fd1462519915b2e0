"""A bound mesh and its parts in files and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..backend.bound_mesh import PART_KINDS, BoundMesh
from ..backend.face_geometry import PosedFace
from ..fitting.scan import Scan
from .errors import DemoError
from .png import write_png
from .shaded_picture import View, shade

PART_COLORS = {"teeth": (0.85, 0.82, 0.72), "eye_left": (0.9, 0.9, 0.92), "eye_right": (0.9, 0.9, 0.92)}
SKIN_COLOR = (0.74, 0.70, 0.66)


def read_parts(words: list[str]) -> dict[str, Path]:
    """Parts from ``KIND=FILE`` words.

    Raises:
        DemoError: a word is of another form.
    """
    parts = {}
    for word in words:
        kind, _, file = word.partition("=")
        if kind not in PART_KINDS or not file:
            raise DemoError(f"--part takes KIND=FILE with KIND one of {', '.join(PART_KINDS)}; it was {word!r}.")
        parts[kind] = Path(file)
    return parts


def write_bound(
    folder: Path,
    bound: BoundMesh,
    poses: Mapping[str, PosedFace],
) -> dict[str, float]:
    """Write ``bound_<pose>.obj`` in the scan's own frame and unit, and a picture of all; returns how far each moved.

    Args:
        folder: of the files.
        bound: the meshes.
        poses: by label.

    Returns:
        By label the largest displacement of a vertex of the head from the mesh that came, mm.
    """
    pictures, moved_mm = [], {}
    eyes = bound.reference.skin.mean(axis=0)
    for label, pose in poses.items():
        vertices, written = bound.posed(pose), bound.posed_as_it_came(pose)
        moved_mm[label] = float(np.linalg.norm(vertices["head"] - bound.meshes["head"].vertices, axis=1).max())
        pictures.append(_picture(bound, vertices, eyes))
        with (folder / f"bound_{label.replace(' ', '_')}.obj").open("w", encoding="utf-8") as stream:
            start = 1
            for name, mesh in bound.meshes.items():
                points = written[name]
                triangles = mesh.triangles[:, ::-1] if bound.is_mirrored else mesh.triangles
                stream.write(f"o {name}\n")
                stream.writelines(f"v {x:.7g} {y:.7g} {z:.7g}\n" for x, y, z in points)
                stream.writelines(f"f {a} {b} {c}\n" for a, b, c in triangles + start)
                start += len(points)
    write_png(folder / "bound.png", np.concatenate(pictures, axis=1))
    return moved_mm


def _picture(bound: BoundMesh, vertices: Mapping[str, NDArray[np.float64]], middle: NDArray[np.float64]):
    """All meshes in one pose, from the front and from the side."""
    points, triangles, normals, colors, start = [], [], [], [], 0
    for name, mesh in bound.meshes.items():
        moved = Scan(vertices[name], mesh.triangles)
        points.append(moved.vertices)
        normals.append(moved.normals)
        triangles.append(moved.triangles + start)
        colors.append(np.tile(PART_COLORS.get(name, SKIN_COLOR), (len(moved.vertices), 1)))
        start += len(moved.vertices)
    arrays = [np.concatenate(arrays) for arrays in (points, triangles, normals, colors)]
    head = bound.meshes["head"].vertices
    center = (0.0, float(np.quantile(head[:, 1], 0.4)), float(middle[2]))
    return np.concatenate([shade(*arrays[:3], View(center, yaw_degrees=yaw), arrays[3]) for yaw in (0.0, 42.0)])
