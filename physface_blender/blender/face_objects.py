# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a character: made once (``new_face``), found again through their own data, moved by poses.

A character is its skin object and the parts parented to it; ``physface.part`` on each says which part it is. Nothing else
is remembered about them, so copying, renaming, undo and loading cannot lead us astray.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from mathutils import Quaternion
from numpy.typing import NDArray

from . import bridge, compat

LABELS = {
    "skin": "Skin",
    "upper_teeth": "Upper Teeth",
    "lower_teeth": "Lower Teeth",
    "upper_gum": "Upper Gum",
    "lower_gum": "Lower Gum",
    "eye_left": "Eye Left",
    "eye_right": "Eye Right",
    "lashes": "Lashes",
    "skull": "Skull",
    "mandible": "Mandible",
}

RIGID_MOTION = {
    "lower_teeth": "jaw",
    "lower_gum": "jaw",
    "mandible": "jaw",
    "eye_left": "eye_left",
    "eye_right": "eye_right",
}
"""The parts that move rigidly, and the transform of a pose that moves each."""

JAW_PARTS = tuple(part for part, motion in RIGID_MOTION.items() if motion == "jaw")
"""The parts that an edited mandible reshapes."""

FIXED_SHAPES = ("upper_teeth", "upper_gum", "eye_left", "eye_right")
"""The parts that are rigid and that an edited mandible leaves as they are."""

DEFORMED_PARTS = ("skin", "lashes")
BOUND_PART = "bound_head"
"""The artist's own mesh that rides on a face; it is no child of it and keeps its own place."""
BOUND_PREFIX = "bound_"
"""Of the names of that mesh and of the artist's teeth, eyes and lashes that go with it."""

HIDDEN_PARTS = ("skull", "mandible")

KEY_PREFIX = "PF "
LIVE_KEY = KEY_PREFIX + "Live"
REST_KEY = KEY_PREFIX + "Rest"
COMPACT_PREFIX = KEY_PREFIX + "Shape "
CACHE_MODIFIER = KEY_PREFIX + "Cache"


class FaceObjectError(Exception):
    """The objects of a character are not as they must be; the message is a sentence for the user."""


def is_skin(candidate: bpy.types.Object | None) -> bool:
    """Whether an object is the skin of a physical face."""
    return candidate is not None and candidate.type == "MESH" and candidate.physface.part == "skin"


def skin_of(candidate: bpy.types.Object | None) -> bpy.types.Object | None:
    """The skin of the character that an object belongs to, or None."""
    if candidate is not None and candidate.physface.bound_with is not None:
        candidate = candidate.physface.bound_with
    if candidate is not None and is_skin(candidate.physface.bound_face):
        return candidate.physface.bound_face
    while candidate is not None and not is_skin(candidate):
        if not candidate.physface.part:
            return None
        candidate = candidate.parent
    return candidate


