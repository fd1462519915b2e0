"""A performance made to fit another face: faster or slower, smoother, stronger or weaker by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .arkit import ARKIT_NAMES, GROUPS
from .curves import Performance

_KERNEL_SIGMAS = 3.0


@dataclass(frozen=True)
class Retargeting:
    """What is done to a performance on its way to a face.

    Attributes:
        gains: by group of ``GROUPS`` what its weights are multiplied with; 1 where a group is not named.
        smoothing_seconds: standard deviation of the Gaussian that the weights are smoothed with; 0 leaves them.
        speed: 2 plays in half of the time.
    """

    gains: Mapping[str, float] = field(default_factory=dict)
    smoothing_seconds: float = 0.0
    speed: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: a group is unknown, or a number is out of range.
        """
        unknown = sorted(set(self.gains) - set(GROUPS))
        if unknown:
            raise ValueError(f"There is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}.")
        numbers = np.array([*self.gains.values(), self.smoothing_seconds])
        if not (np.isfinite(numbers).all() and (numbers >= 0.0).all()):
            raise ValueError("Gains and smoothing must be finite numbers from 0 on.")
        if not (np.isfinite(self.speed) and self.speed > 0.0):
            raise ValueError(f"The speed must be a number above 0; got {self.speed}.")

    def applied(self, performance: Performance, frames_per_second: float) -> Performance:
        """The performance at a constant rate with all of it done, weights clamped to 0..1.

        Args:
            performance: any performance.
            frames_per_second: of the result, e.g. the scene's.
        """
        retimed = replace(performance, times=performance.times / self.speed).resample(frames_per_second)
        weights = _smoothed(retimed.weights, self.smoothing_seconds * frames_per_second)
        gain = {name: self.gains.get(group, 1.0) for group, names in GROUPS.items() for name in names}
        weights = weights * np.array([gain[name] for name in ARKIT_NAMES])
        return replace(retimed, weights=np.clip(weights, 0.0, 1.0))


def _smoothed(weights: NDArray[np.float64], sigma_frames: float) -> NDArray[np.float64]:
    """Weights (T, 52) under a Gaussian; the ends are held, and a peak stays at its frame."""
    reach = int(np.ceil(_KERNEL_SIGMAS * sigma_frames))
    if reach == 0 or sigma_frames < 1e-3:
        return weights
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_frames) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(weights, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=1)
