# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own meshes on a face: what is stored on them, and the requests that let them ride.

The head lies on the face; teeth, eyes and lashes go with the head. A mesh keeps its shape in its basis; poses go to a shape
key of ours, bakes to keys beside the artist's own. How it lies is stored on the object, so that the backend can bind it anew
whenever it makes the character.
"""

from __future__ import annotations

import hashlib

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend.cache_folder import note_use
from ..backend.messages import BindMesh, BindPart
from . import bridge, compat, face_objects, preferences, surface_file
from .face_objects import BOUND_PART, BOUND_PREFIX, FaceObjectError

EYE_MM = 9.0
"""The middle of an eyeball is nearer to that of the face's own than this; lashes are not."""
TEETH_MM = 15.0
"""Teeth, gums and tongue are on average nearer to the face's own teeth than this."""
_LOOKED_AT = 500


def bind(target: bpy.types.Object, skin: bpy.types.Object, to_model: NDArray, *, mirror: bool) -> None:
    """Store that a mesh rides on a face.

    Args:
        target: The artist's mesh object.
        skin: The skin of the face that was fitted to it.
        to_model: (4, 4) similarity from its own coordinates to the numerics' millimeters.
        mirror: Its mirror image was fitted.
    """
    target.physface.bound_face, target.physface.bound_mirror = skin, mirror
    _place(target, to_model)
    skin.physface.bake.format = "COMPACT"  # the one that leaves the artist's keys alone


def _place(target: bpy.types.Object, to_model: NDArray) -> None:
    """Store how a mesh lies on a face, and make it ready for poses."""
    target.physface.bound_matrix = to_model.ravel().tolist()
    target.physface.units_per_millimeter = 1.0 / np.cbrt(abs(np.linalg.det(to_model[:3, :3])))
    if target.data.shape_keys is None:
        compat.add_shape_key(target, "Basis")


def check_part(target: bpy.types.Object) -> None:
    """See that a mesh can go with a head.

    Raises:
        FaceObjectError: It has absolute shape keys or no faces, or is scaled to nothing.
    """
    keys = target.data.shape_keys
    if keys is not None and not keys.use_relative:
        raise FaceObjectError(
            f"{target.name} has absolute shape keys, which poses cannot mix with; make them relative first."
        )
    if not target.data.polygons:
        raise FaceObjectError(f"{target.name} has no faces, so it cannot follow; choose a mesh with faces.")
    if abs(target.matrix_world.determinant()) < 1e-30:
        raise FaceObjectError(f"{target.name} is scaled to nothing along an axis; give it a size first.")


def bind_part(target: bpy.types.Object, skin: bpy.types.Object, kind: str = "") -> str:
    """Store that a mesh goes with the one that rides on a face, from where it is now.

    Args:
        target: Teeth, an eye or lashes of the artist's.
        skin: The skin of the face, on which a head rides.
        kind: Of ``properties.BOUND_KINDS``; found by where the mesh lies when empty.

    Returns:
        The kind.
    """
    head = face_objects.bound_to(skin)
    sides = np.diag([-1.0 if head.physface.bound_mirror else 1.0, 1.0, 1.0, 1.0])
    to_head = np.array(head.matrix_world.inverted() @ target.matrix_world)
    to_model = np.array(head.physface.bound_matrix).reshape(4, 4) @ sides @ to_head @ sides
    kind = kind or _guessed(rest(target) * np.diag(sides)[:3], to_model, skin)
    _place(target, to_model)
    target.physface.bound_kind, target.physface.bound_with = kind, head
    return kind


def _guessed(points: NDArray, to_model: NDArray, skin: bpy.types.Object) -> str:
    """The kind of a mesh (B, 3) by where it lies on the face."""
    points = points[:: max(1, len(points) // _LOOKED_AT)] @ to_model[:3, :3].T + to_model[:3, 3]
    parts, scale = face_objects.parts_of(skin), skin.physface.units_per_millimeter
    for eye in ("eye_left", "eye_right"):
        if eye in parts and np.linalg.norm(points.mean(axis=0) - np.array(parts[eye].physface.pivot)) < EYE_MM:
            return eye.upper()
    teeth = [parts[part] for part in ("upper_teeth", "lower_teeth") if part in parts]
    for rows in teeth:
        step = max(1, len(rows.data.vertices) // _LOOKED_AT)
        known = bridge.to_millimeters(bridge.get_coordinates(rows.data)[::step], scale)
        if np.linalg.norm(points[:, None] - known, axis=2).min(axis=1).mean() < TEETH_MM:
            return "TEETH"
    return "LASHES"


def release(target: bpy.types.Object) -> None:
    """Let a mesh go; it has its own shape again."""
    keys = target.data.shape_keys
    key = None if keys is None else keys.key_blocks.get(face_objects.LIVE_KEY)
    if key is not None:
        target.shape_key_remove(key)
    target.physface.property_unset("bound_face")
    target.physface.property_unset("bound_with")


def rest(target: bpy.types.Object) -> NDArray[np.float32]:
    """The mesh (B, 3) as the artist made it, in its own coordinates."""
    keys = target.data.shape_keys
    return bridge.get_coordinates(target.data) if keys is None else bridge.get_key_coordinates(keys.reference_key)


def requests(skin: bpy.types.Object, character: str) -> list[BindMesh | BindPart]:
    """What lets the artist's meshes ride on one of the characters of a face, to be asked in this order.

    Raises:
        FaceObjectError: A mesh cannot be written.
    """
    asked: list[BindMesh | BindPart] = []
    for name, target in face_objects.bound_objects(skin).items():
        path, place = _file(target), tuple(target.physface.bound_matrix)
        if name == BOUND_PART:
            asked.append(BindMesh(character=character, path=path, to_model=place, mirror=target.physface.bound_mirror))
            continue
        kind = target.physface.bound_kind.lower()
        name = name.removeprefix(BOUND_PREFIX)
        asked.append(BindPart(character=character, name=name, kind=kind, path=path, to_model=place))
    return asked


def _file(target: bpy.types.Object) -> str:
    """The file with a mesh at rest, written when it is not there."""
    coordinates = rest(target)
    digest = hashlib.sha256(coordinates.tobytes()).hexdigest()[:16]
    path = preferences.backend_settings().cache_directory / f"bound-{digest}.ply"
    if not path.is_file():
        surface_file.write(path, coordinates, target.data)
    note_use(path)
    return str(path)


def rest_millimeters(skin: bpy.types.Object) -> dict[str, NDArray[np.float64]]:
    """The artist's meshes at rest as a bake counts them, by part."""
    return {
        part: bridge.to_millimeters(rest(target), target.physface.units_per_millimeter)
        for part, target in face_objects.bound_objects(skin).items()
    }
