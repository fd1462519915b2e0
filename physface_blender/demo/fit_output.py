"""What the fitting commands share: the folder, landmarks from a file, and the Blender file of the fitted character."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import Template
from ..backend.character import Character
from ..backend.played_performance import PerformancePlayer
from .console import Console
from .errors import DemoError
from .portrait_job import PortraitJob
from .studio import Studio


def prepared_folder(folder: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        DemoError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"Nothing can be written to {folder} ({error.strerror}); choose another folder with --out."
        ) from None
    return folder


def read_landmarks(path: Path, dimensions: int) -> NDArray[np.float64]:
    """Landmarks (68, dimensions) in iBUG order from a JSON list; ``null`` for one that is not known becomes nan.

    Raises:
        DemoError: the file is not such a list.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DemoError(f"The landmarks {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        content = None
    return _points(content, dimensions, path)


def _points(content: object, dimensions: int, path: Path) -> NDArray[np.float64]:
    """Points (68, dimensions) of what JSON holds."""
    wanted = f"a JSON list of 68 points with {dimensions} numbers each (null where unknown)"
    try:
        rows = [[np.nan] * dimensions if point is None else [float(value) for value in point] for point in content]
        landmarks = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise DemoError(f"The landmarks {path.name} are not {wanted}.") from None
    if landmarks.shape != (68, dimensions):
        raise DemoError(f"The landmarks {path.name} have shape {landmarks.shape}; they must be {wanted}.")
    return landmarks


def read_faces(path: Path) -> list[NDArray[np.float64]]:
    """Landmarks (68, 2) of every face of a photo, from a JSON list of 68 points or a list of such lists.

    Raises:
        DemoError: the file is of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DemoError(f"The landmarks {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise DemoError(f"The landmarks {path.name} are no JSON.") from None
    if not isinstance(content, list):
        raise DemoError(f"The landmarks {path.name} are no list of 68 points, nor a list of such lists.")
    several = all(isinstance(face, list) and len(face) == 68 for face in content)
    return [_points(face, 2, path) for face in (content if several else [content])]


def portray(
    character: Character,
    template: Template,
    poses: Mapping[str, NDArray[np.float64]],
    folder: Path,
    title: str,
    console: Console,
) -> int:
    """Simulate poses and write fit.blend, which holds them as a bake, and portraits.png; returns the intersections.

    Args:
        character: the face.
        template: what it is made of.
        poses: each label with its expression (52,).
        folder: of the files.
        title: of the sheet.
        console: told how far it is.

    Raises:
        StudioError: Blender could not make them.
    """
    job = PortraitJob(
        folder="",
        face_of_pose=(0,) * len(poses),
        width=320,
        height=384,
        samples=12,
        sheet_samples=12,
        is_fine=True,
        blend=str((folder / "fit.blend").resolve()),
        sheet=str((folder / "portraits.png").resolve()),
        sheet_columns=len(poses),
    )
    player = PerformancePlayer(character, template)
    total = 0
    with Studio(job, folder) as studio:
        studio.add_face(0, character.rest)
        for number, (label, weights) in enumerate(poses.items()):
            console.progress(f"Simulating: {label}, {number + 1} of {len(poses)}")
            posed = character.pose(weights)
            studio.add_pose(posed, weights)
            studio.check()
            total += player.count(posed).total
        studio.finish(f"PhysFace  {title}", tuple(enumerate(poses)))
        while not studio.wait(0.5):
            console.progress(f"{studio.progress.stage}: {studio.progress.rendered} of {len(poses)}")
    return total
