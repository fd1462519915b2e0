# SPDX-License-Identifier: GPL-3.0-or-later
"""Point caches on disk in the PC2 format, which the Mesh Cache modifier and other programs read.

A header (``POINTCACHE2``, version 1, points, first frame, frames per sample, samples), then the samples, each all points as
float32, little-endian.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<12siiffi")
_SIGNATURE = b"POINTCACHE2\0"


class PointCacheError(Exception):
    """A point cache cannot be read or written; the message is a sentence for the user."""


def write_point_cache(path: Path, samples: Sequence[NDArray[np.float32]], first_frame: int, step: int) -> None:
    """Write a cache; an existing file is replaced when the new one is whole.

    Args:
        path: The file; its folder is made.
        samples: At least one array (V, 3), all of one length.
        first_frame: Frame number of the first sample.
        step: Frames from one sample to the next.

    Raises:
        PointCacheError: The file cannot be written.
    """
    header = _HEADER.pack(_SIGNATURE, 1, len(samples[0]), float(first_frame), float(step), len(samples))
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(header)
            for sample in samples:
                file.write(np.ascontiguousarray(sample, dtype="<f4").tobytes())
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise PointCacheError(
            f"The cache {path} cannot be written ({error.strerror}); choose another folder."
        ) from None


def read_point_cache(path: Path) -> tuple[NDArray[np.float32], int, int]:
    """Read a cache of ours.

    Returns:
        Samples (T, V, 3), the frame number of the first and the frames from one to the next.

    Raises:
        PointCacheError: The file is not there, or is no whole cache.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PointCacheError(f"The cache {path} cannot be read ({error.strerror}); bake again.") from None
    if len(data) < _HEADER.size or not data.startswith(_SIGNATURE):
        raise PointCacheError(f"{path} is no PC2 cache; bake again.")
    _, _, points, first, step, count = _HEADER.unpack_from(data)
    if len(data) != _HEADER.size + 12 * points * count or count < 1:
        raise PointCacheError(f"The cache {path} is not complete; bake again.")
    samples = np.frombuffer(data, dtype="<f4", offset=_HEADER.size).reshape(count, points, 3)
    return samples, round(first), max(1, round(step))
