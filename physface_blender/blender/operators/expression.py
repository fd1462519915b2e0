# SPDX-License-Identifier: GPL-3.0-or-later
"""Small operators on the sliders: reset, mirror, key."""

import bpy
import numpy as np
from bpy.props import EnumProperty

from ...performance.arkit import ARKIT_NAMES, GROUPS, MIRROR_INDEX
from .. import animation, face_objects, live, properties
from .base import ReportingOperator, Result, needs_skin

_GROUP_ITEMS = (
    ("ALL", "All", "All 52 sliders"),
    *((name, name.title(), f"The sliders of the {name}") for name in GROUPS),
)


def _names_of(group: str) -> tuple[str, ...]:
    return ARKIT_NAMES if group == "ALL" else GROUPS[group]


class PHYSFACE_OT_reset_expression(ReportingOperator, bpy.types.Operator):
    """Set the sliders to zero; keyframes stay."""

    bl_idname = "physface.reset_expression"
    bl_label = "Reset Expression"
    bl_options = {"REGISTER", "UNDO"}

    group: EnumProperty(name="Sliders", items=_GROUP_ITEMS, default="ALL")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the zeros."""
        skin = face_objects.skin_of(context.active_object)
        for name in _names_of(self.group):
            skin.physface.expression.property_unset(name)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_mirror_expression(ReportingOperator, bpy.types.Operator):
    """Mirror the sliders between the sides of the face; keyframes stay."""

    bl_idname = "physface.mirror_expression"
    bl_label = "Mirror Expression"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(
        name="Direction",
        items=(
            ("SWAP", "Swap Sides", "Exchange left and right"),
            ("LEFT_TO_RIGHT", "Left to Right", "Copy the character's left to the right"),
            ("RIGHT_TO_LEFT", "Right to Left", "Copy the character's right to the left"),
        ),
        default="SWAP",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the mirrored sliders."""
        skin = face_objects.skin_of(context.active_object)
        weights = properties.read_expression(skin)
        mirrored = weights[MIRROR_INDEX]
        if self.direction != "SWAP":
            kept_side = "Left" if self.direction == "LEFT_TO_RIGHT" else "Right"
            kept = np.array([name.endswith(kept_side) for name in ARKIT_NAMES])
            mirrored = np.where(kept, weights, mirrored)
        properties.write_expression(skin, mirrored)
        return {"FINISHED"}


class PHYSFACE_OT_key_expression(ReportingOperator, bpy.types.Operator):
    """Insert a keyframe on all sliders at the current frame."""

    bl_idname = "physface.key_expression"
    bl_label = "Key Expression"
    bl_options = {"REGISTER", "UNDO"}

    group: EnumProperty(name="Sliders", items=_GROUP_ITEMS, default="ALL")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Insert the keys."""
        skin = face_objects.skin_of(context.active_object)
        frame = context.scene.frame_current_final
        for name in _names_of(self.group):
            skin.keyframe_insert(animation.slider_path(name), frame=frame, group=animation.CHANNEL_GROUP)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_reset_expression, PHYSFACE_OT_mirror_expression, PHYSFACE_OT_key_expression)
