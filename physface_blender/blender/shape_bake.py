# SPDX-License-Identifier: GPL-3.0-or-later
"""A bake on a character: shape keys or a cache on what is deformed, keyframes on what is rigid.

Three formats are written and read back: absolute keys, compact relative keys, and a point cache. What is read back can be
completed, baked again in part, or written in another format.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..backend.compact_basis import CompactBasis
from . import absolute_keys, animation, bones, bridge, compact_keys, compat, face_objects, mesh_cache
from .baked_frames import BakedFrames
from .face_objects import DEFORMED_PARTS, KEY_PREFIX, RIGID_MOTION, FaceObjectError


def check_bakeable(skin: bpy.types.Object, vertex_counts: dict[str, int] | None = None) -> None:
    """Make sure that a bake in the chosen format can be written without touching anything of the artist's.

    Args:
        skin: A skin object.
        vertex_counts: What the deformed parts must have, when known already.

    Raises:
        FaceObjectError: There are shape keys or keyframes of the artist's in the way, or the mesh is another one.
    """
    chosen = skin.physface.bake.format
    parts = face_objects.parts_of(skin)
    for part, target in face_objects.deformed_of(skin).items():
        foreign = face_objects.foreign_keys(target)
        shown = ", ".join(foreign[:3]) + (" and others" if len(foreign) > 3 else "")
        if foreign and chosen != "COMPACT":
            raise FaceObjectError(
                f"{target.name} has shape keys of its own ({shown}), which only a bake to compact keys can mix with; "
                "choose that format, or bake a copy of the face without them."
            )
        if foreign and not target.data.shape_keys.use_relative:
            raise FaceObjectError(
                f"{target.name} has absolute shape keys of its own ({shown}), and a bake cannot mix with them; "
                "make them relative, or bake a copy of the face without them."
            )
        if chosen == "CACHE":
            mesh_cache.file_of(target, skin.physface.bake.folder)
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


def write(skin: bpy.types.Object, baked: BakedFrames, basis: CompactBasis | None = None) -> None:
    """Put a bake on a character in its chosen format, in place of an earlier one.

    Args:
        skin: A skin object; its live preview is switched off.
        baked: At least one frame.
        basis: Of these frames, when the format is compact keys (see ``compact_keys.fit``).

    Raises:
        FaceObjectError: See ``check_bakeable``.
        PointCacheError: A cache cannot be written.
    """
    deformed = face_objects.deformed_of(skin)
    for part in set(deformed) - set(baked.rest):
        raise FaceObjectError(
            f"The bake does not hold {deformed[part].name}, which rides on the face; bake all frames again."
        )
    check_bakeable(skin, {part: len(baked.rest[part]) for part in deformed})
    clear(skin)
    settings, parts = skin.physface, face_objects.parts_of(skin)
    settings.live = False
    scale = settings.units_per_millimeter
    frames = np.array(baked.frames)
    first = 0
    for part in baked.coordinates:
        count = len(baked.rest[part])
        target = deformed.get(part)
        if target is not None:
            part_scale = face_objects.scale_of(skin, part, target)
            rest = bridge.to_blender(baked.rest[part], part_scale)
            if basis is not None:
                shapes = basis.shapes[:, first : first + count] * np.float32(part_scale)
                compact_keys.write(target, rest, frames, shapes, basis.weights)
            elif settings.bake.format == "CACHE":
                mesh_cache.write(target, rest, baked.frames, baked.coordinates[part], settings.bake.folder)
            else:
                absolute_keys.write(target, rest, frames, baked.coordinates[part])
        first += count
    for part in RIGID_MOTION:
        if part in parts:
            transforms = np.array(baked.transforms[RIGID_MOTION[part]])
            locations, rotations = face_objects.placements(parts[part], transforms, scale)
            animation.own_action(parts[part])
            animation.write_transform_keys(parts[part], frames, locations, rotations)
    if "mandible" in baked.rest:
        bones.show(skin, {f"rest_{part}": shape for part, shape in baked.jaw_shape.items()}, baked.rest)


def read(skin: bpy.types.Object) -> BakedFrames:
    """The bake that is on a character.

    Raises:
        FaceObjectError: There is none, or parts of it are gone.
        PointCacheError: Its cache cannot be read.
    """
    found = face_objects.bake_format(skin)
    scale = skin.physface.units_per_millimeter
    parts = face_objects.parts_of(skin)
    rest, coordinates, frames = {}, {}, []
    deformed = face_objects.deformed_of(skin)
    for part in (*DEFORMED_PARTS, *(set(deformed) - set(DEFORMED_PARTS))):
        target = deformed.get(part)
        if target is None or not found or face_objects.bake_format(target) != found:
            lacking = part if target is None else target.name
            raise FaceObjectError(f"The bake of {skin.name} is not whole ({lacking} lacks it); bake all frames again.")
        keys = target.data.shape_keys
        shown = bridge.get_coordinates(target.data) if keys is None else bridge.get_key_coordinates(keys.reference_key)
        rest[part] = bridge.to_millimeters(shown, face_objects.scale_of(skin, part, target))
        if found == "COMPACT":
            frames, coordinates[part] = compact_keys.read(target, shown)
        else:
            frames, coordinates[part] = (absolute_keys if found == "ABSOLUTE" else mesh_cache).read(target)
        coordinates[part] = list(coordinates[part])
    transforms = {motion: [np.eye(4)] * len(frames) for motion in set(RIGID_MOTION.values())}
    for part, motion in RIGID_MOTION.items():
        if part in parts:
            transforms[motion] = list(_read_transforms(parts[part], frames, scale))
    return BakedFrames(rest, frames, coordinates, transforms)


def _read_transforms(target: bpy.types.Object, frames: list[int], scale: float) -> np.ndarray:
    """The transforms (F, 4, 4) in millimeters that a part's keyframes stand for."""
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.fcurves(target)}

    def values(path: str, default: tuple[float, ...]) -> np.ndarray:
        return np.array(
            [
                [curves[path, index].evaluate(frame) if (path, index) in curves else default[index] for frame in frames]
                for index in range(len(default))
            ]
        ).T

    return face_objects.transforms(
        target, values("location", target.location[:]), values("rotation_quaternion", (1.0, 0.0, 0.0, 0.0)), scale
    )


def clear(skin: bpy.types.Object) -> bool:
    """Take a bake off a character; the face goes back to rest.

    Only keys, curves, modifiers and actions whose names say that they are ours are removed.

    Returns:
        Whether there was a bake.
    """
    found = face_objects.has_bake(skin)
    clearing = {"ABSOLUTE": absolute_keys.clear, "COMPACT": compact_keys.clear, "CACHE": mesh_cache.clear}
    for target in face_objects.deformed_of(skin).values():
        if face_objects.bake_format(target):
            clearing[face_objects.bake_format(target)](target)
    for part, target in face_objects.parts_of(skin).items():
        if part in RIGID_MOTION:
            animation.remove_own_action(target)
    if found:
        face_objects.reset_transforms(skin)
    return found
