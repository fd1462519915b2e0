# SPDX-License-Identifier: GPL-3.0-or-later
"""Panel Character: who the face is, and how the backend is."""

import bpy

from ...backend.client import ClientState
from .. import face_objects, worker_link
from .base import SidebarPanel, SkinPanel, draw_job, draw_resolutions, split_column

SHOWN_MODES = 12
"""Of the identity, the first and largest."""

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
            column = layout.column(align=True)
            column.operator("physface.add_face", text="Add Physical Face", icon="ADD")
            row = column.row(align=True)
            row.operator("physface.fit_scan", text="Fit to Mesh", icon="MOD_SHRINKWRAP").bind = False
            row.operator("physface.fit_scan", text="Bind Mesh", icon="MOD_MESHDEFORM").bind = True
            row = column.row(align=True)
            row.operator("physface.place_landmarks", text="Photo", icon="IMAGE_DATA")
            row.operator("physface.fit_photo", icon="POINTCLOUD_POINT")
        if skin is not None:
            if (bound := face_objects.bound_to(skin)) is not None:
                row = layout.row()
                row.label(text=f"{bound.name} rides on it", icon="MOD_MESHDEFORM")
                row.operator("physface.release_mesh", text="", icon="X")
                _draw_bound_parts(layout, skin)
            layout.label(text=f"{skin.name} (seed {skin.physface.seed})", icon="USER")
            draw_resolutions(split_column(layout), skin.physface)
        _draw_backend(layout)


class PHYSFACE_PT_identity(SkinPanel, bpy.types.Panel):
    """Whose face it is."""

    bl_label = "Identity"
    bl_parent_id = "PHYSFACE_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        skin = face_objects.skin_of(context.active_object)
        row = layout.row(align=True)
        row.operator("physface.random_identity", text="Random", icon="SHADERFX")
        row.operator_menu_enum("physface.blend_identity", "other", text="Blend", icon="IPO_EASE_IN_OUT")
        column = layout.column(align=True)
        column.enabled = not face_objects.has_bake(skin)
        for index in range(SHOWN_MODES):
            column.prop(skin.physface, "identity_0", index=index, text=f"Mode {index + 1}", slider=True)
        if face_objects.has_bake(skin):
            layout.label(text="Clear the bake to change the person", icon="INFO")


def _draw_bound_parts(layout: bpy.types.UILayout, skin: bpy.types.Object) -> None:
    """What goes with the artist's head, and the button for more."""
    column = layout.column(align=True)
    for name, part in face_objects.bound_objects(skin).items():
        if name != face_objects.BOUND_PART:
            row = column.row(align=True)
            row.label(text=part.name, icon="LINKED")
            row.prop(part.physface, "bound_kind", text="")
            row.operator("physface.release_part", text="", icon="X").part = part.name
    column.operator("physface.bind_parts", icon="ADD")


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


CLASSES = (PHYSFACE_PT_character, PHYSFACE_PT_identity)
