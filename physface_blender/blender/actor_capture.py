# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh shows of an actor, written as the backend reads it (docs/formats/actor.md): shape keys and performances."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..anatomy.array_store import write_arrays
from ..performance.arkit import ARKIT_INDEX, find_arkit_name
from . import bridge, evaluated_mesh
from .face_objects import FaceObjectError

_LEAST_MOTION = 1e-5
"""Of the size of the mesh; a key that moves less shows nothing."""


def shapes_of(source: bpy.types.Object) -> dict[str, NDArray[np.float32]]:
    """By ARKit name what the shape keys of a mesh with such a name, in any spelling, move from its basis, (V, 3).

    Raises:
        FaceObjectError: There are no such keys.
    """
    keys = source.data.shape_keys if source is not None and source.type == "MESH" else None
    found = {}
    if keys is not None and keys.use_relative:
        basis = bridge.get_key_coordinates(keys.reference_key)
        least = _LEAST_MOTION * float(np.ptp(basis, axis=0).max())
        for key in keys.key_blocks:
            name = find_arkit_name(key.name)
            moved = bridge.get_key_coordinates(key) - bridge.get_key_coordinates(key.relative_key)
            if name is not None and np.abs(moved).max() > least:
                found[name] = moved
    if not found:
        shown = "nothing" if source is None else source.name
        raise FaceObjectError(
            f"{shown} has no relative shape key with an ARKit name such as jawOpen or mouthSmile_L; choose the mesh of a "
            "head that has some."
        )
    return found


def write(source: bpy.types.Object, frames: Sequence[int], scene: bpy.types.Scene, path: Path) -> int:
    """Write the capture of a mesh: its basis, its ARKit shape keys, and what it does in some frames.

    Args:
        source: A mesh object with shape keys.
        frames: Frame numbers of its performance; may be none.
        scene: Whose timeline counts.
        path: Of the file.

    Returns:
        The number of shapes.

    Raises:
        FaceObjectError: It has no ARKit shape keys, changes its vertices, or the file cannot be written.
    """
    shapes = shapes_of(source)
    names = list(shapes)
    scale = bridge.units_per_millimeter(scene)
    weights = np.zeros((len(names), len(ARKIT_INDEX)))
    for row, name in enumerate(names):
        weights[row, ARKIT_INDEX[name]] = 1.0
    neutral = bridge.get_key_coordinates(source.data.shape_keys.reference_key)
    arrays = {
        "name": np.array(source.name),
        "neutral": bridge.to_millimeters(neutral, scale),
        "faces": evaluated_mesh.faces(source.data),
        "shape_names": np.array(names),
        "shape_weights": weights,
        "shapes": np.stack([bridge.to_millimeters(shapes[name], scale) for name in names]),
    }
    if frames:
        positions = np.stack(list(evaluated_mesh.positions(source, frames, scene)))
        arrays["sequence/scene"] = bridge.to_millimeters(positions, scale).astype(np.float32)
    if not write_arrays(path, arrays):
        raise FaceObjectError(f"The shapes of {source.name} cannot be written to {path}; check the cache folder.")
    return len(names)


def write_performance(
    source: bpy.types.Object, rest: NDArray, frames: Sequence[NDArray], scene: bpy.types.Scene, path: Path
) -> None:
    """Write a moving mesh without shapes, as ``SolvePerformance`` reads it.

    Args:
        source: A mesh object of V vertices.
        rest: (V, 3) where it shows no expression, in its own coordinates.
        frames: (V, 3) each.
        scene: Whose unit counts.
        path: Of the file.

    Raises:
        FaceObjectError: It cannot be written.
    """
    scale = bridge.units_per_millimeter(scene)
    arrays = {
        "name": np.array(source.name),
        "neutral": bridge.to_millimeters(rest, scale),
        "faces": evaluated_mesh.faces(source.data),
        "shape_names": np.array([], dtype="U1"),
        "shape_weights": np.zeros((0, len(ARKIT_INDEX))),
        "shapes": np.zeros((0, len(rest), 3)),
        "sequence/shown": bridge.to_millimeters(np.stack(frames), scale).astype(np.float32),
    }
    if not write_arrays(path, arrays):
        raise FaceObjectError(f"What {source.name} does cannot be written to {path}; check the cache folder.")
