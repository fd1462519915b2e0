# SPDX-License-Identifier: GPL-3.0-or-later
"""A bake as a PC2 file beside the .blend and a Mesh Cache modifier: the lightest for long shots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from . import bridge
from .face_objects import CACHE_MODIFIER, FaceObjectError
from .point_cache import read_point_cache, write_point_cache


def file_of(target: bpy.types.Object, folder: str) -> Path:
    """The file that a part's cache goes to.

    Raises:
        FaceObjectError: The folder is given relative to a .blend that has not been saved.
    """
    if folder.startswith("//") and not bpy.data.filepath:
        raise FaceObjectError(
            "The cache folder is given relative to the .blend file, which has not been saved; save it, or choose "
            "another folder."
        )
    stem = f"{bpy.path.display_name_from_filepath(bpy.data.filepath)} {target.name}".strip()
    return Path(bpy.path.abspath(folder)) / f"{bpy.path.clean_name(stem)}.pc2"


def write(
    target: bpy.types.Object,
    rest: NDArray[np.float32],
    frames: Sequence[int],
    shapes: Sequence[NDArray[np.float32]],
    folder: str,
) -> None:
    """Write frames to a file and let a part without shape keys play it.

    Args:
        target: The part.
        rest: (V, 3) Blender units.
        frames: F increasing frame numbers.
        shapes: F arrays (V, 3) in Blender units.
        folder: Of the file.

    Raises:
        FaceObjectError: The frames are not evenly spaced, or see ``file_of``.
        PointCacheError: The file cannot be written.
    """
    steps = set(np.diff(frames).tolist())
    if len(steps) > 1:
        raise FaceObjectError(
            "A point cache needs evenly spaced frames, and these have gaps; resume the bake first, or bake shape keys."
        )
    step = steps.pop() if steps else 1
    path = file_of(target, folder)
    write_point_cache(path, shapes, frames[0], step)
    bridge.set_coordinates(target.data, rest)
    modifier = target.modifiers.new(CACHE_MODIFIER, "MESH_CACHE")
    target.modifiers.move(len(target.modifiers) - 1, 0)
    modifier = target.modifiers[CACHE_MODIFIER]
    modifier.cache_format = "PC2"
    modifier.filepath = bpy.path.relpath(str(path)) if folder.startswith("//") else str(path)
    modifier.interpolation = "LINEAR"
    modifier.frame_scale = 1.0 / step
    modifier.frame_start = frames[0] / step  # Blender scales the frame before it takes the start off


def read(target: bpy.types.Object) -> tuple[list[int], Sequence[NDArray[np.float32]]]:
    """The frames of a part's cache: F frame numbers and F arrays (V, 3).

    Raises:
        PointCacheError: The file is not there or not whole.
    """
    path = Path(bpy.path.abspath(target.modifiers[CACHE_MODIFIER].filepath))
    samples, first, step = read_point_cache(path)
    return [first + step * index for index in range(len(samples))], samples


def clear(target: bpy.types.Object) -> None:
    """Take the modifier off a part. The file stays, so that undo brings the bake back."""
    target.modifiers.remove(target.modifiers[CACHE_MODIFIER])
