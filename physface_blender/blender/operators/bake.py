# SPDX-License-Identifier: GPL-3.0-or-later
"""Bake the animated sliders to shape keys, frame by frame, in the backend."""

import time
from collections import deque
from collections.abc import Generator

import bpy
import numpy as np
from bpy.props import IntProperty
from numpy.typing import NDArray

from ...backend.messages import CharacterReady, Posed
from .. import animation, face_objects, jobs, live, preferences, requests, shape_bake, worker_link
from ..shape_bake import BakedFrames
from ..worker_link import LinkError, Ticket, WorkerLink
from .base import JobOperator, ReportingOperator, Result, UserError, Work, needs_skin

AHEAD = 2
"""Frames asked for at once, so that the backend never waits for the next tick of our timer."""


class PHYSFACE_OT_bake(JobOperator, bpy.types.Operator):
    """Bake the sliders' animation to shape keys; Esc stops and keeps the finished frames."""

    bl_idname = "physface.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Baking"

    frame_start: IntProperty(
        name="Start", description="First frame; the face's own bake range when not given", options={"SKIP_SAVE"}
    )
    frame_end: IntProperty(
        name="End", description="Last frame; the face's own bake range when not given", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character in Object Mode."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first: faces are baked in Object Mode")
            return False
        return needs_skin(cls, context)

    def frames(self, scene: bpy.types.Scene, skin: bpy.types.Object) -> range:
        """The frames to bake.

        Raises:
            UserError: There are none.
        """
        settings = skin.physface
        first, last = scene.frame_start, scene.frame_end
        if settings.bake_range == "CUSTOM":
            first, last = settings.bake_start, settings.bake_end
        if self.properties.is_property_set("frame_start"):
            first = self.frame_start
        if self.properties.is_property_set("frame_end"):
            last = self.frame_end
        if last < first:
            raise UserError(
                f"The frame range {first} to {last} holds no frame; choose a last frame that is not before the first."
            )
        return range(first, last + 1)

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Collect the frames, then write them all at once: undo in one step, and a crash leaves the scene as it was."""
        skin = face_objects.skin_of(context.active_object)
        uid, scene = skin.session_uid, context.scene
        frames = self.frames(scene, skin)
        shape_bake.check_bakeable(skin)
        weights = animation.sample_expression(scene, skin, frames)
        link = worker_link.get(preferences.backend_settings())
        creation = requests.bake_character(skin)
        making = link.character(creation)
        job.sentence = "Preparing the face"
        for _ in link.await_last(making):
            if making.progress is not None:
                job.sentence = making.progress.sentence
            if job.cancel_requested:
                link.cancel(making)
                self.report({"INFO"}, "The bake was cancelled before its first frame")
                return {"CANCELLED"}
            yield
        rest = making.result(CharacterReady).arrays
        baked = BakedFrames({part: rest[part] for part in face_objects.DEFORMED_PARTS})
        shape_bake.check_bakeable(_find(uid), {part: len(points) for part, points in baked.rest.items()})
        trouble, unconverged = "", 0
        poses = _poses(link, uid, frames, weights, job)
        try:
            for pose in poses:
                if pose is not None:
                    baked.append(pose.frame, pose.arrays, _find(uid).physface.units_per_millimeter)
                    unconverged += pose.status == "not_converged"
                    job.fraction = len(baked.frames) / len(frames)
                if job.cancel_requested:
                    break
                yield
        except LinkError as error:
            trouble = str(error)
        finally:
            poses.close()
            link.drop(creation.character)
        return self._write(_find(uid), baked, len(frames), trouble, unconverged)

    def _write(self, skin: bpy.types.Object, baked: BakedFrames, wanted: int, trouble: str, unconverged: int) -> Result:
        finished = len(baked.frames)
        if finished == 0:
            if trouble:
                raise UserError(f"Nothing was baked: {trouble}")
            self.report({"INFO"}, "The bake was cancelled before its first frame")
            return {"CANCELLED"}
        shape_bake.write(skin, baked)
        span = f"frames {baked.frames[0]} to {baked.frames[-1]}"
        if trouble:
            self.report(
                {"WARNING"},
                f"Baked {span} ({finished} of {wanted}), then it stopped: {trouble} Bake again for the rest.",
            )
        elif finished < wanted:
            self.report({"INFO"}, f"The bake was cancelled; {span} ({finished} of {wanted}) are kept")
        elif unconverged:
            self.report(
                {"WARNING"},
                f"Baked {span}; the simulation stopped early, still free of intersections, in {unconverged}",
            )
        else:
            self.report({"INFO"}, f"Baked {span}")
        return {"FINISHED"}


def _find(uid: int) -> bpy.types.Object:
    skin = face_objects.find_skin(uid)
    if skin is None:
        raise UserError("The face was removed while it was baked, so there is nothing to write to.")
    return skin


def _poses(
    link: WorkerLink, uid: int, frames: range, weights: NDArray[np.float64], job: jobs.Job
) -> Generator[Posed | None, None, None]:
    """Generate finished frames in order, and None while there is something to wait for.

    Raises:
        LinkError: The backend failed in the middle; every frame that was finished has been handed out before.
    """
    waiting: deque[Ticket] = deque()
    schedule = deque(zip(frames, weights, strict=True))
    start_serial, done, started = None, 0, time.monotonic()
    try:
        while schedule or waiting:
            while schedule and len(waiting) < AHEAD:
                frame, expression = schedule.popleft()
                ticket = link.ask(requests.bake_frame(_find(uid), frame, expression, start_serial))
                waiting.append(ticket)
                start_serial = ticket.serial
            job.sentence = f"Frame {done + 1} of {len(frames)}"
            if done > 0:
                left = (time.monotonic() - started) / done * (len(frames) - done)
                job.sentence += f", {jobs.time_left(left)} left"
            for ticket in link.await_last(waiting[0]):
                if ticket.progress is not None:
                    job.sentence = ticket.progress.sentence
                yield None
            pose = waiting.popleft().result(Posed)
            done += 1
            yield pose
    finally:
        for ticket in waiting:
            link.cancel(ticket)


class PHYSFACE_OT_clear_bake(ReportingOperator, bpy.types.Operator):
    """Remove the baked shape keys and keyframes; sliders and their animation stay."""

    bl_idname = "physface.clear_bake"
    bl_label = "Clear Bake"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a baked character in Object Mode."""
        if not needs_skin(cls, context):
            return False
        if not face_objects.has_bake(face_objects.skin_of(context.active_object)):
            cls.poll_message_set("This face has no bake")
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Remove what is ours."""
        skin = face_objects.skin_of(context.active_object)
        shape_bake.clear(skin)
        skin.physface.live = True
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_cancel_job(ReportingOperator, bpy.types.Operator):
    """Stop the running job; what is finished stays."""

    bl_idname = "physface.cancel_job"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    job: IntProperty(options={"HIDDEN"})

    def perform(self, context: bpy.types.Context) -> Result:
        """Leave the wish; the job sees it at its next step."""
        return {"FINISHED"} if jobs.cancel(self.job) else {"CANCELLED"}


CLASSES = (PHYSFACE_OT_bake, PHYSFACE_OT_clear_bake, PHYSFACE_OT_cancel_job)
