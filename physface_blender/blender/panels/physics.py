# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Physics: contact, friction, gravity, the tissue's material, and how finely it is simulated."""

import bpy

from .. import face_objects
from .base import SkinPanel, draw_resolutions, draw_without_physics, split_column


class PHYSFACE_PT_physics(SkinPanel, bpy.types.Panel):
    """Settings of the soft-tissue simulation."""

    bl_label = "Physics"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        skin = face_objects.skin_of(context.active_object)
        settings = skin.physface
        draw_without_physics(self.layout, skin)
        column = split_column(self.layout)
        column.prop(settings, "contact")
        row = column.row()
        row.active = settings.contact
        row.prop(settings.effects, "friction")
        column.prop(settings, "stiffness", text="Stiffness kPa")
        column.prop(settings, "poisson_ratio")
        self.layout.operator_menu_enum("physface.set_quality", "quality", icon="PRESET")
        column = split_column(self.layout)
        draw_resolutions(column, settings)


class PHYSFACE_PT_gravity(SkinPanel, bpy.types.Panel):
    """Which way the tissue hangs."""

    bl_label = "Gravity"
    bl_parent_id = "PHYSFACE_PT_physics"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """The switch."""
        self.layout.prop(face_objects.skin_of(context.active_object).physface.effects, "gravity", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        effects = face_objects.skin_of(context.active_object).physface.effects
        column = split_column(self.layout)
        column.active = effects.gravity
        column.prop(effects, "gravity_source")
        if effects.gravity_source == "TARGET":
            column.prop(effects, "gravity_target")
            if effects.gravity_target is not None and effects.gravity_target.type == "ARMATURE":
                column.prop_search(effects, "gravity_bone", effects.gravity_target.pose, "bones")
            elif effects.gravity_target is None:
                column.label(text="Choose an object; upright until then", icon="INFO")
        elif effects.gravity_source == "ANGLES":
            column.use_property_decorate = True
            column.prop(effects, "head_pitch")
            column.prop(effects, "head_roll")


class PHYSFACE_PT_painted_stiffness(SkinPanel, bpy.types.Panel):
    """Tissue that is stiffer or softer in places."""

    bl_label = "Painted Stiffness"
    bl_parent_id = "PHYSFACE_PT_physics"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        skin = face_objects.skin_of(context.active_object)
        split_column(self.layout).prop(skin.physface.effects, "stiffness_factor")
        draw_mask(self.layout, skin, "STIFFNESS")


def draw_mask(layout: bpy.types.UILayout, skin: bpy.types.Object, mask: str) -> None:
    """The buttons of a mask: paint, fill, mirror, clear."""
    if skin.mode == "WEIGHT_PAINT":
        layout.operator("physface.finish_painting", icon="CHECKMARK").mask = mask
    else:
        layout.operator("physface.paint_mask", icon="BRUSH_DATA").mask = mask
    row = layout.row(align=True)
    for name, icon in (("fill_mask", "SNAP_FACE"), ("mirror_mask", "MOD_MIRROR"), ("clear_mask", "TRASH")):
        row.operator(f"physface.{name}", text=name.split("_")[0].title(), icon=icon).mask = mask


CLASSES = (PHYSFACE_PT_physics, PHYSFACE_PT_gravity, PHYSFACE_PT_painted_stiffness)
