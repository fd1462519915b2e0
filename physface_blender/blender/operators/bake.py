# SPDX-License-Identifier: GPL-3.0-or-later
"""Bake the animated sliders to shape keys, frame by frame, in the backend."""

import time
from collections import deque
from collections.abc import Generator

import bpy
from bpy.props import EnumProperty, IntProperty

from ...backend.compact_basis import CompactBasis
from ...backend.messages import CharacterReady, MeshBound, Posed
from .. import (
    bound_mesh,
    compact_keys,
    face_objects,
    jobs,
    live,
    preferences,
    requests,
    sampling,
    shape_bake,
    worker_link,
)
from ..baked_frames import BakedFrames
from ..sampling import SampledFrame
from ..worker_link import LinkError, Ticket, WorkerLink
from .base import JobOperator, ReportingOperator, Result, UserError, Work, needs_skin

AHEAD = 2
"""Frames asked for at once, so that the backend never waits for the next tick of our timer."""


class PHYSFACE_OT_bake(JobOperator, bpy.types.Operator):
    """Bake the sliders' animation, frame by frame; Esc stops and keeps the finished frames."""

    bl_idname = "physface.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Baking"

    mode: EnumProperty(
        name="Frames",
        items=(
            ("ALL", "All", "Bake all frames of the range, in place of an earlier bake"),
            ("MISSING", "Resume", "Bake the frames of the range that are not baked yet, and keep the others"),
            ("PART", "Part", "Bake the frames from Part Start to Part End again, and keep the others"),
        ),
        default="ALL",
        options={"SKIP_SAVE"},
    )
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

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What the button does that has this mode."""
        return {item.identifier: item.description for item in cls._modes()}[properties.mode]

    @staticmethod
    def _modes() -> bpy.types.bpy_prop_collection:
        return bpy.ops.physface.bake.get_rna_type().properties["mode"].enum_items

    def frames(self, scene: bpy.types.Scene, skin: bpy.types.Object, older: BakedFrames | None) -> list[int]:
        """The frames to bake.

        Raises:
            UserError: There are none.
        """
        settings = skin.physface.bake
        first, last = scene.frame_start, scene.frame_end
        if self.mode == "PART":
            first, last = settings.part_start, settings.part_end
        elif settings.range == "CUSTOM":
            first, last = settings.start, settings.end
        if self.properties.is_property_set("frame_start"):
            first = self.frame_start
        if self.properties.is_property_set("frame_end"):
            last = self.frame_end
        if last < first:
            raise UserError(
                f"The frame range {first} to {last} holds no frame; choose a last frame that is not before the first."
            )
        if self.mode == "PART":
            return [frame for frame in older.frames if first <= frame <= last] or list(range(first, last + 1))
        frames = range(first, last + 1, settings.step)
        if self.mode == "MISSING":
            missing = sorted(set(frames) - set(older.frames))
            if not missing:
                raise UserError(f"All frames from {first} to {last} are baked already; choose a longer range.")
            return missing
        return list(frames)

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Collect the frames, then write them all at once: undo in one step, and a crash leaves the scene as it was."""
        skin = face_objects.skin_of(context.active_object)
        uid, scene = skin.session_uid, context.scene
        if self.mode != "ALL" and not face_objects.has_bake(skin):
            raise UserError(f"{skin.name} has no bake to go on from; bake all frames first.")
        older = shape_bake.read(skin) if self.mode != "ALL" else None
        frames = self.frames(scene, skin, older)
        shape_bake.check_bakeable(skin)
        schedule = sampling.sample(scene, skin, frames)
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
        rest = dict(making.result(CharacterReady).arrays)
        for binding in bound_mesh.requests(_find(uid), creation.character):
            bound = link.ask(binding)
            for _ in link.await_last(bound):
                yield
            bound.result(MeshBound)
        rest |= bound_mesh.rest_millimeters(_find(uid))
        baked = BakedFrames(rest)
        counts = {part: len(rest[part]) for part in face_objects.deformed_of(_find(uid))}
        shape_bake.check_bakeable(_find(uid), counts)
        trouble, unconverged = "", 0
        poses = _poses(link, uid, schedule, job)
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
        if not baked.frames:
            if trouble:
                raise UserError(f"Nothing was baked: {trouble}")
            self.report({"INFO"}, "The bake was cancelled before its first frame")
            return {"CANCELLED"}
        whole = baked if older is None else baked.over(older)
        basis = yield from fitted_basis(uid, whole, job)
        shape_bake.write(_find(uid), whole, basis)
        self._tell(baked, len(frames), trouble, unconverged)
        return {"FINISHED"}

    def _tell(self, baked: BakedFrames, wanted: int, trouble: str, unconverged: int) -> None:
        finished = len(baked.frames)
        span = f"frames {baked.frames[0]} to {baked.frames[-1]}"
        if trouble:
            self.report(
                {"WARNING"},
                f"Baked {span} ({finished} of {wanted}), then it stopped: {trouble} Resume for the rest.",
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


def fitted_basis(uid: int, baked: BakedFrames, job: jobs.Job) -> Generator[None, None, CompactBasis | None]:
    """Find the compact basis of a bake where its face is to have one; None for the other formats."""
    settings = _find(uid).physface
    if settings.bake.format != "COMPACT":
        return None
    job.sentence = "Finding the fewest shapes"
    deformed = face_objects.deformed_of(_find(uid))
    scales = {part: face_objects.scale_of(_find(uid), part, target) for part, target in deformed.items()}
    fitting = compact_keys.fit(baked, settings.bake.tolerance, scales)
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            return end.value
        yield


def _find(uid: int) -> bpy.types.Object:
    skin = face_objects.find_skin(uid)
    if skin is None:
        raise UserError("The face was removed while it was baked, so there is nothing to write to.")
    return skin


def _poses(
    link: WorkerLink, uid: int, schedule: list[SampledFrame], job: jobs.Job
) -> Generator[Posed | None, None, None]:
    """Generate finished frames in order, and None while there is something to wait for.

    Raises:
        LinkError: The backend failed in the middle; every frame that was finished has been handed out before.
    """
    waiting: deque[Ticket] = deque()
    ahead = deque(schedule)
    start_serial, done, started = None, 0, time.monotonic()
    try:
        while ahead or waiting:
            while ahead and len(waiting) < AHEAD:
                sampled = ahead.popleft()
                ticket = link.ask(requests.bake_frame(_find(uid), sampled, start_serial))
                waiting.append(ticket)
                start_serial = ticket.serial
            job.sentence = f"Frame {done + 1} of {len(schedule)}"
            if done > 0:
                left = (time.monotonic() - started) / done * (len(schedule) - done)
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


class PHYSFACE_OT_convert_bake(JobOperator, bpy.types.Operator):
    """Write the finished frames in the chosen format, without simulating them again."""

    bl_idname = "physface.convert_bake"
    bl_label = "Convert Bake"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Converting"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a baked character in Object Mode."""
        return _has_bake(cls, context)

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Read the bake and write it again."""
        skin = face_objects.skin_of(context.active_object)
        uid = skin.session_uid
        baked = shape_bake.read(skin)
        shape_bake.check_bakeable(skin)
        yield
        basis = yield from fitted_basis(uid, baked, job)
        if job.cancel_requested:
            return {"CANCELLED"}
        shape_bake.write(_find(uid), baked, basis)
        kept = "" if basis is None else f" as {len(basis.weights.T)} shapes within {basis.error:.3f} mm"
        self.report({"INFO"}, f"Wrote {len(baked.frames)} frames{kept}")
        return {"FINISHED"}


def _has_bake(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if not needs_skin(cls, context):
        return False
    if not face_objects.has_bake(face_objects.skin_of(context.active_object)):
        cls.poll_message_set("This face has no bake")
        return False
    if context.mode != "OBJECT":
        cls.poll_message_set("Leave the current mode first")
        return False
    return True


class PHYSFACE_OT_clear_bake(ReportingOperator, bpy.types.Operator):
    """Remove the baked shape keys and keyframes; sliders and their animation stay."""

    bl_idname = "physface.clear_bake"
    bl_label = "Clear Bake"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a baked character in Object Mode."""
        return _has_bake(cls, context)

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


CLASSES = (PHYSFACE_OT_bake, PHYSFACE_OT_convert_bake, PHYSFACE_OT_clear_bake, PHYSFACE_OT_cancel_job)
