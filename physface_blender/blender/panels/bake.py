# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Bake: the animated face becomes shape keys."""

import bpy

from .. import face_objects
from .base import SkinPanel, draw_job


class PHYSFACE_PT_bake(SkinPanel, bpy.types.Panel):
    """Range, start, progress and clearing of a bake."""

    bl_label = "Bake"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        settings = skin.physface
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "bake_range")
        if settings.bake_range == "CUSTOM":
            column.prop(settings, "bake_start")
            column.prop(settings, "bake_end")
        column.prop(settings, "bake_physics", text="Physics")
        if not draw_job(layout, skin.session_uid):
            is_baked = face_objects.has_bake(skin)
            layout.operator("physface.bake", text="Bake Again" if is_baked else "Bake", icon="REC")
        if face_objects.has_bake(skin):
            layout.label(text=f"{len(skin.data.shape_keys.key_blocks) - 1} frames are baked", icon="CHECKMARK")
        layout.operator("physface.clear_bake", icon="TRASH")


CLASSES = (PHYSFACE_PT_bake,)
