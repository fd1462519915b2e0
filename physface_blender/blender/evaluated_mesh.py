# SPDX-License-Identifier: GPL-3.0-or-later
"""Any mesh as the scene shows it, with what animates it: shape keys, bones, caches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from . import bridge, surface_file
from .face_objects import FaceObjectError


def faces(mesh: bpy.types.Mesh) -> NDArray[np.int32]:
    """Faces (F, 4) of a mesh, -1 as the fourth corner of a triangle; polygons of more corners come as triangles."""
    mesh.calc_loop_triangles()
    sides = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_total", sides)
    starts = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    quads = corners[starts[sides == 4][:, None] + np.arange(4)]
    owner = np.empty(len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("polygon_index", owner)
    triangles = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    others = triangles.reshape(-1, 3)[sides[owner] != 4]
    result = np.concatenate([quads, np.pad(others, ((0, 0), (0, 1)), constant_values=-1)])
    if not (sides != 4).any():
        return result
    order = np.concatenate([np.flatnonzero(sides == 4), owner[sides[owner] != 4]])
    return result[np.argsort(order, kind="stable")]


def shown(source: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> NDArray[np.float32]:
    """Vertices (V, 3) of an object as it is shown, in its own coordinates."""
    evaluated = source.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        coordinates = np.empty(3 * len(mesh.vertices), dtype=np.float32)
        mesh.vertices.foreach_get("co", coordinates)
    finally:
        evaluated.to_mesh_clear()
    return coordinates.reshape(-1, 3)


def positions(source: bpy.types.Object, frames: Sequence[int], scene: bpy.types.Scene) -> Iterator[NDArray[np.float32]]:
    """Generate vertices (V, 3) of an object frame by frame, in its own coordinates; the scene is set back at the end.

    Args:
        source: A mesh object.
        frames: Frame numbers.
        scene: Whose timeline counts.

    Raises:
        FaceObjectError: A modifier changes the number of vertices.
    """
    count = len(source.data.vertices)
    current, subframe = scene.frame_current, scene.frame_subframe
    try:
        for frame in frames:
            scene.frame_set(frame)
            vertices = shown(source, bpy.context.evaluated_depsgraph_get())
            if len(vertices) != count:
                raise FaceObjectError(
                    f"{source.name} has {len(vertices)} vertices in frame {frame} and {count} without its modifiers; "
                    "switch off modifiers such as Subdivision Surface in the viewport."
                )
            yield vertices
    finally:
        scene.frame_set(current, subframe=subframe)


def write(path: Path, source: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    """Write an object as it is shown, in its own coordinates, to a PLY file.

    Raises:
        FaceObjectError: It has no faces, or the file cannot be written.
    """
    evaluated = source.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        surface_file.write(path, bridge.get_coordinates(mesh), mesh)
    finally:
        evaluated.to_mesh_clear()
