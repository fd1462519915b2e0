"""The frames that are measured: of the validation take where it is at hand, of the built-in performance elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..demo.source import most_different, read_performance

TAKE = "captures/alex_rom_4.csv.gz"
"""Of the source data: a range of motion of one person, 30 frames per second, which no model was trained on."""

_TAKE_LEAP = 1085
"""In frames: a shout turns into a broad smile; weights change by 1.7 in all from frame to frame, where the median of the
take is 0.14 and its slowest nineteen frames of twenty change by less than 1.0."""
_BUILT_IN_LEAP = 40
"""Lips purse, press, part and are bitten."""


@dataclass(frozen=True)
class PlayedFrames:
    """A performance to measure on.

    Attributes:
        name: of the performance.
        weights: (T, 52) at a constant rate.
        leap_start: frame from which expressions leap.
    """

    name: str
    weights: np.ndarray
    leap_start: int

    def stretches(self, count: int, length: int) -> list[np.ndarray]:
        """Return stretches of consecutive frames, (length, 52) and before them the frame that the first is started from.

        They are spread evenly over the performance, whatever happens there.
        """
        starts = (np.arange(count) + 0.5) * (len(self.weights) - length - 1) / count
        return [self.weights[start : start + length + 1] for start in starts.round().astype(int)]

    def leap(self, length: int) -> list[np.ndarray]:
        """Return one stretch, where expressions leap from frame to frame."""
        return [self.weights[self.leap_start : self.leap_start + length + 1]]

    def poses(self, count: int) -> list[int]:
        """Return the frames of poses as different as the performance has them, in ascending order, none near rest."""
        return [frame for frame in most_different(self.weights, count + 1) if self.weights[frame].sum() > 1.0][:count]


def played_frames(data: Path) -> PlayedFrames:
    """Read the validation take from a folder of source data; without it, take the built-in performance.

    Raises:
        CaptureError: the take cannot be read.
    """
    path = data / TAKE
    performance = read_performance(path if path.is_file() else None)
    if path.is_file():
        return PlayedFrames(f"capture {performance.name}", performance.weights, _TAKE_LEAP)
    return PlayedFrames("built-in performance", performance.weights, _BUILT_IN_LEAP)
