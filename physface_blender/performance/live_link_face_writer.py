"""Writer of the CSV files that Epic's Live Link Face app writes, for engines and other programs that read them."""

from __future__ import annotations

import csv
from pathlib import Path

from .arkit import ARKIT_NAMES
from .curves import Performance
from .live_link_face import CaptureError

TIMECODE_FRAMES = 60
"""Timecode frames in a second, as the app counts them whatever the rate of the take."""

_ANGLES = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll"))


def write_live_link_face(performance: Performance, path: Path) -> None:
    """Write a performance as the app would: capitalized names, timecode from zero; head and eye angles are zero.

    Left is the character's left in every pair; the app itself swaps the sides of jaw and mouth.

    Args:
        performance: at any rate.
        path: the file; an existing one is replaced.

    Raises:
        CaptureError: the file cannot be written.
    """
    header = ["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in ARKIT_NAMES), *_ANGLES]
    rows = [
        [_timecode(seconds), len(ARKIT_NAMES), *(f"{weight:.6f}" for weight in weights), *("0.000000" for _ in _ANGLES)]
        for seconds, weights in zip(performance.times, performance.weights, strict=True)
    ]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
    except OSError as error:
        raise CaptureError(f"{path} cannot be written ({error.strerror}); choose another place.") from None


def _timecode(seconds: float) -> str:
    """Seconds as ``HH:MM:SS:FF.fff``."""
    thousandths = round(float(seconds) * TIMECODE_FRAMES * 1000)
    frames, thousandths = divmod(thousandths, 1000)
    whole, frames = divmod(frames, TIMECODE_FRAMES)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{frames:02d}.{thousandths:03d}"
