# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Style: in whose manner a face performs, and how much."""

import bpy

from .. import face_objects, styles
from .base import SkinPanel, draw_job


class PHYSFACE_PT_style(SkinPanel, bpy.types.Panel):
    """The styles of a face with their weights."""

    bl_label = "Style"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        column = layout.column(align=True)
        for index, share in enumerate(skin.physface.styles):
            row = column.row(align=True)
            row.prop(share, "weight", text=share.name, slider=True)
            row.operator("physface.remove_style", text="", icon="X").index = index
        if not len(skin.physface.styles):
            layout.label(text="Plain: add the style of an actor", icon="INFO")
        elif (total := styles.total(skin)) > 1.0 + 1e-4:
            layout.label(text=f"Together {total:.2f}: shares of a whole", icon="INFO")
        row = layout.row(align=True)
        row.operator_menu_enum("physface.add_style", "style", text="Add", icon="ADD")
        row.operator("physface.key_styles", text="Key", icon="KEY_HLT")
        layout.operator_menu_enum("physface.copy_styles", "face", text="Copy from Face", icon="PASTEDOWN")
        if not draw_job(layout, skin.session_uid):
            layout.operator("physface.learn_style", text="Learn from Selected Mesh", icon="SHAPEKEY_DATA")


CLASSES = (PHYSFACE_PT_style,)
