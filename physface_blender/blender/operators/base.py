# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share: errors become one sentence, long work can be watched and stopped."""

from __future__ import annotations

import time
from collections.abc import Generator

import bpy

from ...anatomy.template import TemplateError
from ...backend.errors import BackendError
from ...performance.live_link_face import CaptureError
from .. import face_objects, jobs
from ..expression_presets import PresetError
from ..face_objects import FaceObjectError
from ..point_cache import PointCacheError
from ..worker_link import LinkError, Ticket, WorkerLink


class UserError(Exception):
    """What was asked cannot be done; the message is a sentence for the user."""


EXPECTED_ERRORS = (
    UserError,
    FaceObjectError,
    PointCacheError,
    PresetError,
    LinkError,
    BackendError,
    CaptureError,
    TemplateError,
)
"""What operators turn into a report. Anything else is a fault of ours and shows as a traceback."""

TIMER_SECONDS = 0.05
WAIT_SECONDS = 0.005

Result = set[str]
Work = Generator[None, None, Result]


def needs_skin(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """``poll`` for operators on a character: says in the tool tip why the button is disabled."""
    skin = face_objects.skin_of(context.active_object)
    if skin is None:
        cls.poll_message_set("Select a physical face, or one of its parts, first")
        return False
    if jobs.running(skin.session_uid) is not None:
        cls.poll_message_set("A job is running on this face; wait for it or cancel it")
        return False
    return True


class _DescribedOperator:
    """An operator whose tool tip is its docstring; Blender adds the full stop."""

    def __init_subclass__(cls, **keywords: object) -> None:
        super().__init_subclass__(**keywords)
        if "bl_idname" in vars(cls):
            cls.bl_description = (cls.__doc__ or "").rstrip(".")


class ReportingOperator(_DescribedOperator):
    """An operator whose expected errors become a report, with the scene as it was."""

    def execute(self, context: bpy.types.Context) -> Result:
        """Do the work and report what goes wrong."""
        try:
            return self.perform(context)
        except EXPECTED_ERRORS as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def perform(self, context: bpy.types.Context) -> Result:
        """Do the work; raise one of ``EXPECTED_ERRORS`` before anything of the scene is changed."""
        raise NotImplementedError


class JobOperator(_DescribedOperator):
    """An operator for long work, written once as a generator and run in two ways.

    In a window it is modal: a timer moves the work on and Blender stays usable; Esc or the panel's button asks it to
    stop. Called from a script, in the background or by *Adjust Last Operation*, it runs to its end.
    """

    job_title = "Working"

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Do the work in steps, yielding whenever there is something to wait for.

        Set ``job.fraction`` and ``job.sentence`` on the way, and look at ``job.cancel_requested``. Blender's data may have
        changed after every yield: find objects again.

        Returns:
            What the operator returns: ``FINISHED`` when anything was changed, else ``CANCELLED``.
        """
        raise NotImplementedError

    @staticmethod
    def answered(link: WorkerLink, ticket: Ticket, job: jobs.Job) -> Generator[None, None, bool]:
        """Wait for the last reply to a request, and say how far it is.

        Returns:
            False when the user has cancelled, and with that the request.

        Raises:
            LinkError: The backend is silent.
        """
        for _ in link.await_last(ticket):
            if ticket.progress is not None:
                job.fraction, job.sentence = ticket.progress.fraction, ticket.progress.sentence
            if job.cancel_requested:
                link.cancel(ticket)
                return False
            yield
        return True

    def job_key(self, context: bpy.types.Context) -> int:
        """The face that the job works on."""
        skin = face_objects.skin_of(context.active_object)
        return 0 if skin is None else skin.session_uid

    def execute(self, context: bpy.types.Context) -> Result:
        """Run to the end."""
        self._start(context)
        try:
            while (result := self._advance()) is None:
                time.sleep(WAIT_SECONDS)
            return result
        finally:
            self._finish(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Run beside the user's other work, or to the end when there is no window."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        return self.run_beside(context)

    def run_beside(self, context: bpy.types.Context) -> Result:
        """Run beside the user's other work."""
        self._start(context)
        try:
            result = self._advance()
        except BaseException:
            self._finish(context)
            raise
        if result is not None:
            self._finish(context)
            return result
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Move the work on with every tick of the timer."""
        if event.type == "ESC" and event.value == "PRESS":
            self._job.cancel_requested = True
            return {"RUNNING_MODAL"}
        if event.type == "Z" and (event.ctrl or event.oskey):
            return {"RUNNING_MODAL"}  # an undo now would take the ground from under the work
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            result = self._advance()
        except BaseException:
            self._finish(context)
            raise
        if result is None:
            context.workspace.status_text_set(self._job.status)
            jobs.redraw_panels()
            return {"PASS_THROUGH"}
        self._finish(context)
        return result

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator, for another file or to quit."""
        self._finish(context)

    def _start(self, context: bpy.types.Context) -> None:
        self._timer = None
        self._key = self.job_key(context)
        self._job = jobs.start(self._key, self.job_title)
        self._generator = self.work(context, self._job)

    def _advance(self) -> Result | None:
        """One step of the work; the operator's result when it was the last one."""
        try:
            next(self._generator)
        except StopIteration as end:
            return end.value
        except EXPECTED_ERRORS as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return None

    def _finish(self, context: bpy.types.Context) -> None:
        """Every way out leads through here."""
        self._generator.close()
        jobs.end(self._key)
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            if context.workspace is not None:
                context.workspace.status_text_set(None)
        jobs.redraw_panels()
