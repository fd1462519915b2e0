# SPDX-License-Identifier: GPL-3.0-or-later
"""A bake as Blender data: absolute shape keys, one evaluation-time curve, and keyframes on the rigid parts.

Absolute keys cost the same whatever the length of the shot (measured: 0.18 ms a frame at 720 frames, where relative keys
cost 16 ms). The key of frame k of the bake sits at evaluation time k, the rest shape at 0; interpolation is linear in
both, so that between two frames the face lies on the straight line between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np
from numpy.typing import NDArray

from . import animation, bridge, compat, face_objects
from .face_objects import DEFORMED_PARTS, KEY_PREFIX, RIGID_MOTION, FaceObjectError

REST_KEY = KEY_PREFIX + "Rest"


@dataclass
class BakedFrames:
    """Finished frames, in the order of time.

    Attributes:
        rest: (V, 3) millimeters of each deformed part at rest.
        frames: F frame numbers of the scene.
        coordinates: for each deformed part F arrays (V, 3) float32 in Blender units.
        transforms: for ``jaw``, ``eye_left`` and ``eye_right`` F arrays (4, 4) in millimeters.
    """

    rest: dict[str, NDArray]
    frames: list[int] = field(default_factory=list)
    coordinates: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    transforms: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)

    def append(self, frame: int, arrays: dict[str, NDArray], scale: float) -> None:
        """Add a frame from the arrays of a ``Posed`` reply.

        Args:
            frame: Frame number of the scene, larger than the last one.
            arrays: See ``face_objects.pose``.
            scale: Blender units per millimeter.
        """
        for part in DEFORMED_PARTS:
            self.coordinates.setdefault(part, []).append(bridge.to_blender(arrays[part], scale))
        for motion in set(RIGID_MOTION.values()):
            self.transforms.setdefault(motion, []).append(np.array(arrays[motion], dtype=np.float64))
        self.frames.append(frame)


def check_bakeable(skin: bpy.types.Object, vertex_counts: dict[str, int] | None = None) -> None:
    """Make sure that a bake can be written without touching anything of the artist's.

    Args:
        skin: A skin object.
        vertex_counts: What the deformed parts must have, when known already.

    Raises:
        FaceObjectError: There are shape keys or keyframes of the artist's in the way, or the mesh is another one.
    """
    parts = face_objects.parts_of(skin)
    for part in DEFORMED_PARTS:
        target = parts.get(part)
        if target is None:
            continue
        foreign = face_objects.foreign_keys(target)
        if foreign:
            shown = ", ".join(foreign[:3]) + (" and others" if len(foreign) > 3 else "")
            raise FaceObjectError(
                f"{target.name} has shape keys of its own ({shown}), and a bake to absolute keys cannot mix with them; "
                "move them to a copy of the mesh, or bake a copy of the face without them."
            )
        if vertex_counts is not None:
            face_objects.check_vertex_count(target, vertex_counts[part])
        if target.mode != "OBJECT":
            raise FaceObjectError(f"{target.name} is in {target.mode.title()} Mode; leave it before baking.")
        if not target.data.is_editable:
            raise FaceObjectError(
                f"The mesh of {target.name} is linked from another file; make it local before baking."
            )
    for part in RIGID_MOTION:
        target = parts.get(part)
        if target is None or target.animation_data is None or target.animation_data.action is None:
            continue
        if not target.animation_data.action.name.startswith(KEY_PREFIX):
            raise FaceObjectError(
                f"{target.name} has an action of its own ({target.animation_data.action.name}), which a bake would "
                "replace; unlink it, or push it down to the NLA, before baking."
            )


def write(skin: bpy.types.Object, baked: BakedFrames) -> None:
    """Put a bake on a character, in place of an earlier one.

    Args:
        skin: A skin object; its live preview is switched off.
        baked: At least one frame.

    Raises:
        FaceObjectError: See ``check_bakeable``.
    """
    check_bakeable(skin, {part: len(baked.rest[part]) for part in DEFORMED_PARTS})
    clear(skin)
    skin.physface.live = False
    scale = skin.physface.units_per_millimeter
    frames = np.array(baked.frames)
    for part, target in face_objects.parts_of(skin).items():
        if part in DEFORMED_PARTS:
            _write_keys(target, bridge.to_blender(baked.rest[part], scale), frames, baked.coordinates[part])
        elif part in RIGID_MOTION:
            transforms = np.array(baked.transforms[RIGID_MOTION[part]])
            locations, rotations = face_objects.placements(target, transforms, scale)
            _own_action(target)
            animation.write_transform_keys(target, frames, locations, rotations)


def _write_keys(
    target: bpy.types.Object, rest: NDArray[np.float32], frames: NDArray, shapes: Sequence[NDArray[np.float32]]
) -> None:
    bridge.set_coordinates(target.data, rest)
    reference = compat.add_shape_key(target, REST_KEY)
    reference.interpolation = "KEY_LINEAR"
    keys = target.data.shape_keys
    keys.name = f"{KEY_PREFIX}{target.name}"
    keys.use_relative = False
    times = []
    for position, (frame, shape) in enumerate(zip(frames, shapes, strict=True), start=1):
        keys.eval_time = position  # a new absolute key is put at the evaluation time
        key = compat.add_shape_key(target, f"{KEY_PREFIX}{frame}")
        key.interpolation = "KEY_LINEAR"
        bridge.set_key_coordinates(key, shape)
        times.append(key.frame)
    _own_action(keys)
    animation.set_linear_keys(compat.ensure_fcurve(keys, "eval_time"), frames, np.array(times))
    target.active_shape_key_index = 0
    target.data.update()


def _own_action(datablock: bpy.types.ID) -> None:
    """Give a data-block a fresh action of ours."""
    animated = datablock.animation_data or datablock.animation_data_create()
    animated.action = bpy.data.actions.new(f"{KEY_PREFIX}{datablock.name}")


def clear(skin: bpy.types.Object) -> bool:
    """Take a bake off a character; the face goes back to rest.

    Only keys and actions whose names say that they are ours are removed.

    Returns:
        Whether there was a bake.
    """
    found = face_objects.has_bake(skin)
    for part, target in face_objects.parts_of(skin).items():
        if part in DEFORMED_PARTS and face_objects.has_bake(target):
            _remove_keys(target)
        elif part in RIGID_MOTION:
            _remove_own_action(target)
    if found:
        face_objects.reset_transforms(skin)
    return found


def _remove_keys(target: bpy.types.Object) -> None:
    keys = target.data.shape_keys
    rest = bridge.get_key_coordinates(keys.reference_key)
    _remove_own_action(keys)
    target.shape_key_clear()
    bridge.set_coordinates(target.data, rest)


def _remove_own_action(datablock: bpy.types.ID) -> None:
    animated = datablock.animation_data
    if animated is None or animated.action is None or not animated.action.name.startswith(KEY_PREFIX):
        return
    action = animated.action
    animated.action = None
    if action.users == 0:
        bpy.data.actions.remove(action)
