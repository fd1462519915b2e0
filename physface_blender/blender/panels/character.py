# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Character: who the face is, and how the backend is."""

import bpy

from ...backend.client import ClientState
from .. import face_objects, worker_link
from .base import SidebarPanel, draw_job

_STATE_ICONS = {
    ClientState.STOPPED: "RADIOBUT_OFF",
    ClientState.STARTING: "SORTTIME",
    ClientState.RUNNING: "RADIOBUT_ON",
    ClientState.FAILED: "ERROR",
}


class PHYSFACE_PT_character(SidebarPanel, bpy.types.Panel):
    """Add a face, or see and set up the active one."""

    bl_label = "Character"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        if not draw_job(layout, 0):
            layout.operator("physface.add_face", text="Add Physical Face", icon="ADD")
        if skin is not None:
            layout.label(text=f"{skin.name} (seed {skin.physface.seed})", icon="USER")
        _draw_backend(layout)


def _draw_backend(layout: bpy.types.UILayout) -> None:
    """One line on the backend, with the way out when it has stopped."""
    link = worker_link.current()
    state = ClientState.STOPPED if link is None else link.state
    row = layout.row()
    text = "Backend starts when it is needed" if state is ClientState.STOPPED else state.value
    row.label(text=text, icon=_STATE_ICONS[state])
    if link is not None and link.notice:
        row.operator("physface.restart_backend", text="", icon="FILE_REFRESH")
        layout.label(text=link.notice, icon="INFO")


CLASSES = (PHYSFACE_PT_character,)
