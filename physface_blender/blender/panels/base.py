# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels of the PhysFace tab share."""

from __future__ import annotations

import bpy

from .. import face_objects, jobs


class SidebarPanel:
    """A panel in the 3D viewport's sidebar, tab PhysFace."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "PhysFace"


class SkinPanel(SidebarPanel):
    """A panel that is there only when a character is active."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object belongs to a character."""
        return face_objects.skin_of(context.active_object) is not None


def draw_job(layout: bpy.types.UILayout, uid: int) -> bool:
    """The progress of the job on a face and its Cancel button. Returns whether there is a job."""
    job = jobs.running(uid)
    if job is None:
        return False
    row = layout.row(align=True)
    row.progress(factor=job.fraction, text=job.sentence or job.title)
    row.operator("physface.cancel_job", text="", icon="CANCEL").job = uid
    return True


def split_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column of properties with their names to the left."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def draw_resolutions(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """The sizes of the tissue's cells in preview and bake, and the switch that lets the preview take those of the bake."""
    row = column.row(align=True)
    size = row.row(align=True)
    size.active = not settings.preview_as_bake
    size.prop(settings, "preview_resolution", text="Preview mm")
    row.prop(settings, "preview_as_bake", text="", icon="RENDER_ANIMATION")
    column.prop(settings.bake, "resolution", text="Bake mm")


def draw_without_physics(layout: bpy.types.UILayout, skin: bpy.types.Object) -> None:
    """A line where the settings of a panel are not seen, because the preview is the network's alone."""
    if not skin.physface.live_physics and not face_objects.has_bake(skin):
        row = layout.row()
        row.label(text="Needs physics", icon="INFO")
        row.prop(skin.physface, "live_physics", text="Physics", toggle=True, icon="PHYSICS")
