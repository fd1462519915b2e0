# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Retarget: performances from files, other faces and actions."""

import bpy

from ...performance.arkit import GROUPS
from .. import animation, face_objects
from .base import SkinPanel, draw_job, split_column


class PHYSFACE_PT_retarget(SkinPanel, bpy.types.Panel):
    """Choose a performance and key it."""

    bl_label = "Retarget"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        settings = face_objects.skin_of(context.active_object).physface.retarget
        column = split_column(layout)
        column.prop(settings, "source")
        if settings.source == "CAPTURE":
            row = column.row(align=True)
            row.prop(settings, "filepath")
            row.operator("physface.import_capture", text="", icon="IMPORT")
        elif settings.source == "FILES":
            column.prop(settings, "first_file")
        elif settings.source != "EXAMPLE":
            column.prop(settings, settings.source.lower())
            if settings.source == "MESH":
                column.prop(settings, "rest_frame")
        column.prop(settings, "start")
        column.prop(settings, "speed")
        column.prop(settings, "smoothing")
        column.prop(settings, "extend_scene")
        skin = face_objects.skin_of(context.active_object)
        if draw_job(layout, skin.session_uid):
            return
        row = layout.row(align=True)
        is_mesh = settings.source in ("MESH", "FILES")
        row.operator("physface.retarget_mesh" if is_mesh else "physface.retarget", icon="ACTION")
        row.operator("physface.offset_keys", text="", icon="ANCHOR_BOTTOM")
        row.operator("physface.clear_keys", text="", icon="TRASH")
        layout.label(text=f"Scene: {animation.frame_rate(context.scene):.6g} fps", icon="TIME")
        if settings.summary:
            layout.label(text=settings.summary)


class PHYSFACE_PT_retarget_gain(SkinPanel, bpy.types.Panel):
    """How strongly each region takes part."""

    bl_label = "Gain"
    bl_parent_id = "PHYSFACE_PT_retarget"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        settings = face_objects.skin_of(context.active_object).physface.retarget
        column = split_column(self.layout)
        for group in GROUPS:
            column.prop(settings, f"gain_{group}")


CLASSES = (PHYSFACE_PT_retarget, PHYSFACE_PT_retarget_gain)
