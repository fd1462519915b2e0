# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face is asked to do over time: sliders and effects at each frame, with everything that animates them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_NAMES
from . import animation, compat, effects, properties, styles


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """One frame of a face.

    Attributes:
        frame: Number in the scene.
        weights: (52,) sliders in the order of ``ARKIT_NAMES``.
        effects: What else acts on the face (see ``effects.of``).
        style: In whose manner it performs (see ``styles.of``).
    """

    frame: int
    weights: NDArray[np.float64]
    effects: dict[str, Any]
    style: dict[str, float]


def sample(scene: bpy.types.Scene, skin: bpy.types.Object, frames: Sequence[int]) -> list[SampledFrame]:
    """The sliders and effects of a face at the given frames.

    Where only the object's own action moves the sliders and nothing else changes, its curves are evaluated directly. With
    drivers, NLA tracks, a turning head, keyed effects or styles the scene is stepped through the frames, and set back to
    where it was.

    Args:
        scene: The scene whose timeline counts.
        skin: A skin object.
        frames: T frame numbers.
    """
    if _only_own_curves(skin) and not effects.change_with_time(skin) and not styles.change_with_time(skin):
        style = styles.of(skin)
        always = effects.of(skin, bpy.context.evaluated_depsgraph_get())
        weights = _evaluate_curves(skin, frames)
        return [SampledFrame(frame, row, always, style) for frame, row in zip(frames, weights, strict=True)]
    current, subframe = scene.frame_current, scene.frame_subframe
    painted = effects.Masks.of(skin)
    sampled = []
    try:
        for frame in frames:
            scene.frame_set(frame)
            depsgraph = bpy.context.evaluated_depsgraph_get()
            shown = skin.evaluated_get(depsgraph)
            acting = effects.of(shown, depsgraph, painted)
            sampled.append(SampledFrame(frame, properties.read_expression(shown), acting, styles.of(shown)))
    finally:
        scene.frame_set(current, subframe=subframe)
    return sampled


def sample_expression(scene: bpy.types.Scene, skin: bpy.types.Object, frames: Sequence[int]) -> NDArray[np.float64]:
    """The sliders alone, (T, 52) in the order of ``ARKIT_NAMES``; see ``sample``."""
    return np.array([sampled.weights for sampled in sample(scene, skin, frames)])


def evaluate_slider_curves(
    curves: Sequence[bpy.types.FCurve], frames: Sequence[int], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights (T, 52) of curves with the sliders' data paths, clamped to 0..1; ``start`` (52,) where there is no curve."""
    weights = np.tile(start, (len(frames), 1))
    columns = {animation.slider_path(name): column for column, name in enumerate(ARKIT_NAMES)}
    for curve in curves:
        column = columns.get(curve.data_path)
        if column is not None and not curve.mute and curve.is_valid:
            weights[:, column] = [curve.evaluate(frame) for frame in frames]
    return np.clip(weights, 0.0, 1.0)


def _only_own_curves(skin: bpy.types.Object) -> bool:
    animated = skin.animation_data
    if animated is None:
        return True
    if any(driver.data_path.startswith("physface.") for driver in animated.drivers):
        return False
    if animated.use_nla and any(not track.mute for track in animated.nla_tracks):
        return False
    return animated.action is None or (animated.action_blend_type == "REPLACE" and animated.action_influence == 1.0)


def _evaluate_curves(skin: bpy.types.Object, frames: Sequence[int]) -> NDArray[np.float64]:
    return evaluate_slider_curves(list(compat.fcurves(skin)), frames, properties.read_expression(skin))
