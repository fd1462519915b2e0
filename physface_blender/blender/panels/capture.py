# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Capture: performances from files."""

import bpy

from .. import animation
from .base import SkinPanel


class PHYSFACE_PT_capture(SkinPanel, bpy.types.Panel):
    """Import a performance as keyframes."""

    bl_label = "Capture"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        layout.operator("physface.import_capture", text="Import Live Link Face CSV", icon="IMPORT")
        layout.label(text=f"Resampled to the scene's {animation.frame_rate(context.scene):.6g} fps")


CLASSES = (PHYSFACE_PT_capture,)
