# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend by hand."""

import bpy

from .. import jobs, live, worker_link
from .base import ReportingOperator, Result


class PHYSFACE_OT_restart_backend(ReportingOperator, bpy.types.Operator):
    """End the backend process; it starts again when it is next needed."""

    bl_idname = "physface.restart_backend"
    bl_label = "Restart Backend"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while a job needs it."""
        if jobs.any_running():
            cls.poll_message_set("A job is using the backend; wait for it or cancel it")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """End it, and have the faces of this scene shown anew."""
        worker_link.close()
        live.stop()
        live.mark_scene(context.scene)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_restart_backend,)
