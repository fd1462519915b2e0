# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's cache folder: its size, its limit, and how it is emptied. Files that are not ours are never touched."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

_MADE_AGAIN = re.compile(r"(space|rest)_\w+\.npz|identity-[0-9a-f]{16}\.npz|bound-[0-9a-f]{16}\.ply")
"""Files that are made again when they are missing."""
_LOG = "worker.log"
_COMPILED = "numba"


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    named = [path for path in folder.iterdir() if path.is_file() and (_is_made_again(path) or path.name == _LOG)]
    return named + [path for path in (folder / _COMPILED).rglob("*") if path.is_file()]


def _is_made_again(path: Path) -> bool:
    return _MADE_AGAIN.fullmatch(path.name) is not None


def size_megabytes(folder: Path) -> float:
    """What the cache takes."""
    return sum(path.stat().st_size for path in _files(folder)) / 1e6


def note_use(path: Path) -> None:
    """Note that a file is used now: its time is that of its last use."""
    with contextlib.suppress(OSError):
        os.utime(path)


def trim(folder: Path, limit_megabytes: float, in_use_since: float) -> int:
    """Remove files until the cache is within its limit, those first that were not used for the longest.

    Compiled code and the log stay: without the code every start takes a minute more.

    Args:
        folder: of the cache.
        limit_megabytes: that it may take.
        in_use_since: seconds since the epoch; what was used after that stays, even where the limit is passed.

    Returns:
        How many files were removed.
    """
    sizes = {}
    for path in _files(folder):
        with contextlib.suppress(OSError):  # another Blender has removed it meanwhile
            sizes[path] = path.stat()
    excess = sum(status.st_size for status in sizes.values()) - 1e6 * limit_megabytes
    old = [path for path, status in sizes.items() if _is_made_again(path) and status.st_mtime < in_use_since]
    removed = 0
    for path in sorted(old, key=lambda path: sizes[path].st_mtime):
        if excess <= 0.0:
            break
        with contextlib.suppress(OSError):  # another Blender has it open
            path.unlink()
            excess -= sizes[path].st_size
            removed += 1
    return removed


def clear(folder: Path) -> int:
    """Remove the cache; returns how many files. The backend must not be running.

    Raises:
        OSError: A file cannot be removed.
    """
    files = _files(folder)
    for path in files:
        path.unlink()
    shutil.rmtree(folder / _COMPILED, ignore_errors=True)
    return len(files)
