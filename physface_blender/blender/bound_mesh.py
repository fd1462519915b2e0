# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own mesh on a face: what is stored on it, and the request that lets it ride.

The mesh keeps its shape in its basis; poses go to a shape key of ours, bakes to keys beside the artist's own. How it lies
on the face is stored on the object, so that the backend can bind it anew whenever it makes the character.
"""

from __future__ import annotations

import hashlib

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend.messages import BindMesh
from . import bridge, compat, face_objects, preferences, surface_file
from .face_objects import BOUND_PART


def bind(target: bpy.types.Object, skin: bpy.types.Object, to_model: NDArray, *, mirror: bool) -> None:
    """Store that a mesh rides on a face.

    Args:
        target: The artist's mesh object.
        skin: The skin of the face that was fitted to it.
        to_model: (4, 4) similarity from its own coordinates to the numerics' millimeters.
        mirror: Its mirror image was fitted.
    """
    settings = target.physface
    settings.bound_face, settings.bound_mirror = skin, mirror
    settings.bound_matrix = to_model.ravel().tolist()
    settings.units_per_millimeter = 1.0 / np.cbrt(np.linalg.det(to_model[:3, :3]))
    if target.data.shape_keys is None:
        compat.add_shape_key(target, "Basis")
    skin.physface.bake.format = "COMPACT"  # the one that leaves the artist's keys alone


def release(target: bpy.types.Object) -> None:
    """Let a mesh go; it has its own shape again."""
    keys = target.data.shape_keys
    key = None if keys is None else keys.key_blocks.get(face_objects.LIVE_KEY)
    if key is not None:
        target.shape_key_remove(key)
    target.physface.property_unset("bound_face")


def rest(target: bpy.types.Object) -> NDArray[np.float32]:
    """The mesh (B, 3) as the artist made it, in its own coordinates."""
    keys = target.data.shape_keys
    return bridge.get_coordinates(target.data) if keys is None else bridge.get_key_coordinates(keys.reference_key)


def request(skin: bpy.types.Object, character: str) -> BindMesh | None:
    """What lets the mesh of a face ride on one of its characters; None where it has none.

    Raises:
        FaceObjectError: The mesh cannot be written.
    """
    target = face_objects.bound_to(skin)
    if target is None:
        return None
    coordinates = rest(target)
    digest = hashlib.sha256(coordinates.tobytes()).hexdigest()[:16]
    path = preferences.backend_settings().cache_directory / f"bound-{digest}.ply"
    if not path.is_file():
        surface_file.write(path, coordinates, target.data)
    settings = target.physface
    return BindMesh(
        character=character, path=str(path), to_model=tuple(settings.bound_matrix), mirror=settings.bound_mirror
    )


def rest_millimeters(skin: bpy.types.Object) -> dict[str, NDArray[np.float64]]:
    """The mesh at rest as a bake counts it, by part; empty where there is none."""
    target = face_objects.bound_to(skin)
    if target is None:
        return {}
    return {BOUND_PART: bridge.to_millimeters(rest(target), target.physface.units_per_millimeter)}
