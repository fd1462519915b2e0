"""What the demo plays: a capture or the built-in performance, the frames of it, and those worth showing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_NAMES
from ..performance.curves import Performance
from ..performance.live_link_face import read_live_link_face
from ..performance.range_of_motion import key_pose_frames, range_of_motion
from .errors import DemoError

CAPTURE_FRAMES = 96
"""As many frames of a capture are played when none are asked for."""


def read_performance(capture: Path | None) -> Performance:
    """The performance at a constant rate: the built-in one, or a capture at its own rate in whole frames a second.

    Args:
        capture: a Live Link Face CSV, or None.

    Raises:
        CaptureError: the capture cannot be read.
    """
    if capture is None:
        return range_of_motion()
    performance = read_live_link_face(capture)
    return performance.resample(max(1.0, round(performance.frame_rate)))


def frame_range(text: str | None, performance: Performance, *, is_capture: bool) -> tuple[int, int]:
    """First frame and the one past the last, from ``A:B`` as on the command line.

    Args:
        text: the range; either side may be left out; None takes all of the built-in performance, or the first
            ``CAPTURE_FRAMES`` of a capture.
        performance: what the range is cut from.
        is_capture: whether it is a capture.

    Raises:
        DemoError: not a range, empty, or beyond the performance.
    """
    count = performance.frame_count
    if text is None:
        return 0, min(count, CAPTURE_FRAMES) if is_capture else count
    match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text)
    if match is None:
        raise DemoError(
            f"The frame range '{text}' is not of the form A:B; write for example --frames 0:{min(count, 96)}."
        )
    start = int(match.group(1) or 0)
    stop = int(match.group(2) or count)
    if start >= stop:
        raise DemoError(
            f"The frame range {text} holds no frames, because the end is not included; "
            f"write for example --frames {start}:{start + 24}."
        )
    if stop > count:
        raise DemoError(
            f"The frame range {text} goes beyond {performance.name}, which has {count} frames; "
            f"choose an end up to {count}."
        )
    return start, stop


def tiles(
    performance: Performance, start: int, stop: int, *, is_capture: bool, most: int = 15
) -> tuple[tuple[int, str], ...]:
    """The frames worth showing on a contact sheet, with labels: (pose, label), counted from ``start``.

    Of the built-in performance these are its key poses; of a capture the frames whose expressions differ most.

    Args:
        performance: what is played.
        start: first frame of it that is played.
        stop: past the last one.
        is_capture: whether it is a capture.
        most: frames at most.
    """
    if not is_capture:
        named = [(frame, label) for frame, label in key_pose_frames().items() if start <= frame < stop]
        if named:
            return tuple((frame - start, f"{frame}  {label}") for frame, label in named[:most])
    weights = performance.weights[start:stop]
    return tuple((pose, f"{start + pose}  {describe(weights[pose])}") for pose in most_different(weights, most))


def most_different(weights: NDArray[np.float64], count: int) -> list[int]:
    """Rows far from each other, in ascending order: each next one is the farthest from those taken.

    Args:
        weights: (T, 52).
        count: rows wanted; fewer when there are fewer, or no more different ones.
    """
    chosen = [int(np.argmin(np.abs(weights).sum(axis=1)))]
    distance = np.linalg.norm(weights - weights[chosen[0]], axis=1)
    while len(chosen) < min(count, len(weights)):
        farthest = int(np.argmax(distance))
        if distance[farthest] <= 0.0:
            break
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(weights - weights[farthest], axis=1))
    return sorted(chosen)


def describe(weights: NDArray[np.float64]) -> str:
    """The two strongest weights in words, e.g. ``jawOpen 0.62, mouthSmile 0.30``; sides are not told apart."""
    strength: dict[str, float] = {}
    for name, weight in zip(ARKIT_NAMES, weights, strict=True):
        stem = re.sub("(Left|Right)$", "", name)
        strength[stem] = max(strength.get(stem, 0.0), float(weight))
    strongest = sorted(strength.items(), key=lambda item: -item[1])[:2]
    return ", ".join(f"{stem} {weight:.2f}" for stem, weight in strongest if weight >= 0.05) or "rest"
