# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes in bulk: the sliders over time, and linear keys written thousands at a time."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_NAMES
from . import compat, properties

CHANNEL_GROUP = "PhysFace"

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


def sample_expression(scene: bpy.types.Scene, skin: bpy.types.Object, frames: Sequence[int]) -> NDArray[np.float64]:
    """The sliders at the given frames, with everything that animates them.

    Where only the object's own action moves the sliders, its curves are evaluated directly. With drivers, NLA tracks or
    an action that is blended the scene is stepped through the frames, and set back to where it was.

    Args:
        scene: The scene whose timeline counts.
        skin: A skin object.
        frames: T frame numbers.

    Returns:
        (T, 52) weights in the order of ``ARKIT_NAMES``.
    """
    if _only_own_curves(skin):
        return _evaluate_curves(skin, frames)
    current, subframe = scene.frame_current, scene.frame_subframe
    sampled = []
    try:
        for frame in frames:
            scene.frame_set(frame)
            evaluated = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
            sampled.append(properties.read_expression(evaluated))
    finally:
        scene.frame_set(current, subframe=subframe)
    return np.array(sampled)


def _only_own_curves(skin: bpy.types.Object) -> bool:
    animation = skin.animation_data
    if animation is None:
        return True
    if any(driver.data_path.startswith("physface.") for driver in animation.drivers):
        return False
    if animation.use_nla and any(not track.mute for track in animation.nla_tracks):
        return False
    return animation.action is None or (animation.action_blend_type == "REPLACE" and animation.action_influence == 1.0)


def _evaluate_curves(skin: bpy.types.Object, frames: Sequence[int]) -> NDArray[np.float64]:
    weights = np.tile(properties.read_expression(skin), (len(frames), 1))
    columns = {slider_path(name): column for column, name in enumerate(ARKIT_NAMES)}
    for curve in compat.fcurves(skin):
        column = columns.get(curve.data_path)
        if column is not None and not curve.mute and curve.is_valid:
            weights[:, column] = [curve.evaluate(frame) for frame in frames]
    return np.clip(weights, 0.0, 1.0)
