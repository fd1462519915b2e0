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
