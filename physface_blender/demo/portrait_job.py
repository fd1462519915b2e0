"""What is handed to the process that makes pictures: a folder of files, the same on both sides.

The process that simulates writes poses as they are finished, the one with Blender renders them meanwhile; Blender and
torch never share a process. This module is read by both, so it needs neither.

    job.json            ``PortraitJob``
    rest_0.npz ...      one file for each face: rest vertices in millimeters by part, and the centers of the eyes
    pose_00000.npz ...  one file for each picture, written elsewhere and renamed, so that it is never seen half written
    done.json           ``Ending``, when there will be no more poses
    progress.json       written by Blender: how far it is, and at last its times
    frames/             the pictures
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

JOB_FILE, ENDING_FILE, PROGRESS_FILE, LOG_FILE = "job.json", "done.json", "progress.json", "blender.log"


@dataclass(frozen=True)
class PortraitJob:
    """What is to be rendered and how.

    Attributes:
        folder: of the files above.
        template: path of the template; empty for the shipped one.
        face_of_pose: for every pose that may come, the number of the face it belongs to.
        frames_per_second: of the scene and of the film.
        width: pixels.
        height: pixels.
        samples: paths per pixel of every picture.
        sheet_samples: of the pictures on the contact sheet; they are rendered again when it is more than ``samples``.
        is_fine: all pictures with subdivided meshes and the slow denoiser, not only those of the sheet.
        shown_mm: height of what the camera sees.
        yaw_degrees: of the camera, toward the character's left.
        film: path of the film, or empty.
        blend: path of the Blender file, or empty; holds the first face with all its poses as a bake.
        sheet: path of the contact sheet, or empty.
        sheet_columns: pictures in a row.
        first_frame: frame number of the first pose in the Blender file.
    """

    folder: str
    template: str = ""
    face_of_pose: tuple[int, ...] = ()
    frames_per_second: float = 24.0
    width: int = 320
    height: int = 384
    samples: int = 4
    sheet_samples: int = 4
    is_fine: bool = False
    shown_mm: float = 265.0
    yaw_degrees: float = 14.0
    film: str = ""
    blend: str = ""
    sheet: str = ""
    sheet_columns: int = 5
    first_frame: int = 1

    def write(self) -> None:
        """Write the job into its folder."""
        _write_json(Path(self.folder) / JOB_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> PortraitJob:
        """The job in a folder."""
        values = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
        return cls(**values | {"face_of_pose": tuple(values["face_of_pose"])})


@dataclass(frozen=True)
class Ending:
    """What Blender needs to know when all poses are there.

    Attributes:
        pose_count: how many there are; fewer than planned when the user has stopped.
        title: of the contact sheet.
        tiles: poses on the contact sheet with their labels, in order.
    """

    pose_count: int
    title: str = ""
    tiles: tuple[tuple[int, str], ...] = ()

    def write(self, folder: Path) -> None:
        """Tell Blender."""
        _write_json(folder / ENDING_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Ending | None:
        """The ending, or None while more poses may come."""
        file = folder / ENDING_FILE
        if not file.exists():
            return None
        values = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            values["pose_count"], values["title"], tuple((int(pose), str(text)) for pose, text in values["tiles"])
        )


@dataclass(frozen=True)
class RenderProgress:
    """How far Blender is.

    Attributes:
        rendered: pictures finished.
        stage: what it does, a few words.
        seconds: wall time of the finished stages by name.
    """

    rendered: int = 0
    stage: str = "Starting Blender"
    seconds: Mapping[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Tell the other process."""
        _write_json(folder / PROGRESS_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> RenderProgress:
        """What Blender told last."""
        file = folder / PROGRESS_FILE
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else cls()


def pose_file(folder: Path, index: int) -> Path:
    """File of a pose."""
    return folder / f"pose_{index:05d}.npz"


def rest_file(folder: Path, face: int) -> Path:
    """File of a face at rest."""
    return folder / f"rest_{face}.npz"


def picture_file(folder: Path, index: int) -> Path:
    """Picture of a pose."""
    return folder / "frames" / f"frame_{index:05d}.png"


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write named arrays to a file that appears whole or not at all."""
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    os.replace(temporary, path)


def read_arrays(path: Path) -> dict[str, NDArray]:
    """All arrays of a file."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(values), encoding="utf-8")
    os.replace(temporary, path)