def skins(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """All characters of a scene, by their skins."""
    return [candidate for candidate in scene.objects if is_skin(candidate)]


def find_skin(session_uid: int) -> bpy.types.Object | None:
    """The skin with this ``session_uid``, or None when it is gone."""
    for candidate in bpy.data.objects:
        if candidate.session_uid == session_uid:
            return candidate if is_skin(candidate) else None
    return None


def bound_to(skin: bpy.types.Object) -> bpy.types.Object | None:
    """The artist's mesh that rides on a face, or None."""
    return next((found for found in bpy.data.objects if found.physface.bound_face == skin), None)


def bound_objects(skin: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The artist's mesh that rides on a face, and what goes with it, by part name; the mesh first."""
    head = bound_to(skin)
    if head is None:
        return {}
    parts = [found for found in bpy.data.objects if found.physface.bound_with == head]
    return {BOUND_PART: head} | {f"{BOUND_PREFIX}{part.session_uid}": part for part in parts}


def deformed_of(skin: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The objects of a character that its poses deform, by part name, with the artist's meshes that ride on it."""
    parts = parts_of(skin)
    return {part: parts[part] for part in DEFORMED_PARTS if part in parts} | bound_objects(skin)


def scale_of(skin: bpy.types.Object, part: str, target: bpy.types.Object) -> float:
    """Units of a deformed object's own coordinates in a millimeter."""
    return (target if part.startswith(BOUND_PREFIX) else skin).physface.units_per_millimeter


def parts_of(skin: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The objects of a character by part name, the skin among them."""
    found = {child.physface.part: child for child in skin.children if child.physface.part and child.type == "MESH"}
    found["skin"] = skin
    return found


def select_alone(context: bpy.types.Context, chosen: bpy.types.Object) -> None:
    """Select an object and no other, and make it the active one."""
    for selected in context.selected_objects:
        selected.select_set(selected == chosen)
    chosen.select_set(True)
    context.view_layer.objects.active = chosen


def show_rest(skin: bpy.types.Object, rest: Mapping[str, NDArray]) -> None:
    """Give the rigid parts that no bone reshapes, teeth, gum and eyes, the shape of the person they belong to.

    Args:
        skin: A skin object.
        rest: Rest vertices (V, 3) in millimeters by part, and ``eye_left_center`` and ``eye_right_center`` (3,).

    Raises:
        FaceObjectError: A mesh does not have the vertices it was made with.
    """
    scale = skin.physface.units_per_millimeter
    for part, target in parts_of(skin).items():
        if part not in FIXED_SHAPES or target.data.shape_keys is not None or target.mode != "OBJECT":
            continue
        check_vertex_count(target, len(rest[part]))
        pivot = np.asarray(rest.get(f"{part}_center", np.zeros(3)), dtype=np.float64)
        shape = bridge.to_blender(rest[part] - pivot, scale)
        if np.array_equal(bridge.get_coordinates(target.data), shape):
            continue
        target.physface.pivot = pivot
        bridge.set_coordinates(target.data, shape)
        if part not in RIGID_MOTION:
            target.location = bridge.to_blender(pivot, scale)


def pose(skin: bpy.types.Object, arrays: Mapping[str, NDArray]) -> None:
    """Show a pose: write vertices and transforms, no keyframes.

    Args:
        skin: A skin object.
        arrays: Of a ``Posed`` reply: ``skin`` and ``lashes`` (V, 3) in millimeters, ``jaw``, ``eye_left``, ``eye_right``
            (4, 4), ``bound_head`` and others of the prefix (B, 3) in their own coordinates. What is missing stays as it is.

    Raises:
        FaceObjectError: A mesh does not have the vertices it was made with, or has absolute shape keys.
    """
    scale = skin.physface.units_per_millimeter
    for part, target in parts_of(skin).items():
        if part in DEFORMED_PARTS and part in arrays:
            _show_coordinates(target, bridge.to_blender(arrays[part], scale))
        elif part in RIGID_MOTION and RIGID_MOTION[part] in arrays:
            location, rotation = placements(target, arrays[RIGID_MOTION[part]][None], scale)
            target.location, target.rotation_quaternion = location[0], rotation[0]
    for part, target in bound_objects(skin).items() if BOUND_PART in arrays else ():
        if part in arrays and target.mode == "OBJECT":
            _show_coordinates(target, np.asarray(arrays[part], dtype=np.float32))


def placements(target: bpy.types.Object, transforms: NDArray, scale: float) -> tuple[NDArray, NDArray]:
    """Locations (T, 3) and quaternions (T, 4) that show a part moved by (T, 4, 4) transforms in millimeters."""
    to_pivot = np.eye(4)
    to_pivot[:3, 3] = target.physface.pivot
    placed = bridge.rigid_to_blender(transforms @ to_pivot, scale)
    return placed[:, :3, 3], bridge.quaternions(placed[:, :3, :3])


def transforms(target: bpy.types.Object, locations: NDArray, rotations: NDArray, scale: float) -> NDArray[np.float64]:
    """Transforms (T, 4, 4) in millimeters of a part at locations (T, 3) with quaternions (T, 4); see ``placements``."""
    placed = np.tile(np.eye(4), (len(locations), 1, 1))
    placed[:, :3, :3] = [np.array(Quaternion(rotation).normalized().to_matrix()) for rotation in rotations]
    placed[:, :3, 3] = locations
    from_pivot = np.eye(4)
    from_pivot[:3, 3] = -np.array(target.physface.pivot)
    return bridge.rigid_to_millimeters(placed, scale) @ from_pivot


def check_vertex_count(target: bpy.types.Object, count: int) -> None:
    """Make sure that a part still has the vertices that it was made with.

    Raises:
        FaceObjectError: It has another number of vertices.
    """
    if len(target.data.vertices) != count:
        raise FaceObjectError(
            f"{target.name} has {len(target.data.vertices)} vertices, but the physical face needs the {count} it was made "
            "with; undo the change of its mesh, or use a modifier instead."
        )


def foreign_keys(target: bpy.types.Object) -> list[str]:
    """Names of the shape keys on a part that are the artist's own.

    A basis without any other key of the artist's counts as ours only when it has our name.
    """
    keys = target.data.shape_keys
    return [] if keys is None else [key.name for key in keys.key_blocks if not key.name.startswith(KEY_PREFIX)]


def compact_keys(target: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """The shape keys of a compact bake on a part."""
    keys = target.data.shape_keys
    return [] if keys is None else [key for key in keys.key_blocks if key.name.startswith(COMPACT_PREFIX)]


def bake_format(target: bpy.types.Object) -> str:
    """The format of the bake on a deformed part, as ``physface.bake.format`` names it; empty without one."""
    keys = target.data.shape_keys
    if keys is not None and not keys.use_relative and not foreign_keys(target):
        return "ABSOLUTE"
    if compact_keys(target):
        return "COMPACT"
    modifier = target.modifiers.get(CACHE_MODIFIER)
    return "CACHE" if modifier is not None and modifier.type == "MESH_CACHE" else ""


def has_bake(skin: bpy.types.Object) -> bool:
    """Whether a bake is on the skin."""
    return bool(bake_format(skin))


def _show_coordinates(target: bpy.types.Object, coordinates: NDArray[np.float32]) -> None:
    check_vertex_count(target, len(coordinates))
    keys = target.data.shape_keys
    if keys is None:
        bridge.set_coordinates(target.data, coordinates)
        return
    if not keys.use_relative:
        raise FaceObjectError(f"{target.name} has absolute shape keys, which the live preview cannot mix with.")
    key = keys.key_blocks.get(LIVE_KEY)
    if key is None:
        key = compat.add_shape_key(target, LIVE_KEY)
        key.value = 1.0
    bridge.set_key_coordinates(key, coordinates)
    target.data.update()


def reset_transforms(skin: bpy.types.Object) -> None:
    """Put the rigid parts back to their rest."""
    scale = skin.physface.units_per_millimeter
    for part, target in parts_of(skin).items():
        if part in RIGID_MOTION:
            location, rotation = placements(target, np.eye(4)[None], scale)
            target.location, target.rotation_quaternion = location[0], rotation[0]
