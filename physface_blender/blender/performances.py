# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances from and to Blender: captures, other faces and actions in; ordinary keyframes out."""

from __future__ import annotations

import re
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_INDEX, GROUPS, find_arkit_name
from ..performance.curves import Performance
from ..performance.live_link_face import read_live_link_face
from ..performance.range_of_motion import range_of_motion
from ..performance.retarget import Retargeting
from . import animation, compat, sampling
from .face_objects import FaceObjectError
from .properties import EXPRESSION_PATH

_NUMBERED = re.compile(r"^(.*?)([0-9]+)$")
_SHAPE_KEY_PATH = re.compile(r'^key_blocks\["(.+)"\]\.value$')


def from_settings(scene: bpy.types.Scene, skin: bpy.types.Object) -> Performance:
    """The performance that a face's retarget settings name, as it is there.

    Raises:
        FaceObjectError: Nothing is chosen, or there is nothing in it.
        CaptureError: A file cannot be read.
    """
    settings = skin.physface.retarget
    if settings.source == "CAPTURE":
        if not settings.filepath:
            raise FaceObjectError("No file was named; choose a Live Link Face CSV.")
        return from_file(settings.filepath)
    if settings.source == "EXAMPLE":
        return range_of_motion(animation.frame_rate(scene))
    if settings.source == "CHARACTER":
        if settings.character is None:
            raise FaceObjectError("No character is chosen; choose another physical face to copy from.")
        return from_face(scene, settings.character, scene.frame_start, scene.frame_end)
    if settings.action is None:
        raise FaceObjectError("No action is chosen; choose one that moves sliders or shape keys with ARKit names.")
    return from_action(scene, settings.action)


def from_file(path: str) -> Performance:
    """The performance in a Live Link Face CSV."""
    return read_live_link_face(Path(bpy.path.abspath(path)))


def from_face(scene: bpy.types.Scene, skin: bpy.types.Object, first: int, last: int) -> Performance:
    """What a face does from one frame of a scene to another.

    Raises:
        FaceObjectError: There are no frames.
    """
    if last < first:
        raise FaceObjectError(
            f"The frame range {first} to {last} holds no frame; choose a last frame that is not before the first."
        )
    frames = range(first, last + 1)
    weights = sampling.sample_expression(scene, skin, frames)
    times = np.arange(len(frames)) / animation.frame_rate(scene)
    return Performance(times, weights, np.ones(len(frames), dtype=bool), skin.name)


def from_action(scene: bpy.types.Scene, action: bpy.types.Action) -> Performance:
    """What an action does to sliders, or to shape keys whose names are ARKit's in any capitalization.

    Raises:
        FaceObjectError: It moves none of them.
    """
    first, last = (round(value) for value in action.frame_range)
    frames = range(first, max(first, last) + 1)
    weights = np.zeros((len(frames), len(ARKIT_INDEX)))
    found = False
    for curve in compat.action_fcurves(action):
        shape_key = _SHAPE_KEY_PATH.match(curve.data_path)
        given = shape_key.group(1) if shape_key else curve.data_path.removeprefix(f"{EXPRESSION_PATH}.")
        name = find_arkit_name(given)
        if name is not None and not curve.mute:
            found = True
            weights[:, ARKIT_INDEX[name]] = [curve.evaluate(frame) for frame in frames]
    if not found:
        raise FaceObjectError(
            f"{action.name} moves no slider of a physical face and no shape key with an ARKit name such as jawOpen; "
            "choose another action."
        )
    times = np.arange(len(frames)) / animation.frame_rate(scene)
    return Performance(times, np.clip(weights, 0.0, 1.0), np.ones(len(frames), dtype=bool), action.name)


def from_weights(scene: bpy.types.Scene, weights: NDArray, name: str) -> Performance:
    """A performance of weights (T, 52), one row for every frame of the scene."""
    times = np.arange(len(weights)) / animation.frame_rate(scene)
    return Performance(times, weights, np.ones(len(weights), dtype=bool), name)


def numbered_files(first: str) -> list[str]:
    """The files of a sequence from its first one on, such as head.0001.obj, head.0002.obj, in order.

    Raises:
        FaceObjectError: The first one is not there, or has no number.
    """
    path = Path(bpy.path.abspath(first))
    if not path.is_file():
        raise FaceObjectError(f"There is no file {path}; choose the first of a numbered sequence.")
    parts = _NUMBERED.match(path.stem)
    if parts is None:
        raise FaceObjectError(f"{path.name} has no number; choose the first of a sequence such as head.0001.obj.")
    numbered = {}
    for candidate in path.parent.iterdir():
        found = _NUMBERED.match(candidate.stem)
        if found and found[1] == parts[1] and candidate.suffix == path.suffix and int(found[2]) >= int(parts[2]):
            numbered[int(found[2])] = str(candidate)
    return [numbered[number] for number in sorted(numbered)]


def retarget(scene: bpy.types.Scene, skin: bpy.types.Object, performance: Performance) -> range:
    """Key a performance on a face by its retarget settings, and give back the frames.

    Raises:
        FaceObjectError: The face is linked.
    """
    if skin.library is not None:
        raise FaceObjectError(f"{skin.name} is linked from another file; make a library override to animate it.")
    settings, rate = skin.physface.retarget, animation.frame_rate(scene)
    gains = {group: getattr(settings, f"gain_{group}") for group in GROUPS}
    fitted = Retargeting(gains, settings.smoothing, settings.speed).applied(performance, rate)
    frames = settings.start + np.arange(fitted.frame_count)
    animation.write_expression_keys(skin, frames, fitted.weights)
    if settings.extend_scene and scene.frame_end < frames[-1]:
        scene.frame_end = int(frames[-1])
    source = f" at {performance.frame_rate:.4g}" if performance.frame_count > 1 else ""
    settings.summary = (
        f"{performance.name}: {performance.frame_count} frames{source} to {len(frames)} at {rate:.4g} fps"
    )
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return range(int(frames[0]), int(frames[-1]) + 1)
