# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Expression: the 52 sliders in foldable groups or by search, and the live preview."""

import bpy

from ...performance.arkit import ARKIT_NAMES, GROUPS
from .. import face_objects, live
from .base import SkinPanel

_OPEN_GROUPS = ("jaw",)


class PHYSFACE_PT_expression(SkinPanel, bpy.types.Panel):
    """Live preview and what works on all sliders."""

    bl_label = "Expression"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        is_baked = face_objects.has_bake(skin)
        row = layout.row(align=True)
        row.enabled = not is_baked
        row.prop(skin.physface, "live", toggle=True, icon="PLAY")
        physics = row.row(align=True)
        physics.active = skin.physface.live
        physics.prop(skin.physface, "live_physics", text="Physics", toggle=True, icon="PHYSICS")
        if is_baked:
            layout.label(text="Shows its bake: clear it to preview", icon="INFO")
        elif skin.physface.live:
            layout.label(text=live.sentence(skin) or "Move a slider", icon="INFO")
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("physface.reset_expression", text="Reset", icon="LOOP_BACK").group = "ALL"
        row.operator_menu_enum("physface.mirror_expression", "direction", text="Mirror", icon="MOD_MIRROR")
        row.operator("physface.random_expression", text="Random", icon="SHADERFX").group = "ALL"
        row = column.row(align=True)
        row.operator("physface.key_expression", text="Key All", icon="KEY_HLT").only_changed = False
        row.operator("physface.key_expression", text="Key Changed", icon="KEY_DEHLT").only_changed = True
        row = column.row(align=True)
        row.operator("physface.save_preset", text="Save", icon="FILE_NEW")
        row.operator_menu_enum("physface.apply_preset", "preset", text="Apply", icon="FILE_TICK")
        row.operator_menu_enum("physface.delete_preset", "preset", text="", icon="TRASH")
        if skin.physface.solo != "ALL":
            layout.prop(skin.physface, "solo", icon="SOLO_ON")
        layout.prop(context.window_manager, "physface_search", text="", icon="VIEWZOOM")
        wanted = context.window_manager.physface_search.replace(" ", "").casefold()
        if wanted:
            found = [name for name in ARKIT_NAMES if wanted in name.casefold()]
            column = layout.column(align=True)
            for name in found:
                column.prop(skin.physface.expression, name, slider=True)
            if not found:
                column.label(text="No slider has such a name", icon="INFO")


class _GroupPanel(SkinPanel):
    """The sliders of one part of the face."""

    bl_parent_id = "PHYSFACE_PT_expression"
    group = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character, as long as nothing is searched."""
        return super().poll(context) and not context.window_manager.physface_search.strip()

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """A reset button and a solo button for the group."""
        settings = face_objects.skin_of(context.active_object).physface
        is_alone = settings.solo == self.group
        row = self.layout.row(align=True)
        solo = row.operator("physface.solo", text="", icon="SOLO_ON" if is_alone else "SOLO_OFF", emboss=False)
        solo.group = "ALL" if is_alone else self.group
        row.operator("physface.reset_expression", text="", icon="LOOP_BACK", emboss=False).group = self.group

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the sliders."""
        sliders = face_objects.skin_of(context.active_object).physface.expression
        column = self.layout.column(align=True)
        for name in GROUPS[self.group]:
            column.prop(sliders, name, slider=True)


def _group_panel(index: int, group: str) -> type:
    return type(
        f"PHYSFACE_PT_expression_{group}",
        (_GroupPanel, bpy.types.Panel),
        {
            "__doc__": f"The sliders of the {group}.",
            "__module__": __name__,
            "bl_label": group.title(),
            "bl_order": index,
            "bl_options": set() if group in _OPEN_GROUPS else {"DEFAULT_CLOSED"},
            "group": group,
        },
    )


CLASSES = (PHYSFACE_PT_expression, *(_group_panel(index, group) for index, group in enumerate(GROUPS)))
