# SPDX-License-Identifier: GPL-3.0-or-later
"""A Live Link Face capture becomes ordinary keyframes on the sliders."""

from pathlib import Path

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...performance.live_link_face import read_live_link_face
from .. import animation, face_objects, live
from .base import ReportingOperator, Result, UserError, needs_skin


class PHYSFACE_OT_import_capture(ReportingOperator, bpy.types.Operator, ImportHelper):
    """Import a Live Link Face CSV as keyframes on the sliders, at the scene's frame rate."""

    bl_idname = "physface.import_capture"
    bl_label = "Import Capture"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv;*.csv.gz", options={"HIDDEN"})
    start_frame: IntProperty(
        name="Start Frame",
        description="Frame at which the capture begins",
        default=1,
        min=-1048574,
        max=1048574,
    )
    set_scene_end: BoolProperty(
        name="Extend Scene",
        description="Move the scene's last frame to the end of the capture when it lies before it",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Read everything, then write the keys."""
        scene = context.scene
        if not self.filepath:
            raise UserError("No file was named; choose a Live Link Face CSV.")
        captured = read_live_link_face(Path(bpy.path.abspath(self.filepath)))
        rate = animation.frame_rate(scene)
        performance = captured.resample(rate)
        skin = face_objects.skin_of(context.active_object)
        if skin.library is not None:
            raise UserError(f"{skin.name} is linked from another file; make a library override to animate it.")
        frames = self.start_frame + np.arange(performance.frame_count)
        animation.write_expression_keys(skin, frames, performance.weights)
        if self.set_scene_end and scene.frame_end < frames[-1]:
            scene.frame_end = int(frames[-1])
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
        live.mark(skin)
        for message in captured.messages:
            self.report({"INFO"}, message)
        self.report(
            {"INFO"},
            f"{captured.name}: {captured.frame_count} frames at {captured.frame_rate:.2f} became keyframes "
            f"{frames[0]} to {frames[-1]} at the scene's {rate:.2f} frames a second",
        )
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_import_capture,)
