"""The other side of ``portrait_job``: starts the process with Blender, hands it poses and waits for its pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..backend.face_geometry import FaceGeometry, PosedFace
from .errors import StudioError
from .portrait_job import (
    LOG_FILE,
    Ending,
    PortraitJob,
    RenderProgress,
    pose_file,
    rest_file,
    write_arrays,
)

MODULE = "physface_blender.blender.portrait_process"


class Studio:
    """A process with Blender that renders poses as they are finished.

    Use as a context manager: whatever happens, the process is gone and its folder removed afterwards.
    """

    def __init__(self, job: PortraitJob, parent_folder: Path) -> None:
        """Start Blender on a job.

        Args:
            job: its folder is chosen here.
            parent_folder: where the folder of the job is made.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="physface-portrait-", dir=parent_folder))
        self._kept_log = parent_folder / LOG_FILE
        self._poses = 0
        replace(job, folder=str(self._folder)).write()
        package_parent = str(Path(__file__).resolve().parents[2])
        paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        with (self._folder / LOG_FILE).open("wb") as log:
            # A session of its own: Ctrl-C in the terminal stops the simulation, not the pictures of finished frames.
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,
            )

    def __enter__(self) -> Studio:
        """The studio itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, if it has not ended, and remove its files."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pose_count(self) -> int:
        """Poses handed over so far."""
        return self._poses

    @property
    def progress(self) -> RenderProgress:
        """How far Blender is."""
        return RenderProgress.read(self._folder)

    def add_face(self, face: int, rest: FaceGeometry) -> None:
        """Hand over a face at rest."""
        centers = {f"{part}_center": center for part, center in rest.eye_centers.items()}
        write_arrays(rest_file(self._folder, face), dict(rest.vertices) | centers)

    def add_pose(self, posed: PosedFace, expression: NDArray[np.float64]) -> None:
        """Hand over the next pose."""
        arrays: Mapping[str, NDArray] = {
            "skin": posed.skin,
            "lashes": posed.lashes,
            "jaw": posed.jaw,
            "eye_left": posed.eye_left,
            "eye_right": posed.eye_right,
            "expression": expression,
        }
        write_arrays(pose_file(self._folder, self._poses), arrays)
        self._poses += 1

    def finish(self, title: str, tiles: tuple[tuple[int, str], ...]) -> None:
        """Tell Blender that there are no more poses; see ``Ending``."""
        Ending(self._poses, title, tiles).write(self._folder)

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end, at most this long.

        Returns:
            Whether it has ended.

        Raises:
            StudioError: it has failed.
        """
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.check()
        return True

    def check(self) -> None:
        """See that the process has not failed.

        Raises:
            StudioError: it has; its log is kept.
        """
        code = self._process.poll()
        if code is None or code == 0:
            return
        shutil.copyfile(self._folder / LOG_FILE, self._kept_log)
        lines = [line for line in self._kept_log.read_text(errors="replace").splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else "it said nothing"
        raise StudioError(
            f"Blender stopped before the pictures were done ({reason[:200]}); its log is {self._kept_log}."
        )
