# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance from a moving mesh of any topology: its face is fitted, then every frame is solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..fitting.actor_capture import ActorCapture, read_actor
from ..fitting.actor_capture import Sequence as CapturedSequence
from ..fitting.errors import FittingCancelled, ScanError
from ..fitting.face_model import FaceModel
from ..fitting.performance_fit import PerformanceFit, fit_performance
from ..fitting.scan_file import read_surface
from ..performance.arkit import ARKIT_COUNT
from .assets import FaceAssets
from .character import Progress
from .errors import CharacterCancelled, SettingsError
from .learned_style import placed

SEQUENCE = "shown"


def solve_performance(
    source: ActorCapture, assets: FaceAssets, skin_parting: npt.NDArray[np.float64], progress: Progress
) -> PerformanceFit:
    """Solve for the weights of the frames that a capture shows.

    Args:
        source: with one sequence; its neutral shows the face at rest.
        assets: template and model.
        skin_parting: (V,) of the template's skin.
        progress: told the share done and what is being done; False from it cancels.

    Raises:
        FittingError: there is no face in the neutral.
        StyleError: hardly anything of it lies on a face.
        CharacterCancelled: ``progress`` said so.
    """
    try:
        actor = placed(source, assets, skin_parting, lambda share, text: progress(0.4 * share, text))
        face = assets.template.regions["face"] > 0.5
        kept = np.arange(len(actor.canonical))
        if len(actor.canonical) == len(face):  # the template's own skin is placed whole, with neck and mouth
            kept = np.flatnonzero(face)
        model = FaceModel.at(assets.model.network, actor.canonical[kept], actor.parting[kept])
        return fit_performance(
            model,
            np.zeros(100) if actor.identity is None else actor.identity,
            actor.neutral[kept],
            actor.sequences[SEQUENCE].positions[:, kept],
            lambda share, text: progress(0.4 + 0.6 * share, text),
        )
    except FittingCancelled as error:
        raise CharacterCancelled(str(error)) from error


def read_frames(path: str, files: Sequence[str]) -> ActorCapture:
    """The moving mesh in a capture's file, or in one file of a surface for every frame, the first one at rest.

    Raises:
        ActorCaptureError: the capture cannot be read.
        ScanError: a file cannot be read, or has other vertices than the first.
        SettingsError: nothing is named.
    """
    if path:
        actor = read_actor(Path(path))
        if SEQUENCE not in actor.sequences:
            raise SettingsError(f"The capture {path} holds no sequence named {SEQUENCE}; write it again.")
        return actor
    if not files:
        raise SettingsError("No file of a moving mesh was named; choose the first of a numbered sequence.")
    neutral, triangles = read_surface(Path(files[0]))
    positions = [neutral]
    for file in files[1:]:
        vertices, _ = read_surface(Path(file))
        if vertices.shape != neutral.shape:
            raise ScanError(
                f"{Path(file).name} has {len(vertices)} vertices and {Path(files[0]).name} {len(neutral)}; all frames of a "
                "sequence must have the same."
            )
        positions.append(vertices)
    empty = ActorCapture(
        name=Path(files[0]).stem,
        neutral=neutral,
        faces=np.pad(triangles.astype(np.int32), ((0, 0), (0, 1)), constant_values=-1),
        shape_names=(),
        shape_weights=np.zeros((0, ARKIT_COUNT)),
        shapes=np.zeros((0, len(neutral), 3)),
    )
    return replace(empty, sequences={SEQUENCE: CapturedSequence(np.stack(positions))})
