# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's cache folder as the preferences show it. Only files that the backend itself wrote are counted or removed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_OURS = re.compile(r"(space|rest)_\w+\.npz|worker\.log")
_COMPILED = "numba"


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    named = [path for path in folder.iterdir() if path.is_file() and _OURS.fullmatch(path.name)]
    return named + [path for path in (folder / _COMPILED).rglob("*") if path.is_file()]


def size_megabytes(folder: Path) -> float:
    """What the cache takes."""
    return sum(path.stat().st_size for path in _files(folder)) / 1e6


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
