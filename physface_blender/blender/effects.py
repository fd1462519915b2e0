# SPDX-License-Identifier: GPL-3.0-or-later
"""What acts on a face, read from its skin object and its place in the scene, as the backend's ``Effects`` takes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend.effects import STIFFNESS_RANGE
from . import bones, bridge, compat, masks
from .effect_properties import EFFECTS_PATH, PARALYSIS_GROUP, STIFFNESS_GROUP

YOUNG_MODULUS_KPA = 5.0
"""Of the simulator's tissue where the backend's ``stiffness`` is 1."""

SETTINGS = ("stiffness", "friction", "head_degrees", "jaw_scale", "jaw_shift_mm")
"""The effects that ``settings`` finds."""

_DEGREE_DECIMALS = 1  # a tenth of a degree moves no tissue that anyone sees


@dataclass(frozen=True, eq=False)
class Masks:
    """What is painted on a skin, and sculpted on its bones.

    Attributes:
        paralysis: (V,) 0..1, None where nothing is painted.
        stiffness: (V,) 0..1, None where nothing is painted.
        bones: by bone the displacement (B, 3), mm, of its vertices, by sculpting and by the handles of the chin.
    """

    paralysis: NDArray[np.float64] | None
    stiffness: NDArray[np.float64] | None
    bones: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, skin: bpy.types.Object) -> Self:
        """The masks of a skin object; they do not change with time."""
        return cls(masks.read(skin, PARALYSIS_GROUP), masks.read(skin, STIFFNESS_GROUP), bones.edited(skin))


def of(skin: bpy.types.Object, depsgraph: bpy.types.Depsgraph, painted: Masks | None = None) -> dict[str, Any]:
    """Everything that acts on a face.

    Args:
        skin: A skin object, or its evaluated copy.
        depsgraph: In which it is looked up how objects are turned.
        painted: The masks, read from the skin when None.

    Returns:
        Attributes of ``Effects`` that differ from their defaults, by name.
    """
    painted = painted or Masks.of(skin)
    chosen = skin.physface.effects
    found = settings(skin, depsgraph)
    if painted.paralysis is not None and chosen.paralysis > 0.0:
        found["painted_paralysis"] = tuple((painted.paralysis * chosen.paralysis).round(3).tolist())
    if painted.stiffness is not None and chosen.stiffness_factor != 1.0:
        found["painted_stiffness"] = tuple((chosen.stiffness_factor**painted.stiffness).round(3).tolist())
    if chosen.edited_bones:
        found |= {f"sculpted_{bone}": sculpt_values(moved) for bone, moved in painted.bones.items()}
    return found


def sculpt_values(displacement: NDArray) -> tuple[float, ...]:
    """A displacement (B, 3), mm, of a bone's vertices as ``Effects`` takes it."""
    return tuple(displacement.round(3).ravel().tolist())


def settings(skin: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> dict[str, Any]:
    """All but what is painted; see ``of``."""
    chosen = skin.physface.effects
    found: dict[str, Any] = {}
    stiffness = float(np.clip(skin.physface.stiffness / YOUNG_MODULUS_KPA, *STIFFNESS_RANGE))
    if abs(stiffness - 1.0) > 1e-6:
        found["stiffness"] = round(stiffness, 4)
    if chosen.friction > 0.0 and skin.physface.contact:
        found["friction"] = round(chosen.friction, 4)
    if chosen.gravity:
        pitch, roll = head_degrees(skin, depsgraph)
        if pitch or roll:
            found["head_degrees"] = (pitch, 0.0, roll)
    scale = tuple(round(getattr(chosen, f"jaw_{name}"), 4) for name in ("length", "width", "height"))
    if chosen.edited_bones and scale != (1.0, 1.0, 1.0):
        found["jaw_scale"] = scale
    shift = round(chosen.jaw_shift, 3)
    if chosen.edited_bones and shift:
        found["jaw_shift_mm"] = shift
    return found


def head_degrees(skin: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> tuple[float, float]:
    """Pitch and roll of the head, degrees, as ``Effects.head_degrees`` counts them; gravity does not see the yaw."""
    chosen = skin.physface.effects
    if chosen.gravity_source == "ANGLES":
        pitch, roll = math.degrees(chosen.head_pitch), math.degrees(chosen.head_roll)
    else:
        x, y, z = _up_in_head(skin, depsgraph) @ bridge.AXES
        pitch, roll = math.degrees(math.asin(np.clip(-z, -1.0, 1.0))), math.degrees(math.atan2(x, y))
        if math.hypot(x, y) < 1e-6:  # straight down or up: the lean has no meaning
            roll = 0.0
    return round(pitch, _DEGREE_DECIMALS) + 0.0, round(roll, _DEGREE_DECIMALS) + 0.0


def _up_in_head(skin: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> NDArray[np.float64]:
    """The world's up (3,) in the axes of the head, whatever its scale; a mirrored head has mirrored axes."""
    chosen = skin.physface.effects
    target = chosen.gravity_target if chosen.gravity_source == "TARGET" else skin
    if target is None:
        return np.array([0.0, 0.0, 1.0])
    target = target.evaluated_get(depsgraph)
    axes = target.matrix_world.to_3x3()
    if target.type == "ARMATURE" and chosen.gravity_bone in target.pose.bones:
        bone = target.pose.bones[chosen.gravity_bone]
        axes = axes @ (bone.matrix @ bone.bone.matrix_local.inverted()).to_3x3()
    columns = np.array(axes)
    lengths = np.linalg.norm(columns, axis=0)
    if lengths.min() <= 0.0:
        return np.array([0.0, 0.0, 1.0])
    return (columns / lengths)[2]


def follow_scene(skin: bpy.types.Object) -> bool:
    """Whether something outside the sliders moves the face: where the head is, a brush, or drivers."""
    animated = skin.animation_data
    if animated is not None and any(driver.data_path.startswith("physface.") for driver in animated.drivers):
        return True
    if not skin.physface.live_physics:
        return False
    chosen = skin.physface.effects
    return skin.mode == "WEIGHT_PAINT" or (chosen.gravity and chosen.gravity_source != "ANGLES")


def change_with_time(skin: bpy.types.Object) -> bool:
    """Whether a bake has to look at the effects in every frame."""
    chosen = skin.physface.effects
    if chosen.gravity and chosen.gravity_source != "ANGLES":
        return True
    return any(curve.data_path.startswith(EFFECTS_PATH) for curve in compat.fcurves(skin))
