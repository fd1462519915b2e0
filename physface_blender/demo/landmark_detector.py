"""The optional detector of landmarks, which runs in a process and an environment of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ..fitting.errors import PhotoError

SCRIPT = Path(__file__).with_name("landmark_process.py")
ENVIRONMENT_VARIABLE = "PHYSFACE_DETECTOR_PYTHON"
"""Names a Python that has mediapipe."""
SECONDS = 120
NOT_INSTALLED = 3


def detector_python() -> Path:
    """The Python that can run the detector.

    Raises:
        PhotoError: there is none.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named)
    folder = Path(__file__).resolve().parents[2] / "build" / "detector"
    own = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if own.is_file():
        return own
    if importlib.util.find_spec("mediapipe") is not None:
        return Path(sys.executable)
    raise PhotoError(
        "The detector of landmarks is not installed: run `python3 build.py fit-photo FILE --detect --out DIR`, which "
        f"installs it, or name a Python that has mediapipe in {ENVIRONMENT_VARIABLE}, or give landmarks."
    )


def detect_faces(picture: np.ndarray) -> list[np.ndarray]:
    """The landmarks (68, 2) in pixels of every face of a picture (H, W, 3) uint8; none where no face is found.

    Raises:
        PhotoError: the detector is missing or fails.
    """
    python = detector_python()
    with tempfile.TemporaryDirectory(prefix="physface-landmarks-") as folder:
        source, target = Path(folder) / "photo.npy", Path(folder) / "faces.json"
        np.save(source, picture)
        try:
            done = subprocess.run(
                [python, "-I", SCRIPT, source, target],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PhotoError(f"The detector took longer than {SECONDS} s; make the photo smaller.") from None
        except OSError as error:
            raise PhotoError(f"The detector's Python {python} cannot be started ({error.strerror}).") from None
        if done.returncode == NOT_INSTALLED:
            raise PhotoError(f"The Python {python} has no mediapipe; install mediapipe==0.10.21 there.")
        if done.returncode or not target.is_file():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise PhotoError(f"The detector failed ({last}); give landmarks with --landmarks FILE.")
        return [np.asarray(face, dtype=np.float64) for face in json.loads(target.read_text(encoding="utf-8"))]
