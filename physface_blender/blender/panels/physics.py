# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Physics: contact and the tissue's material."""

import bpy

from .. import face_objects
from .base import SkinPanel


class PHYSFACE_PT_physics(SkinPanel, bpy.types.Panel):
    """Settings of the soft-tissue simulation."""

    bl_label = "Physics"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        settings = face_objects.skin_of(context.active_object).physface
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "contact")
        column.prop(settings, "stiffness", text="Stiffness kPa")
        column.prop(settings, "poisson_ratio")


CLASSES = (PHYSFACE_PT_physics,)
