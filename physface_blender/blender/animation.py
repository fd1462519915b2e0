# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes in bulk: the sliders over time, and linear keys written thousands at a time."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_NAMES
from . import compat, properties
from .face_objects import KEY_PREFIX

CHANNEL_GROUP = "PhysFace"

_LEAST_OFFSET = 1e-4
_LINEAR = 1  # value of 'LINEAR' among a keyframe's interpolations
_KEPT_ATTRIBUTES = (
    ("co", 2, np.float32),
    ("handle_left", 2, np.float32),
    ("handle_right", 2, np.float32),
    ("interpolation", 1, np.int32),
    ("handle_left_type", 1, np.int32),
    ("handle_right_type", 1, np.int32),
)


def frame_rate(scene: bpy.types.Scene) -> float:
    """Frames per second of the scene."""
    return scene.render.fps / scene.render.fps_base


def slider_path(name: str) -> str:
    """Data path of a slider from its skin object."""
    return f"{properties.EXPRESSION_PATH}.{name}"


def slider_offsets(skin: bpy.types.Object, frame: float) -> dict[str, float]:
    """How far keyed sliders are from where their keyframes put them in a frame, by name; those that agree are left out."""
    offsets = {}
    for name, curve in _slider_curves(skin).items():
        offset = getattr(skin.physface.expression, name) - min(1.0, max(0.0, curve.evaluate(frame)))
        if abs(offset) > _LEAST_OFFSET:
            offsets[name] = offset
    return offsets


def offset_slider_keys(skin: bpy.types.Object, offsets: Mapping[str, float]) -> None:
    """Add numbers by name of a slider to its keyframes and their handles, within 0..1."""
    for name, curve in _slider_curves(skin).items():
        if name not in offsets:
            continue
        points = curve.keyframe_points
        for attribute in ("co", "handle_left", "handle_right"):
            places = np.empty(2 * len(points), dtype=np.float32)
            points.foreach_get(attribute, places)
            places[1::2] = np.clip(places[1::2] + offsets[name], 0.0, 1.0)
            points.foreach_set(attribute, places)
        curve.update()


def _slider_curves(skin: bpy.types.Object) -> dict[str, bpy.types.FCurve]:
    """The curves with keyframes that animate sliders, by name of the slider."""
    names = {slider_path(name): name for name in ARKIT_NAMES}
    return {
        names[curve.data_path]: curve
        for curve in compat.fcurves(skin)
        if curve.data_path in names and len(curve.keyframe_points)
    }


def set_linear_keys(curve: bpy.types.FCurve, frames: NDArray, values: NDArray) -> None:
    """Write linear keyframes; keys of the curve outside their range stay as they are.

    Args:
        curve: An F-curve.
        frames: (T,) increasing frame numbers.
        values: (T,) values.
    """
    points = curve.keyframe_points
    kept = {}
    for attribute, width, dtype in _KEPT_ATTRIBUTES:
        data = np.empty(len(points) * width, dtype=dtype)
        points.foreach_get(attribute, data)
        kept[attribute] = data.reshape(-1, width)
    before = kept["co"][:, 0] < frames[0]
    after = kept["co"][:, 0] > frames[-1]
    coordinates = np.column_stack([frames, values]).astype(np.float32)
    new = {
        "co": coordinates,
        "handle_left": coordinates,
        "handle_right": coordinates,
        "interpolation": np.full((len(frames), 1), _LINEAR, dtype=np.int32),
        "handle_left_type": np.zeros((len(frames), 1), dtype=np.int32),
        "handle_right_type": np.zeros((len(frames), 1), dtype=np.int32),
    }
    points.clear()
    points.add(int(before.sum() + len(frames) + after.sum()))
    for attribute, _width, _dtype in _KEPT_ATTRIBUTES:
        merged = np.concatenate([kept[attribute][before], new[attribute], kept[attribute][after]])
        points.foreach_set(attribute, np.ascontiguousarray(merged).ravel())
    curve.update()


def write_expression_keys(skin: bpy.types.Object, frames: NDArray, weights: NDArray) -> None:
    """Key all 52 sliders, linearly.

    Args:
        skin: A skin object.
        frames: (T,) increasing frame numbers.
        weights: (T, 52) in the order of ``ARKIT_NAMES``.
    """
    for column, name in enumerate(ARKIT_NAMES):
        curve = compat.ensure_fcurve(skin, slider_path(name), group=CHANNEL_GROUP)
        set_linear_keys(curve, frames, weights[:, column])


def write_transform_keys(target: bpy.types.Object, frames: NDArray, locations: NDArray, rotations: NDArray) -> None:
    """Key an object's location and rotation, linearly.

    Args:
        target: An object; its rotation mode becomes quaternion.
        frames: (T,) increasing frame numbers.
        locations: (T, 3).
        rotations: (T, 4) quaternions (w, x, y, z).
    """
    target.rotation_mode = "QUATERNION"
    for path, values in (("location", locations), ("rotation_quaternion", rotations)):
        for index in range(values.shape[1]):
            set_linear_keys(compat.ensure_fcurve(target, path, index), frames, values[:, index])


def own_action(datablock: bpy.types.ID) -> None:
    """Give a data-block a fresh action of ours."""
    animated = datablock.animation_data or datablock.animation_data_create()
    animated.action = bpy.data.actions.new(f"{KEY_PREFIX}{datablock.name}")


def remove_own_action(datablock: bpy.types.ID) -> None:
    """Take an action of ours off a data-block, and remove it when nobody else uses it."""
    animated = datablock.animation_data
    if animated is None or animated.action is None or not animated.action.name.startswith(KEY_PREFIX):
        return
    action = animated.action
    animated.action = None
    if action.users == 0:
        bpy.data.actions.remove(action)
