# SPDX-License-Identifier: GPL-3.0-or-later
"""Long jobs that are running in this Blender: what the panels show of them, and the wish to stop them.

Jobs are keyed by the ``session_uid`` of the face they work on and live only as long as their operator: none of this is
saved, so a file can never come back with a job that nobody runs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import bpy


@dataclass
class Job:
    """A running job.

    Attributes:
        title: What is being done, for the panel.
        fraction: Done so far, 0..1.
        sentence: The step at hand, with the time left where it is known.
        cancel_requested: The user wants it to stop; what is finished stays.
    """

    title: str
    fraction: float = 0.0
    sentence: str = ""
    cancel_requested: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> str:
        """One line for the status bar."""
        return f"{self.title}: {self.fraction:.0%}   {self.sentence}   (Esc to cancel)"


_running: dict[int, Job] = {}


def start(uid: int, title: str) -> Job:
    """Note a job on a face; 0 is the job that works on no face yet."""
    job = _running[uid] = Job(title)
    return job


def end(uid: int) -> None:
    """Forget a job."""
    _running.pop(uid, None)


def running(uid: int) -> Job | None:
    """The job on a face, or None."""
    return _running.get(uid)


def any_running() -> bool:
    """Whether any job runs."""
    return bool(_running)


def cancel(uid: int) -> bool:
    """Ask the job on a face to stop. Returns whether there is one."""
    job = _running.get(uid)
    if job is not None:
        job.cancel_requested = True
    return job is not None


def time_left(seconds: float) -> str:
    """A duration for people: ``45 s``, ``3 min 20 s``, ``1 h 5 min``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def redraw_panels() -> None:
    """Have the sidebars drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
