# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo in the scene with the 68 landmarks of its face before it: vertices of a mesh, moved with Blender's own tools."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import Template
from . import bridge
from .face_objects import KEY_PREFIX, FaceObjectError, select_alone

LANDMARKS_PART = "landmarks"
LANDMARK_COUNT = 68
_SIZE_METERS = 0.3
_BEFORE = 0.002
"""Of the size of the photo, that the points lie before it."""
_FACE_SHARE = 0.45
"""Of the photo's height that the face has at first."""

CHAINS = (
    (range(17), False),
    (range(17, 22), False),
    (range(22, 27), False),
    (range(27, 31), False),
    (range(31, 36), False),
    (range(36, 42), True),
    (range(42, 48), True),
    (range(48, 60), True),
    (range(60, 68), True),
)
"""Contour, brows, bridge and wings of the nose, eyes, outer and inner lips; whether each is closed."""


def place(context: bpy.types.Context, image: bpy.types.Image, template: Template) -> bpy.types.Object:
    """Show a photo upright at the 3D cursor with the landmarks of the average face before it; gives back the landmarks.

    Args:
        context: Where to make them.
        image: With pixels.
        template: Its landmarks are where the points begin.

    Raises:
        FaceObjectError: The image cannot be read.
    """
    width, height = image.size
    if not width or not height:
        raise FaceObjectError(f"The picture {image.name} cannot be read; choose a PNG, JPEG or another picture.")
    photo = bpy.data.objects.new(f"{KEY_PREFIX}Photo", None)
    photo.empty_display_type, photo.data = "IMAGE", image
    photo.empty_display_size = _SIZE_METERS / context.scene.unit_settings.scale_length
    photo.location, photo.rotation_euler = context.scene.cursor.location, (np.pi / 2, 0.0, 0.0)
    mean = template.meshes["skin"].vertices[template.landmarks68]
    share = _FACE_SHARE * height / np.ptp(mean[:, 1])
    pixels = (mean[:, :2] - mean[:, :2].mean(axis=0)) * [share, -share] + [0.5 * width, 0.5 * height]
    mesh = bpy.data.meshes.new(f"{KEY_PREFIX}Landmarks")
    edges = [
        (first, second)
        for chain, is_closed in CHAINS
        for first, second in zip(chain, [*chain[1:], *([chain[0]] if is_closed else [])], strict=False)
    ]
    mesh.from_pydata(_places(photo, image, pixels).tolist(), edges, [])
    landmarks = bpy.data.objects.new(mesh.name, mesh)
    landmarks.parent = photo
    landmarks.physface.part = LANDMARKS_PART
    landmarks.show_in_front = True
    for created in (photo, landmarks):
        context.scene.collection.objects.link(created)
        created.hide_render = True
    select_alone(context, landmarks)
    return landmarks


def read(landmarks: bpy.types.Object) -> tuple[tuple[tuple[float, float] | None, ...], tuple[int, int]]:
    """The landmarks in pixels, None for hidden ones, and the size of their photo.

    Raises:
        FaceObjectError: There are not 68 of them any more, or the photo is gone.
    """
    photo = landmarks.parent
    if photo is None or photo.type != "EMPTY" or photo.data is None:
        raise FaceObjectError(f"{landmarks.name} lies before no photo any more; place the landmarks of a photo again.")
    count = len(landmarks.data.vertices)
    if count != LANDMARK_COUNT:
        raise FaceObjectError(
            f"{landmarks.name} has {count} points; a face has {LANDMARK_COUNT}. Undo, and hide (H) what is not to be seen "
            "instead of deleting it."
        )
    width, height = photo.data.size
    places = bridge.get_coordinates(landmarks.data).astype(np.float64)
    unit = photo.empty_display_size / max(width, height)
    pixels = places[:, :2] / unit * [1.0, -1.0] + [0.5 * width, 0.5 * height]
    hidden = np.empty(count, dtype=bool)
    landmarks.data.vertices.foreach_get("hide", hidden)
    found = tuple(None if gone else (float(x), float(y)) for (x, y), gone in zip(pixels, hidden, strict=True))
    return found, (width, height)


def _places(photo: bpy.types.Object, image: bpy.types.Image, pixels: NDArray) -> NDArray[np.float64]:
    """Points (P, 3) in the photo's own coordinates, a little before it, for pixels (P, 2)."""
    width, height = image.size
    unit = photo.empty_display_size / max(width, height)
    flat = (pixels - [0.5 * width, 0.5 * height]) * [unit, -unit]
    return np.column_stack([flat, np.full(len(flat), _BEFORE * photo.empty_display_size)])
