# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions saved under a name: small JSON files in the user's folder, which can be copied to other machines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..performance.arkit import ARKIT_INDEX, ARKIT_NAMES, find_arkit_name

_FORMAT = "physface expression 1"
_NAME = re.compile(r"[^\x00-\x1f<>:\"/\\|?*]{1,60}")


class PresetError(Exception):
    """A preset cannot be read or written; the message is a sentence for the user."""


def names(folder: Path) -> list[str]:
    """The names of the presets in a folder, sorted."""
    return sorted((path.stem for path in folder.glob("*.json")), key=str.casefold)


def save(folder: Path, name: str, weights: NDArray[np.float64]) -> None:
    """Write an expression (52,) as a preset, in place of one with the same name.

    Raises:
        PresetError: The name is no file name, or the file cannot be written.
    """
    name = name.strip()
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise PresetError(f"A preset cannot be named '{name}'; use up to 60 letters, digits and spaces.")
    shown = {key: round(float(weight), 4) for key, weight in zip(ARKIT_NAMES, weights, strict=True) if weight > 0.0}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": _FORMAT, "weights": shown}, indent=2)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise PresetError(f"The preset cannot be written to {folder} ({error.strerror}).") from None


def load(folder: Path, name: str) -> NDArray[np.float64]:
    """The expression (52,) of a preset.

    Raises:
        PresetError: There is no such preset, or the file is no expression.
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PresetError(f"The preset {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        content = None
    if (
        not isinstance(content, dict)
        or content.get("format") != _FORMAT
        or not isinstance(content.get("weights"), dict)
    ):
        raise PresetError(f"{path} is no expression of PhysFace; save the preset again.")
    weights = np.zeros(len(ARKIT_NAMES))
    for key, weight in content["weights"].items():
        found = find_arkit_name(key)
        if found is None:
            raise PresetError(f"{path} names {key}, which is not one of the 52 ARKit expressions; correct the file.")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 <= weight <= 1.0:
            raise PresetError(f"{path} gives {key} the weight {weight}; a weight is a number from 0 to 1.")
        weights[ARKIT_INDEX[found]] = weight
    return weights


def delete(folder: Path, name: str) -> None:
    """Remove a preset.

    Raises:
        PresetError: There is no such preset, or it cannot be removed.
    """
    try:
        (folder / f"{name}.json").unlink()
    except OSError as error:
        raise PresetError(f"The preset {name} cannot be removed ({error.strerror}).") from None
