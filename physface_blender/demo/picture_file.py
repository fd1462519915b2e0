"""Photos from files of any kind that Blender reads."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ..fitting.errors import PhotoError

MODULE = "physface_blender.blender.picture_process"
SECONDS = 120


def read_picture(path: Path) -> np.ndarray:
    """A photo (H, W, 3), uint8, rows from the top.

    Raises:
        PhotoError: there is no such file, or it is no picture.
    """
    if not path.is_file():
        raise PhotoError(f"There is no photo at {path}.")
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(prefix="physface-photo-") as folder:
        target = Path(folder) / "photo.npy"
        try:
            done = subprocess.run(
                [sys.executable, "-m", MODULE, str(path.resolve()), str(target)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PhotoError(f"The photo {path.name} could not be read within {SECONDS} s; make it smaller.") from None
        if done.returncode or not target.is_file():
            raise PhotoError(f"{path.name} is no picture that can be read; use a PNG or JPEG file.")
        return np.load(target, allow_pickle=False)
