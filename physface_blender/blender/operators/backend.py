# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend by hand."""

import bpy

from ...backend import cache_folder
from .. import jobs, live, preferences, worker_link
from .base import ReportingOperator, Result, UserError


def _is_free(cls: type[bpy.types.Operator]) -> bool:
    if jobs.any_running():
        cls.poll_message_set("A job is using the backend; wait for it or cancel it")
        return False
    return True


class PHYSFACE_OT_restart_backend(ReportingOperator, bpy.types.Operator):
    """End the backend process; it starts again when it is next needed."""

    bl_idname = "physface.restart_backend"
    bl_label = "Restart Backend"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while a job needs it."""
        return _is_free(cls)

    def perform(self, context: bpy.types.Context) -> Result:
        """End it, and have the faces of this scene shown anew."""
        worker_link.close()
        live.stop()
        live.mark_scene(context.scene)
        return {"FINISHED"}


class PHYSFACE_OT_clear_cache(ReportingOperator, bpy.types.Operator):
    """Remove what the backend keeps in its cache folder; it makes it again when it is needed, which takes a while."""

    bl_idname = "physface.clear_cache"
    bl_label = "Clear Cache"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while a job needs it."""
        return _is_free(cls)

    def perform(self, context: bpy.types.Context) -> Result:
        """End the backend, which has files of it open, and remove them."""
        worker_link.close()
        live.stop()
        folder = preferences.backend_settings().cache_directory
        try:
            count = cache_folder.clear(folder)
        except OSError as error:
            raise UserError(f"{error.filename} cannot be removed ({error.strerror}); close what has it open.") from None
        live.mark_scene(context.scene)
        self.report({"INFO"}, f"Removed {count} files from {folder}")
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_restart_backend, PHYSFACE_OT_clear_cache)
