# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions saved under a name, and applied again with a strength."""

import bpy
import numpy as np
from bpy.props import EnumProperty, FloatProperty, StringProperty

from .. import expression_presets, face_objects, preferences, properties
from .base import ReportingOperator, Result, needs_skin

_shown: list[
    tuple[str, str, str]
] = []  # Blender does not keep the strings of an enumeration that is made while drawing


def _presets(_self: bpy.types.OperatorProperties, _context: bpy.types.Context) -> list[tuple[str, str, str]]:
    _shown[:] = [(name, name, "") for name in expression_presets.names(preferences.user_folder("expressions"))]
    return _shown


class _PresetOperator(ReportingOperator):
    """An operator on the saved expressions."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)


class _ExistingPreset(_PresetOperator):
    """An operator on one saved expression."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character, when anything is saved."""
        if not super().poll(context):
            return False
        if not expression_presets.names(preferences.user_folder("expressions")):
            cls.poll_message_set("No expression is saved yet")
            return False
        return True


class PHYSFACE_OT_save_preset(_PresetOperator, bpy.types.Operator):
    """Save the sliders under a name, for any face in any file."""

    bl_idname = "physface.save_preset"
    bl_label = "Save Expression"
    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", description="Name of the expression; one of the same name is replaced")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the file."""
        skin = face_objects.skin_of(context.active_object)
        expression_presets.save(preferences.user_folder("expressions"), self.name, properties.read_expression(skin))
        self.report({"INFO"}, f"Saved the expression {self.name.strip()}")
        return {"FINISHED"}


class PHYSFACE_OT_apply_preset(_ExistingPreset, bpy.types.Operator):
    """Move the sliders toward a saved expression; keyframes stay."""

    bl_idname = "physface.apply_preset"
    bl_label = "Apply Expression"
    bl_options = {"REGISTER", "UNDO"}

    preset: EnumProperty(name="Expression", items=_presets)
    strength: FloatProperty(
        name="Strength",
        description="How far toward the saved expression; 1 is all the way",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    operation: EnumProperty(
        name="Operation",
        items=(
            ("BLEND", "Blend", "From what the face shows toward the saved expression"),
            ("ADD", "Add", "The saved expression on top of what the face shows"),
        ),
        default="BLEND",
    )

    def perform(self, context: bpy.types.Context) -> Result:
        """Read the file, then write the sliders."""
        skin = face_objects.skin_of(context.active_object)
        saved = expression_presets.load(preferences.user_folder("expressions"), self.preset)
        weights = properties.read_expression(skin)
        added = weights if self.operation == "ADD" else (1.0 - self.strength) * weights
        properties.write_expression(skin, np.clip(added + self.strength * saved, 0.0, 1.0))
        return {"FINISHED"}


class PHYSFACE_OT_delete_preset(_ExistingPreset, bpy.types.Operator):
    """Delete a saved expression for good."""

    bl_idname = "physface.delete_preset"
    bl_label = "Delete Expression"
    bl_options = {"REGISTER"}

    preset: EnumProperty(name="Expression", items=_presets)

    def perform(self, context: bpy.types.Context) -> Result:
        """Remove the file."""
        expression_presets.delete(preferences.user_folder("expressions"), self.preset)
        self.report({"INFO"}, f"Deleted the expression {self.preset}")
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_save_preset, PHYSFACE_OT_apply_preset, PHYSFACE_OT_delete_preset)
