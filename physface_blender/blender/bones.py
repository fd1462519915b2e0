# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones as objects: shown as they are edited, and sculpted by the artist.

Two attributes of a bone's mesh remember what undo and files must not lose: the shape that we last gave it, from which what
the artist has done since is told, and what has been taken over of that, in millimeters of the numerics.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from . import bridge, chin, face_objects
from .face_objects import JAW_PARTS, KEY_PREFIX

SCULPTED_BONES = ("skull", "mandible")
_REST = KEY_PREFIX + "Rest"
_SCULPT = KEY_PREFIX + "Sculpt"
_TOUCHED_MM = 1e-3
"""What a vertex has to move to count as sculpted; single precision keeps ten thousandths."""


def remember_rest(mesh: bpy.types.Mesh) -> None:
    """Note a bone's shape as ours."""
    bridge.set_point_vectors(mesh, _REST, bridge.get_coordinates(mesh))


def show(skin: bpy.types.Object, arrays: Mapping[str, NDArray], rest: Mapping[str, NDArray]) -> None:
    """Give the bones, lower teeth and lower gum the shape that they are edited to.

    A bone that the artist has sculpted since, or is at work on, is left alone.

    Args:
        skin: A skin object.
        arrays: Of a ``Posed`` reply; where the mandible is edited they hold ``rest_mandible``, ``rest_lower_teeth`` and
            ``rest_lower_gum`` (V, 3) in millimeters.
        rest: Rest vertices (V, 3) in millimeters by part, of the bones that are not edited.

    Raises:
        FaceObjectError: A mesh does not have the vertices it was made with.
    """
    scale = skin.physface.units_per_millimeter
    kept = edited(skin) if skin.physface.effects.edited_bones else {}
    for part, target in face_objects.parts_of(skin).items():
        if part not in ("skull", *JAW_PARTS) or target.mode != "OBJECT" or target.data.shape_keys is not None:
            continue
        face_objects.check_vertex_count(target, len(rest[part]))
        if part in SCULPTED_BONES and _since(target, scale) is not None:
            continue
        shape = bridge.to_blender(arrays.get(f"rest_{part}", rest[part]) + kept.get(part, 0.0), scale)
        if not np.array_equal(bridge.get_coordinates(target.data), shape):
            bridge.set_coordinates(target.data, shape)
        elif part not in SCULPTED_BONES or bridge.get_point_vectors(target.data, _REST) is not None:
            continue
        if part in SCULPTED_BONES:
            remember_rest(target.data)


def edited(skin: bpy.types.Object) -> dict[str, NDArray[np.float64]]:
    """By bone the displacement (V, 3), mm, of all that was taken over and of the handles of the chin."""
    found, moved = taken_over(skin), chin.displacement(skin)
    if moved is not None:
        found["mandible"] = found.get("mandible", 0.0) + moved
    return found


def taken_over(skin: bpy.types.Object) -> dict[str, NDArray[np.float64]]:
    """By bone the displacement (V, 3), mm, that the face has taken over."""
    found = {}
    for part, target in face_objects.parts_of(skin).items():
        moved = bridge.get_point_vectors(target.data, _SCULPT) if part in SCULPTED_BONES else None
        if moved is not None:
            found[part] = moved.astype(np.float64)
    return found


def sculpted(skin: bpy.types.Object) -> dict[str, NDArray[np.float64]]:
    """By bone the displacement (V, 3), mm, with what the artist has sculpted since; empty when there is nothing new."""
    scale, new = skin.physface.units_per_millimeter, {}
    before = taken_over(skin)
    for part, target in face_objects.parts_of(skin).items():
        since = _since(target, scale) if part in SCULPTED_BONES else None
        if since is not None:
            new[part] = before.get(part, 0.0) + since
    return before | new if new else {}


def _since(target: bpy.types.Object, scale: float) -> NDArray[np.float64] | None:
    """The displacement (V, 3), mm, of a bone from the shape that we last gave it; None where there is none."""
    ours = bridge.get_point_vectors(target.data, _REST)
    if ours is None:
        return None
    moved = bridge.to_millimeters(bridge.get_coordinates(target.data) - ours, scale)
    moved[np.linalg.norm(moved, axis=1) < _TOUCHED_MM] = 0.0
    return moved if moved.any() else None


def take_over(skin: bpy.types.Object, displacements: Mapping[str, NDArray]) -> None:
    """Keep what ``sculpted`` found; the bones stay as they are shown."""
    for part, target in face_objects.parts_of(skin).items():
        if part in displacements:
            bridge.set_point_vectors(target.data, _SCULPT, displacements[part])
            remember_rest(target.data)


def forget(skin: bpy.types.Object) -> None:
    """Drop everything that was sculpted; the bones get their own shape with the next pose."""
    for part, target in face_objects.parts_of(skin).items():
        if part not in SCULPTED_BONES:
            continue
        attribute = target.data.attributes.get(_SCULPT)
        if attribute is not None:
            target.data.attributes.remove(attribute)
        remember_rest(target.data)
