"""The frames that are measured: of the validation take where it is at hand, of the built-in performance elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..demo.source import most_different, read_performance

TAKE = "captures/alex_rom_4.csv.gz"
"""Of the source data: a range of motion of one person, 30 frames per second, which no model was trained on."""

_TAKE_START = 1080
"""In frames: a pucker opens to a shout and then to a broad smile; weights change by 0.6 in all from frame to frame."""
_BUILT_IN_START = 40
"""Lips purse, press, part and are bitten."""


@dataclass(frozen=True)
class PlayedFrames:
    """A performance to measure on.

    Attributes:
        name: of the performance.
        weights: (T, 52) at a constant rate.
        start: frame from which consecutive frames are taken.
    """

    name: str
    weights: np.ndarray
    start: int

    def consecutive(self, count: int) -> np.ndarray:
        """Return count frames (count, 52) and, before them, the one that the first is started from."""
        return self.weights[self.start : self.start + count + 1]

    def described(self, count: int) -> str:
        """Return what `consecutive` measures on, in words."""
        return f"{self.name}, frames {self.start + 1} to {self.start + count}"

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
        return PlayedFrames(f"capture {performance.name}", performance.weights, _TAKE_START)
    return PlayedFrames("built-in performance", performance.weights, _BUILT_IN_START)
