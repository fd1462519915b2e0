# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Paralysis: where muscles do not contract, and how much."""

import bpy

from ...anatomy.facial_nerve import BRANCHES, SIDES
from .. import face_objects
from ..effect_properties import PARALYSIS_GROUP
from .base import SkinPanel, draw_without_physics, split_column
from .physics import draw_mask


class PHYSFACE_PT_paralysis(SkinPanel, bpy.types.Panel):
    """Mask and strength of a palsy."""

    bl_label = "Paralysis"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        draw_without_physics(layout, skin)
        column = split_column(layout)
        column.use_property_decorate = True
        column.prop(skin.physface.effects, "paralysis")
        if PARALYSIS_GROUP not in skin.vertex_groups:
            layout.label(text="Paint, or press a region", icon="INFO")
        draw_mask(layout, skin, "PARALYSIS")
        # Seen from the front the character's right is on the left.
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        for side in reversed(SIDES):
            _region_button(grid, side, f"{side.title()} Half")
        for branch in BRANCHES:
            for side in reversed(SIDES):
                _region_button(grid, f"{side}.{branch}", branch.title())


def _region_button(layout: bpy.types.UILayout, region: str, text: str) -> None:
    button = layout.operator("physface.fill_mask", text=text)
    button.mask, button.region, button.operation = "PARALYSIS", region, "SET"


CLASSES = (PHYSFACE_PT_paralysis,)
