"""Named arrays in a file of a cache: written whole or not at all, and never trusted when damaged."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> bool:
    """Write arrays to a file so that no reader ever sees half of it.

    Args:
        path: the file; its folder is made if it is missing.
        arrays: any number of arrays without objects.

    Returns:
        False if the file could not be written (full disk, no permission).
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.stem, suffix=".part", delete=False) as file:
            temporary = file.name
            np.savez(file, **arrays)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        return False
    return True


def read_kept_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """Read a file of arrays as ``read_arrays`` does, and note its use: a cache drops first what was not used for long."""
    arrays = read_arrays(path)
    if arrays is not None:
        with contextlib.suppress(OSError):
            os.utime(path)
    return arrays


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """Read a file of arrays.

    Every byte is checked against the checksums in the file.

    Returns:
        The arrays, or None if the file is missing, truncated or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
