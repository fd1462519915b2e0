"""``python -m physface_blender.blender.portrait_process FOLDER``: render the poses of a job as they arrive.

A process of its own, because Blender and torch never share one. It ends by itself when the process that started it is
gone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy
import numpy as np

from ..anatomy.template import load_template
from ..demo.portrait_job import (
    Ending,
    PortraitJob,
    RenderProgress,
    picture_file,
    pose_file,
    read_arrays,
    rest_file,
)
from . import properties
from .contact_sheet import Tile, write_contact_sheet
from .film import write_film
from .module_exit import leave
from .portrait_scene import PortraitScene
from .rendering import RenderSettings, render_still

POLL_SECONDS = 0.05


class _OrphanedError(Exception):
    """The process that simulates is gone."""


class PortraitProcess:
    """One job, from its folder to its pictures."""

    def __init__(self, folder: Path) -> None:
        """Read the job and set the scene."""
        self._folder = folder
        self._parent = os.getppid()
        self._job = PortraitJob.read(folder)
        self._seconds: dict[str, float] = {}
        self._rendered = 0
        template = load_template(Path(self._job.template) if self._job.template else None)
        properties.register()
        self._scene = PortraitScene(template, self._job.frames_per_second)

    def run(self) -> None:
        """Render every pose, then make what the job asks for."""
        job = self._job
        for face in range(max(job.face_of_pose, default=0) + 1):
            self._wait_for(rest_file(self._folder, face))
            self._scene.add_face(read_arrays(rest_file(self._folder, face)), f"Face {face + 1}")
        settings = RenderSettings(width=job.width, height=job.height, samples=job.samples)
        self._scene.add_studio(settings, job.shown_mm, job.yaw_degrees)
        (self._folder / "frames").mkdir(exist_ok=True)
        self._scene.set_quality(job.samples, fine=job.is_fine)
        ending = self._stage("Rendering", self._render_all)
        if ending.pose_count == 0:
            return
        pictures = [picture_file(self._folder, index) for index in range(ending.pose_count)]
        if job.sheet:
            self._stage("Making the contact sheet", lambda: self._make_sheet(ending))
        if job.film:
            self._stage("Making the film", lambda: write_film(pictures, job.frames_per_second, Path(job.film)))
        if job.blend:
            self._stage("Baking shape keys", lambda: self._make_blend(ending.pose_count))
        self._tell("Finished")

    def _render_all(self) -> Ending:
        while True:
            index = self._rendered
            if pose_file(self._folder, index).exists():
                self._render(index, picture_file(self._folder, index))
                self._rendered += 1
                self._tell("Rendering")
                continue
            ending = Ending.read(self._folder)
            if ending is not None and index >= ending.pose_count:
                return ending
            self._pause()

    def _render(self, index: int, path: Path) -> None:
        self._scene.show(self._job.face_of_pose[index], read_arrays(pose_file(self._folder, index)))
        render_still(self._scene.scene, path)

    def _make_sheet(self, ending: Ending) -> None:
        """The chosen pictures, finer than those of the film when the job wants it."""
        chosen = [(pose, label) for pose, label in ending.tiles if pose < ending.pose_count]
        finer = self._job.sheet_samples > self._job.samples
        if finer:
            self._scene.set_quality(self._job.sheet_samples, fine=True)
        tiles = []
        for pose, label in chosen:
            path = picture_file(self._folder, pose)
            if finer:
                path = path.with_name(f"sheet_{pose:05d}.png")
                self._render(pose, path)
            tiles.append(Tile(path, label))
        write_contact_sheet(tiles, self._job.sheet_columns, ending.title, Path(self._job.sheet))

    def _make_blend(self, count: int) -> None:
        poses = [read_arrays(pose_file(self._folder, index)) for index in range(count)]
        self._scene.set_quality(64, fine=True)
        self._scene.bake(poses, np.array([pose["expression"] for pose in poses]), self._job.first_frame)
        self._scene.scene.render.filepath = "//render_"
        bpy.ops.wm.save_as_mainfile(filepath=self._job.blend, compress=True)

    def _stage(self, name: str, work):
        self._tell(name)
        started = time.perf_counter()
        result = work()
        self._seconds[name] = time.perf_counter() - started
        return result

    def _tell(self, stage: str) -> None:
        RenderProgress(self._rendered, stage, self._seconds).write(self._folder)

    def _wait_for(self, path: Path) -> None:
        while not path.exists():
            self._pause()

    def _pause(self) -> None:
        if os.getppid() != self._parent:
            raise _OrphanedError
        time.sleep(POLL_SECONDS)


def main() -> int:
    """Do the job in the folder that is named on the command line."""
    if hasattr(os, "nice"):
        os.nice(10)  # the simulation goes first, and its times are not to be those of a busy machine
    try:
        PortraitProcess(Path(sys.argv[1])).run()
    except _OrphanedError:
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
