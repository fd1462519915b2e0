# SPDX-License-Identifier: GPL-3.0-or-later
"""Small operators on the sliders: reset, mirror, random, key."""

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ...performance.arkit import ARKIT_INDEX, ARKIT_NAMES, GROUPS, MIRROR_INDEX
from .. import animation, compat, face_objects, live, properties
from .base import ReportingOperator, Result, needs_skin

_UNCHANGED = 1e-5  # sliders and keys are stored in single precision


class _ExpressionOperator(ReportingOperator):
    """An operator on the sliders of a character."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)


class _GroupOperator(_ExpressionOperator):
    """An operator on the sliders of one group, or on all."""

    group: EnumProperty(
        name="Sliders",
        items=(
            ("ALL", "All", "All 52 sliders"),
            *((name, name.title(), f"The sliders of the {name}") for name in GROUPS),
        ),
        default="ALL",
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The sliders of the group."""
        return ARKIT_NAMES if self.group == "ALL" else GROUPS[self.group]


class PHYSFACE_OT_reset_expression(_GroupOperator, bpy.types.Operator):
    """Set the sliders to zero; keyframes stay."""

    bl_idname = "physface.reset_expression"
    bl_label = "Reset Expression"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the zeros."""
        skin = face_objects.skin_of(context.active_object)
        for name in self.names:
            skin.physface.expression.property_unset(name)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_mirror_expression(_ExpressionOperator, bpy.types.Operator):
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


class PHYSFACE_OT_random_expression(_GroupOperator, bpy.types.Operator):
    """Set the sliders at random, a few of them at a time, as faces do."""

    bl_idname = "physface.random_expression"
    bl_label = "Random Expression"
    bl_options = {"REGISTER", "UNDO"}

    seed: IntProperty(name="Seed", description="Another number is another expression", default=0, min=0)
    amount: FloatProperty(name="Amount", description="Largest weight", default=0.8, min=0.0, max=1.0, subtype="FACTOR")
    share: FloatProperty(
        name="Share", description="How many of the sliders move", default=0.2, min=0.0, max=1.0, subtype="FACTOR"
    )
    symmetric: BoolProperty(name="Symmetric", description="Move both sides alike", default=True)

    def perform(self, context: bpy.types.Context) -> Result:
        """Draw and write them."""
        skin = face_objects.skin_of(context.active_object)
        generator = np.random.default_rng(self.seed)
        drawn = generator.uniform(0.0, self.amount, len(ARKIT_NAMES))
        drawn[generator.uniform(size=len(ARKIT_NAMES)) >= self.share] = 0.0
        if self.symmetric:
            is_left = np.array([name.endswith("Left") for name in ARKIT_NAMES])
            is_sideways = np.array([name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") for name in ARKIT_NAMES])
            drawn = np.where(is_left, drawn[MIRROR_INDEX], drawn)
            drawn[is_sideways] = 0.0
        weights = properties.read_expression(skin)
        chosen = [ARKIT_INDEX[name] for name in self.names]
        weights[chosen] = drawn[chosen]
        properties.write_expression(skin, weights)
        return {"FINISHED"}


class PHYSFACE_OT_solo(_GroupOperator, bpy.types.Operator):
    """Let the preview show one group of sliders alone; animation and bake keep them all."""

    bl_idname = "physface.solo"
    bl_label = "Solo"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> Result:
        """Set the group."""
        face_objects.skin_of(context.active_object).physface.solo = self.group
        return {"FINISHED"}


class PHYSFACE_OT_key_expression(_GroupOperator, bpy.types.Operator):
    """Insert a keyframe on the sliders at the current frame."""

    bl_idname = "physface.key_expression"
    bl_label = "Key Expression"
    bl_options = {"REGISTER", "UNDO"}

    only_changed: BoolProperty(
        name="Only Changed",
        description="Key only the sliders that are not where their keyframes put them, or not at zero without any",
        options={"SKIP_SAVE"},
    )

    def perform(self, context: bpy.types.Context) -> Result:
        """Insert the keys."""
        skin = face_objects.skin_of(context.active_object)
        frame = context.scene.frame_current_final
        names = self._changed(skin, frame) if self.only_changed else self.names
        for name in names:
            skin.keyframe_insert(animation.slider_path(name), frame=frame, group=animation.CHANNEL_GROUP)
        if not names:
            self.report({"INFO"}, "No slider has changed, so none was keyed")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Keyed {len(names)} slider{'s' if len(names) > 1 else ''}")
        return {"FINISHED"}

    def _changed(self, skin: bpy.types.Object, frame: float) -> list[str]:
        animated = {curve.data_path: curve.evaluate(frame) for curve in compat.fcurves(skin)}
        return [
            name
            for name in self.names
            if abs(getattr(skin.physface.expression, name) - animated.get(animation.slider_path(name), 0.0))
            > _UNCHANGED
        ]


CLASSES = (
    PHYSFACE_OT_reset_expression,
    PHYSFACE_OT_mirror_expression,
    PHYSFACE_OT_random_expression,
    PHYSFACE_OT_solo,
    PHYSFACE_OT_key_expression,
)
