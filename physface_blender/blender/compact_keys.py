# SPDX-License-Identifier: GPL-3.0-or-later
"""A bake as a few relative shape keys with a curve each: they mix with the artist's own keys, and export.

Between two frames the weights are linear, so the face lies on the straight line between them, as with absolute keys.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend.compact_basis import CompactBasis, fit_compact_basis
from . import animation, bridge, compat, face_objects
from .baked_frames import BakedFrames
from .face_objects import COMPACT_PREFIX, KEY_PREFIX, LIVE_KEY, REST_KEY


def fit(baked: BakedFrames, tolerance_mm: float, scales: Mapping[str, float]) -> Generator[float, None, CompactBasis]:
    """Find the shapes that all deformed parts share; see ``fit_compact_basis``.

    Args:
        baked: At least one frame.
        tolerance_mm: Largest error that is allowed.
        scales: Blender units per millimeter, by deformed part.
    """
    rest = {part: bridge.to_blender(baked.rest[part], scales[part]) for part in baked.coordinates}
    count = sum(len(vertices) for vertices in rest.values())
    displacements = np.empty((len(baked.frames), count, 3), dtype=np.float32)
    for index in range(len(baked.frames)):
        moved = [(baked.coordinates[part][index] - rest[part]) / np.float32(scales[part]) for part in rest]
        displacements[index] = np.concatenate(moved)
        yield 0.0
    return (yield from fit_compact_basis(displacements, tolerance_mm))


def write(
    target: bpy.types.Object,
    rest: NDArray[np.float32],
    frames: NDArray,
    shapes: NDArray[np.float32],
    weights: NDArray[np.float64],
) -> None:
    """Put a basis on a part, beside shape keys of the artist's.

    Args:
        target: The part.
        rest: (V, 3) Blender units, for a part without shape keys.
        frames: (F,) increasing frame numbers.
        shapes: (K, V, 3) displacements in Blender units; a face that stays at rest gets one that does nothing.
        weights: (F, K).
    """
    if not len(shapes):
        shapes, weights = np.zeros((1, *rest.shape), dtype=np.float32), np.zeros((len(frames), 1))
    if target.data.shape_keys is None:
        bridge.set_coordinates(target.data, rest)
        compat.add_shape_key(target, REST_KEY)
    keys = target.data.shape_keys
    live_key = keys.key_blocks.get(LIVE_KEY)
    if live_key is not None:
        target.shape_key_remove(live_key)
    if not face_objects.foreign_keys(target):
        keys.name = f"{KEY_PREFIX}{target.name}"
        animation.own_action(keys)
    reference = bridge.get_key_coordinates(keys.reference_key)
    for number, shape in enumerate(shapes, start=1):
        key = compat.add_shape_key(target, f"{COMPACT_PREFIX}{number}")
        bridge.set_key_coordinates(key, reference + shape)
        curve = compat.ensure_fcurve(keys, _weight_path(key.name))
        animation.set_linear_keys(curve, frames, weights[:, number - 1])
    target.active_shape_key_index = 0
    target.data.update()


def _weight_path(name: str) -> str:
    return f'key_blocks["{name}"].value'


def read(target: bpy.types.Object, rest: NDArray[np.float32]) -> tuple[list[int], Sequence[NDArray[np.float32]]]:
    """The frames that ``write`` put on a part at rest (V, 3): F frame numbers and F arrays (V, 3)."""
    keys = target.data.shape_keys
    reference = bridge.get_key_coordinates(keys.reference_key)
    curves = {curve.data_path: curve for curve in compat.fcurves(keys)}
    shapes, weights, frames = [], [], []
    for key in face_objects.compact_keys(target):
        points = np.empty(2 * len(curves[_weight_path(key.name)].keyframe_points), dtype=np.float32)
        curves[_weight_path(key.name)].keyframe_points.foreach_get("co", points)
        frames = points[::2].round().astype(int).tolist()
        shapes.append(bridge.get_key_coordinates(key) - reference)
        weights.append(points[1::2])
    return frames, rest + np.einsum("kf,kpx->fpx", np.array(weights), np.array(shapes))


def clear(target: bpy.types.Object) -> None:
    """Take the basis off a part; shape keys of the artist's stay."""
    keys = target.data.shape_keys
    ours = face_objects.compact_keys(target)
    paths = {_weight_path(key.name) for key in ours}
    compat.remove_fcurves(keys, lambda curve: curve.data_path in paths)
    for key in ours:
        target.shape_key_remove(key)
    if not face_objects.foreign_keys(target):
        rest = bridge.get_key_coordinates(keys.reference_key)
        animation.remove_own_action(keys)
        target.shape_key_clear()
        bridge.set_coordinates(target.data, rest)
