"""How far an eyeball turns at weight 1 of the eyeLook shapes, measured on real captures.

The source face's eyeballs do not move with its eyeLook shapes. Live Link Face writes both the weights and
the rotation of the eyes it saw, so a least-squares fit over the training captures gives the degrees
(residual about 0.1 degree).
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

CAPTURES = ("alex_rom_3", "S07-001", "facial")
DIRECTIONS = ("Up", "Down", "In", "Out")


def measure_eye_look_degrees(data: Path) -> dict[str, float]:
    """Return ``eyeLookUpLeft`` ... ``eyeLookOutRight`` to degrees at weight 1, equal for both eyes."""
    weights, pitch, yaw = [], [], []
    for name in CAPTURES:
        columns = _read_columns(data / "captures" / f"{name}.csv.gz")
        for side, toward_nose in (("left", 1.0), ("right", -1.0)):
            weights.append(np.stack([columns[f"eyelook{way.lower()}{side}"] for way in DIRECTIONS], axis=1))
            pitch.append(np.degrees(columns[f"{side}eyepitch"]))
            yaw.append(np.degrees(columns[f"{side}eyeyaw"]) * toward_nose)
    design = np.concatenate(weights)
    design = np.column_stack([design, np.ones(len(design))])
    # The app counts pitch downward, and yaw of the left eye toward the nose, as positive.
    up, down = np.linalg.lstsq(design, np.concatenate(pitch), rcond=None)[0][:2] * [-1, 1]
    inward, outward = np.linalg.lstsq(design, np.concatenate(yaw), rcond=None)[0][2:4] * [1, -1]
    degrees = dict(zip(DIRECTIONS, (up, down, inward, outward), strict=True))
    return {f"eyeLook{way}{side}": round(float(degrees[way]), 2) for way in DIRECTIONS for side in ("Left", "Right")}


def _read_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the numeric columns of a capture by lower-case name, rows without weights left out."""
    with gzip.open(path, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    values = np.array([row[2:] for row in rows if len(row) == len(header) and all(row[2:])], dtype=np.float64)
    return {name.lower(): values[:, column] for column, name in enumerate(header[2:])}
