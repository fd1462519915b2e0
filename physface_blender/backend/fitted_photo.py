# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmarks of a photo, as requests carry them, to a fit of the model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..fitting.bone_consistency import BoneConsistency
from ..fitting.errors import FittingCancelled
from ..fitting.face_model import FaceModel
from ..fitting.photo_fit import PhotoFit, checked_landmarks, fit_photo
from .assets import FaceAssets
from .character import Progress
from .errors import CharacterCancelled, SettingsError

LANDMARK_COUNT = 68


def fit_landmarks(
    landmarks: Sequence[Sequence[float] | None],
    size: Sequence[int],
    assets: FaceAssets,
    resolution_mm: float,
    cache_directory: Path | None,
    progress: Progress,
) -> PhotoFit:
    """Fit camera, identity and expression to the landmarks of a photo.

    Args:
        landmarks: 68 points (2,) in pixels from the upper left corner, None where unknown.
        size: width and height of the photo.
        assets: template and model.
        resolution_mm: of the material space that tells the lips apart.
        cache_directory: where it is kept.
        progress: told the share done and what is being done; False from it cancels.

    Raises:
        SettingsError: not 68 points.
        FittingError: they are no face, too few, or too small.
        CharacterCancelled: ``progress`` said so.
    """
    if len(landmarks) != LANDMARK_COUNT:
        raise SettingsError(f"The landmarks of a photo are {LANDMARK_COUNT} points; {len(landmarks)} came.")
    points = np.array([[np.nan, np.nan] if point is None else point for point in landmarks], dtype=np.float64)
    width, height = (int(side) for side in size)
    checked = checked_landmarks([points], (width, height))
    template, network = assets.template, assets.model.network
    parting = assets.space(resolution_mm, cache_directory).skin_parting
    model = FaceModel.at(network, template.meshes["skin"].vertices, parting).subset(template.landmarks68)
    try:
        return fit_photo(checked, (width, height), model, BoneConsistency.of(template, network), progress)
    except FittingCancelled as error:
        raise CharacterCancelled(str(error)) from error
