# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the simulation in one press: how fine, and back to an unedited mandible."""

import bpy
from bpy.props import EnumProperty

from .. import face_objects, live
from .base import ReportingOperator, Result, needs_skin

QUALITIES = {"DRAFT": (8.0, 6.8), "STANDARD": (6.8, 4.0), "FINE": (5.0, 3.0)}
"""Millimeters of a cell in the preview and in the bake."""

JAW_HANDLES = ("jaw_length", "jaw_width", "jaw_height")


class PHYSFACE_OT_set_quality(ReportingOperator, bpy.types.Operator):
    """Set how finely preview and bake are simulated."""

    bl_idname = "physface.set_quality"
    bl_label = "Quality"
    bl_options = {"REGISTER", "UNDO"}

    quality: EnumProperty(
        name="Quality",
        items=tuple(
            (name, name.title(), f"Cells of {preview:g} mm in the preview and {bake:g} mm in the bake")
            for name, (preview, bake) in QUALITIES.items()
        ),
        default="STANDARD",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Set both resolutions."""
        settings = face_objects.skin_of(context.active_object).physface
        settings.preview_resolution, settings.bake.resolution = QUALITIES[self.quality]
        return {"FINISHED"}


class PHYSFACE_OT_reset_bones(ReportingOperator, bpy.types.Operator):
    """Give the face its own mandible back."""

    bl_idname = "physface.reset_bones"
    bl_label = "Reset Bones"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character whose mandible is edited."""
        if not needs_skin(cls, context):
            return False
        effects = face_objects.skin_of(context.active_object).physface.effects
        if all(getattr(effects, name) == 1.0 for name in JAW_HANDLES):
            cls.poll_message_set("The mandible is the person's own")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Set all handles to 1."""
        skin = face_objects.skin_of(context.active_object)
        for name in JAW_HANDLES:
            skin.physface.effects.property_unset(name)
        live.mark(skin)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_set_quality, PHYSFACE_OT_reset_bones)
