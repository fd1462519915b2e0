# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances from captures, other faces and actions become ordinary keyframes on the sliders."""

from dataclasses import replace

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ...backend.messages import PerformanceSolved, SolvePerformance
from ...performance.curves import Performance
from .. import (
    actor_capture,
    animation,
    compat,
    evaluated_mesh,
    face_objects,
    jobs,
    live,
    performances,
    preferences,
    requests,
    worker_link,
)
from ..properties import EXPRESSION_PATH
from .base import JobOperator, ReportingOperator, Result, UserError, Work, needs_skin


class _Retargeting(ReportingOperator):
    """What the operators share that key a performance."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def key(self, context: bpy.types.Context, performance: Performance) -> Result:
        """Key it and say what came of it."""
        skin = face_objects.skin_of(context.active_object)
        frames = performances.retarget(context.scene, skin, performance)
        live.mark(skin)
        for message in performance.messages:
            self.report({"INFO"}, message)
        self.report({"INFO"}, f"{skin.physface.retarget.summary}, keyframes {frames[0]} to {frames[-1]}")
        return {"FINISHED"}


class PHYSFACE_OT_import_capture(_Retargeting, bpy.types.Operator, ImportHelper):
    """Choose a Live Link Face CSV and key it on the sliders, at the scene's frame rate."""

    bl_idname = "physface.import_capture"
    bl_label = "Import Capture"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv;*.csv.gz", options={"HIDDEN"})

    def perform(self, context: bpy.types.Context) -> Result:
        """Read everything, then write the keys."""
        if not self.filepath:
            raise UserError("No file was named; choose a Live Link Face CSV.")
        performance = performances.from_file(self.filepath)
        result = self.key(context, performance)
        settings = face_objects.skin_of(context.active_object).physface.retarget
        settings.source, settings.filepath = "CAPTURE", self.filepath
        return result


class PHYSFACE_OT_retarget(_Retargeting, bpy.types.Operator):
    """Key the chosen performance on the sliders, with the settings above; press again after a change."""

    bl_idname = "physface.retarget"
    bl_label = "Retarget"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character with a chosen source."""
        if not super().poll(context):
            return False
        settings = face_objects.skin_of(context.active_object).physface.retarget
        chosen = {
            "CAPTURE": settings.filepath,
            "EXAMPLE": True,
            "CHARACTER": settings.character,
            "ACTION": settings.action,
        }
        if not chosen.get(settings.source):
            cls.poll_message_set("Choose a file, a character or an action first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Read everything, then write the keys."""
        skin = face_objects.skin_of(context.active_object)
        return self.key(context, performances.from_settings(context.scene, skin))


class PHYSFACE_OT_retarget_mesh(JobOperator, bpy.types.Operator):
    """Find the sliders of a moving mesh frame by frame, and key them with the settings above."""

    bl_idname = "physface.retarget_mesh"
    bl_label = "Retarget"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Reading the Performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character with a chosen mesh or sequence of files."""
        if not needs_skin(cls, context):
            return False
        settings = face_objects.skin_of(context.active_object).physface.retarget
        if not {"MESH": settings.mesh, "FILES": settings.first_file}.get(settings.source):
            cls.poll_message_set("Choose a mesh, or the first file of a sequence, first")
            return False
        return True

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Look at every frame, have the backend find the weights, then key them."""
        skin, scene = face_objects.skin_of(context.active_object), context.scene
        uid, chosen, link_settings = skin.session_uid, skin.physface.retarget, preferences.backend_settings()
        request = SolvePerformance(resolution_mm=requests.preview_resolution(skin))
        if chosen.source == "MESH":
            if scene.frame_end < scene.frame_start:
                raise UserError("The scene's frame range holds no frame; choose a last frame after the first.")
            frames = [chosen.rest_frame, *range(scene.frame_start, scene.frame_end + 1)]
            shown = []
            for vertices in evaluated_mesh.positions(chosen.mesh, frames, scene):
                shown.append(vertices)
                job.sentence = f"Looking at frame {frames[len(shown) - 1]}"
                if job.cancel_requested:
                    return {"CANCELLED"}
                yield
            capture = link_settings.cache_directory / "performance.npz"
            actor_capture.write_performance(chosen.mesh, shown[0], shown[1:], scene, capture)
            request = replace(request, capture_file=str(capture))
        else:
            request = replace(request, files=tuple(performances.numbered_files(chosen.first_file)))
        link = worker_link.get(link_settings)
        ticket = link.ask(request)
        if not (yield from self.answered(link, ticket, job)):
            return {"CANCELLED"}
        solved = ticket.result(PerformanceSolved)
        skin = face_objects.find_skin(uid)
        if skin is None:
            raise UserError("The face was removed meanwhile, so there is nothing to key.")
        performance = performances.from_weights(context.scene, solved.arrays["weights"], solved.name)
        frames = performances.retarget(context.scene, skin, performance)
        live.mark(skin)
        self.report(
            {"INFO"},
            f"{skin.physface.retarget.summary}, keyframes {frames[0]} to {frames[-1]}; the skin is within "
            f"{solved.arrays['errors'].mean():.2f} mm of what was shown",
        )
        return {"FINISHED"}


class PHYSFACE_OT_offset_keys(ReportingOperator, bpy.types.Operator):
    """Add to all keyframes of a slider what it was moved by hand in this frame: an actor's brows that rest too low."""

    bl_idname = "physface.offset_keys"
    bl_label = "Offset Keys by Sliders"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character with a keyed slider that is not where its keyframes put it."""
        if not needs_skin(cls, context):
            return False
        if not animation.slider_offsets(face_objects.skin_of(context.active_object), context.scene.frame_current_final):
            cls.poll_message_set(
                "Move keyed sliders first to where they should be in this frame, without a new keyframe"
            )
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Shift the curves."""
        skin = face_objects.skin_of(context.active_object)
        offsets = animation.slider_offsets(skin, context.scene.frame_current_final)
        animation.offset_slider_keys(skin, offsets)
        live.mark(skin)
        moved = ", ".join(f"{name} {offset:+.2f}" for name, offset in offsets.items())
        self.report({"INFO"}, f"Moved all keyframes of {moved}")
        return {"FINISHED"}


class PHYSFACE_OT_clear_keys(ReportingOperator, bpy.types.Operator):
    """Remove all keyframes of the sliders; the face keeps the expression it shows."""

    bl_idname = "physface.clear_keys"
    bl_label = "Clear Keys"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character whose sliders are keyed."""
        if not needs_skin(cls, context):
            return False
        if not any(_is_of_slider(curve) for curve in compat.fcurves(face_objects.skin_of(context.active_object))):
            cls.poll_message_set("No slider of this face is keyed")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Remove the curves."""
        skin = face_objects.skin_of(context.active_object)
        compat.remove_fcurves(skin, _is_of_slider)
        live.mark(skin)
        return {"FINISHED"}


def _is_of_slider(curve: bpy.types.FCurve) -> bool:
    return curve.data_path.startswith(f"{EXPRESSION_PATH}.")


CLASSES = (
    PHYSFACE_OT_import_capture,
    PHYSFACE_OT_retarget,
    PHYSFACE_OT_retarget_mesh,
    PHYSFACE_OT_offset_keys,
    PHYSFACE_OT_clear_keys,
)
