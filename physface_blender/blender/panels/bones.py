# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Bones: handles on the mandible, and bones sculpted by hand."""

import bpy

from .. import face_objects
from .base import SkinPanel, draw_job, draw_without_physics, split_column


class PHYSFACE_PT_bones(SkinPanel, bpy.types.Panel):
    """An osteotomy, and the face before and after it."""

    bl_label = "Bones"
    bl_order = 6
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        effects = skin.physface.effects
        draw_without_physics(layout, skin)
        layout.prop(effects, "edited_bones", toggle=True, text="After" if effects.edited_bones else "Before")
        column = split_column(layout)
        column.active = effects.edited_bones
        column.label(text="Mandible")
        column.prop(effects, "jaw_length")
        column.prop(effects, "jaw_width")
        column.prop(effects, "jaw_height")
        column.prop(effects, "jaw_shift")
        column.prop(effects, "chin_forward", text="Chin Forward")
        column.prop(effects, "chin_down", text="Chin Down")
        if context.mode == "SCULPT":
            layout.label(text="Sculpting: update when it is done", icon="INFO")
        else:
            layout.operator_menu_enum("physface.sculpt_bone", "bone", text="Sculpt", icon="SCULPTMODE_HLT")
        if not draw_job(layout, skin.session_uid):
            layout.operator("physface.update_anatomy", icon="FILE_REFRESH")
        layout.operator("physface.reset_bones", text="Reset", icon="LOOP_BACK")


CLASSES = (PHYSFACE_PT_bones,)
