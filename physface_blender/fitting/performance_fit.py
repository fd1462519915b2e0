"""Expression weights from the moving mesh of a face: per frame those whose skin lies nearest, the head held still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
from scipy.spatial.transform import Rotation

from ..anatomy.parametric_bones import spread_control_points
from ..networks.generalized import EXPRESSION_COUNT
from ..performance.arkit import ARKIT_NAMES
from .errors import FittingCancelled
from .face_model import FaceModel

MOST_POINTS = 900
STILL_SHARE = 0.1
"""Of the points, those that expressions move least, forehead and temples. They say first how the head moves; then all do."""
RIDGE_MM2 = 0.01
"""What a whole weight must better the mean squared distance by; keeps weights at 0 that the skin does not speak of."""
UNSEEN = ("eyeLook", "tongueOut")
"""What skin hardly speaks of: it tells how lids follow a gaze, and not where the eyes look."""
UNSEEN_RIDGE = 30.0
"""Times as dear as the others."""
CORRECTIONS = 8
"""Rounds in which what the network does beyond the sum of its shapes is taken into account."""


@dataclass(frozen=True, eq=False)
class PerformanceFit:
    """What was found in T frames.

    Attributes:
        weights: (T, 52) ARKit weights, 0..1.
        errors: (T,) mean distance of the skin under these weights from what was shown, mm.
    """

    weights: np.ndarray
    errors: np.ndarray


def fit_performance(
    model: FaceModel,
    identity: np.ndarray,
    neutral: np.ndarray,
    frames: np.ndarray,
    progress: Callable[[float, str], bool] | None = None,
) -> PerformanceFit:
    """Solve for the weights of every frame, in the nonnegative least squares sense.

    Args:
        model: at the P points of the skin that are shown.
        identity: (100,) whose expressions they are.
        neutral: (P, 3) the points at rest, mm, in the frame of the model.
        frames: (T, P, 3) the points in every frame, on a head that may move.
        progress: told the share done, 0..1, and what is being done; False from it cancels.

    Raises:
        FittingCancelled: ``progress`` said so.
    """

    def tell(share: float) -> None:
        if progress is not None and not progress(share, "Reading the Performance"):
            raise FittingCancelled("The reading of the performance was cancelled.")

    if len(neutral) > MOST_POINTS:
        chosen = spread_control_points(neutral, MOST_POINTS)
        model, neutral, frames = model.subset(chosen), neutral[chosen], frames[:, chosen]
    shapes = np.empty((EXPRESSION_COUNT, len(neutral), 3))
    for index, unit in enumerate(np.eye(EXPRESSION_COUNT)):
        tell(0.3 * index / EXPRESSION_COUNT)
        shapes[index] = model.displacement(identity, unit)
    reach = np.linalg.norm(shapes, axis=2).max(axis=0)
    still = reach <= np.quantile(reach, STILL_SHARE)
    basis = shapes.reshape(EXPRESSION_COUNT, -1).T
    orthogonal, triangle = scipy.linalg.qr(basis, mode="economic")
    price = np.where([name.startswith(UNSEEN) for name in ARKIT_NAMES], UNSEEN_RIDGE, 1.0)
    system = np.concatenate([triangle, np.diag(np.sqrt(RIDGE_MM2 * len(neutral) * price))])
    weights, errors = np.zeros((len(frames), EXPRESSION_COUNT)), np.zeros(len(frames))
    for row, frame in enumerate(frames):
        tell(0.3 + 0.7 * row / len(frames))
        reached = beyond = np.zeros_like(neutral)
        for attempt in range(CORRECTIONS + 1):
            held = still if attempt == 0 else slice(None)
            shown = _held_still(frame, neutral + reached, held) - neutral
            wanted = np.concatenate([(shown - beyond).ravel() @ orthogonal, np.zeros(EXPRESSION_COUNT)])
            found = scipy.optimize.lsq_linear(system, wanted, (0.0, 1.0)).x
            reached = model.displacement(identity, found)
            beyond = reached - (basis @ found).reshape(-1, 3)
        weights[row] = np.clip(found, 0.0, 1.0)
        errors[row] = np.linalg.norm(reached - shown, axis=1).mean()
    return PerformanceFit(weights, errors)


def _held_still(frame: np.ndarray, face: np.ndarray, held: np.ndarray | slice) -> np.ndarray:
    """The points (P, 3) of a frame, moved rigidly so that the held ones lie on those of a face."""
    from_center, to_center = frame[held].mean(axis=0), face[held].mean(axis=0)
    turn, _ = Rotation.align_vectors(face[held] - to_center, frame[held] - from_center)
    return turn.apply(frame - from_center) + to_center
