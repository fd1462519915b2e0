# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Bake: the animated face becomes shape keys."""

import bpy

from .. import face_objects
from .base import SkinPanel, draw_job, split_column


class PHYSFACE_PT_bake(SkinPanel, bpy.types.Panel):
    """Range, start, progress and clearing of a bake."""

    bl_label = "Bake"
    bl_order = 7

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        settings = skin.physface.bake
        column = split_column(layout)
        column.prop(settings, "format")
        if settings.format == "COMPACT":
            column.prop(settings, "tolerance")
        elif settings.format == "CACHE":
            column.prop(settings, "folder")
        column.prop(settings, "range")
        if settings.range == "CUSTOM":
            column.prop(settings, "start")
            column.prop(settings, "end")
        column.prop(settings, "step")
        column.prop(settings, "physics", text="Physics")
        found = face_objects.bake_format(skin)
        if not draw_job(layout, skin.session_uid):
            row = layout.row(align=True)
            row.operator("physface.bake", text="Bake Again" if found else "Bake", icon="REC").mode = "ALL"
            if found:
                row.operator("physface.bake", text="Resume", icon="PLAY").mode = "MISSING"
        if found:
            layout.label(text=_summary(skin, found))
        if found and found != settings.format:
            layout.operator("physface.convert_bake", icon="FILE_REFRESH")
        layout.operator("physface.clear_bake", icon="TRASH")


def _summary(skin: bpy.types.Object, found: str) -> str:
    """What is baked, in a few words."""
    if found == "ABSOLUTE":
        return f"{len(skin.data.shape_keys.key_blocks) - 1} frames are baked"
    if found == "COMPACT":
        return f"The bake has {len(face_objects.compact_keys(skin))} shape keys"
    return "The bake plays from its cache"


class PHYSFACE_PT_bake_part(SkinPanel, bpy.types.Panel):
    """Bake some of the frames again."""

    bl_label = "Part"
    bl_parent_id = "PHYSFACE_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a bake to keep the rest of."""
        return super().poll(context) and face_objects.has_bake(face_objects.skin_of(context.active_object))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        settings = face_objects.skin_of(context.active_object).physface.bake
        column = split_column(self.layout)
        column.prop(settings, "part_start", text="Start")
        column.prop(settings, "part_end", text="End")
        self.layout.operator("physface.bake", text="Bake Part Again", icon="REC").mode = "PART"


class PHYSFACE_PT_export(SkinPanel, bpy.types.Panel):
    """The shot for other programs."""

    bl_label = "Export"
    bl_parent_id = "PHYSFACE_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        self.layout.operator("physface.export_gltf", text="glTF with Compact Keys", icon="EXPORT")
        self.layout.operator("physface.export_curves", text="ARKit Curves (CSV)", icon="FCURVE")


CLASSES = (PHYSFACE_PT_bake, PHYSFACE_PT_bake_part, PHYSFACE_PT_export)
