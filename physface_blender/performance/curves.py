"""Expression weights over time, independent of where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .arkit import ARKIT_COUNT

SHORT_GAP_SECONDS = 0.3
"""Gaps up to this long are bridged in a straight line: about the length of one blink."""

EASE_SECONDS = 0.3
"""At the end of a longer gap the held weights ease into the next tracked ones over this time."""


@dataclass(frozen=True)
class Performance:
    """ARKit weights sampled over time.

    Attributes:
        times: (T,) seconds, strictly increasing, the first one is 0.
        weights: (T, 52) in the order of ``ARKIT_NAMES``, each from 0 to 1.
        valid: (T,) bool; False where the face was not tracked and the weights are filled in.
        name: What to call it, usually the file's name.
        messages: What a reader noticed and put right, one sentence each.
    """

    times: NDArray[np.float64]
    weights: NDArray[np.float64]
    valid: NDArray[np.bool_]
    name: str
    messages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes and the order of times.

        Raises:
            ValueError: Arrays that do not belong together, or times that do not increase.
        """
        count = len(self.times)
        if count == 0:
            raise ValueError("A performance needs at least one frame; got none.")
        if self.weights.shape != (count, ARKIT_COUNT) or self.valid.shape != (count,):
            raise ValueError(
                f"A performance of {count} times needs weights ({count}, {ARKIT_COUNT}) and valid "
                f"({count},); got {self.weights.shape} and {self.valid.shape}."
            )
        if np.any(np.diff(self.times) <= 0.0):
            raise ValueError("The times of a performance must increase from frame to frame.")

    @property
    def frame_count(self) -> int:
        """Number of samples."""
        return len(self.times)

    @property
    def duration(self) -> float:
        """Seconds from the first sample to the last."""
        return float(self.times[-1] - self.times[0])

    @property
    def frame_rate(self) -> float:
        """Samples per second, from the median step; 0 for a single sample."""
        if self.frame_count < 2:
            return 0.0
        return float(1.0 / np.median(np.diff(self.times)))

    def resample(self, frames_per_second: float) -> Performance:
        """The same performance at a constant rate: linear in time, duration kept.

        Sample k lies at k / frames_per_second seconds; the last one is the last that does not lie
        beyond the end. A sample is valid when both neighbors that it is mixed from are.

        Args:
            frames_per_second: The wanted rate, e.g. the scene's.

        Raises:
            ValueError: The rate is not a positive number.
        """
        if not np.isfinite(frames_per_second) or frames_per_second <= 0.0:
            raise ValueError(f"The frame rate must be a positive number of frames per second; got {frames_per_second}.")
        count = int(np.floor(self.duration * frames_per_second + 1e-6)) + 1
        wanted = np.arange(count) / frames_per_second
        source = self.times - self.times[0]
        if self.frame_count == 1:
            return replace(self, times=wanted[:1])
        after = np.clip(np.searchsorted(source, wanted, side="right"), 1, self.frame_count - 1)
        before = after - 1
        share = np.clip((wanted - source[before]) / (source[after] - source[before]), 0.0, 1.0)
        weights = (1.0 - share)[:, None] * self.weights[before] + share[:, None] * self.weights[after]
        valid = (self.valid[before] | (share > 1.0 - 1e-9)) & (self.valid[after] | (share < 1e-9))
        return replace(self, times=wanted, weights=weights, valid=valid)

    def cut(self, start: int, stop: int) -> Performance:
        """Frames start to stop - 1, with the clock set back to zero.

        Raises:
            ValueError: The range is empty or leaves the performance.
        """
        if not 0 <= start < stop <= self.frame_count:
            raise ValueError(
                f"The frame range {start}:{stop} does not lie inside the {self.frame_count} frames "
                f"of {self.name}; choose 0 <= first < end <= {self.frame_count}."
            )
        chosen = slice(start, stop)
        times = self.times[chosen]
        return replace(self, times=times - times[0], weights=self.weights[chosen], valid=self.valid[chosen])


def fill_gaps(
    times: NDArray[np.float64], weights: NDArray[np.float64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Weights where tracking was lost, from the frames around.

    A gap up to ``SHORT_GAP_SECONDS`` is bridged in a straight line. In a longer one the last tracked
    weights are held and then eased into the next ones over ``EASE_SECONDS``. A gap at either end of
    the recording takes the nearest tracked weights.

    Args:
        times: (T,) seconds, increasing.
        weights: (T, 52); rows where ``valid`` is False are not read.
        valid: (T,) bool with at least one True.

    Returns:
        The filled (T, 52) weights and the gaps as (first, past the last) frame.

    Raises:
        ValueError: No frame is valid.
    """
    if not valid.any():
        raise ValueError("No frame was tracked, so there is nothing to fill the gaps from.")
    filled = weights.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([True], valid, [True])).astype(np.int8)))
    gaps = [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]
    for first, past in gaps:
        if first == 0:
            filled[:past] = weights[past]
            continue
        if past == len(times):
            filled[first:] = weights[first - 1]
            continue
        start, end = times[first - 1], times[past]
        inside = times[first:past]
        if end - start <= SHORT_GAP_SECONDS:
            share = (inside - start) / (end - start)
        else:
            ramp = np.clip((inside - (end - EASE_SECONDS)) / EASE_SECONDS, 0.0, 1.0)
            share = ramp * ramp * (3.0 - 2.0 * ramp)
        filled[first:past] = weights[first - 1] + share[:, None] * (weights[past] - weights[first - 1])
    return filled, gaps
