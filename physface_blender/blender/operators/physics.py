# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the simulation in one press: how fine, and back to an unedited mandible."""

import bpy
from bpy.props import EnumProperty

from .. import face_objects
from .base import ReportingOperator, Result, needs_skin

QUALITIES = {"DRAFT": (8.0, 6.8), "STANDARD": (6.8, 4.0), "FINE": (5.0, 3.0)}
"""Millimeters of a cell in the preview and in the bake."""


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


CLASSES = (PHYSFACE_OT_set_quality,)
