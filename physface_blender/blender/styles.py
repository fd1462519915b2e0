# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles that there are, and those of a face, as the backend takes them."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..backend.style_catalog import STYLE_SUFFIX, shipped_styles
from . import animation, compat, preferences
from .style_properties import STYLES_PATH

_DECIMALS = 4
_FOLDER = "styles"


def own_names() -> list[str]:
    """The names of the styles that were learned here, sorted."""
    return sorted((path.stem for path in preferences.user_folder(_FOLDER).glob(f"*{STYLE_SUFFIX}")), key=str.casefold)


def available() -> list[str]:
    """All styles: the shipped ones, then those that were learned.

    Raises:
        StyleError: The shipped ones cannot be read.
    """
    return [*shipped_styles(), *own_names()]


def file_of(name: str) -> Path:
    """Where a learned style is, or would be."""
    return preferences.user_folder(_FOLDER) / f"{name}{STYLE_SUFFIX}"


def of(skin: bpy.types.Object) -> dict[str, float]:
    """The style of a face as requests take it: weights by shipped name or path, 1 together at most.

    Weights that add up to more are shares of a whole. A name without a file goes on as it is: the backend knows the
    shipped styles, and says which there are when this is none of them.
    """
    weights: dict[str, float] = {}
    for share in skin.physface.styles:
        if share.weight > 0.0:
            weights[share.name] = weights.get(share.name, 0.0) + share.weight
    whole = max(1.0, sum(weights.values()))
    found = {}
    for name, weight in weights.items():
        path = file_of(name)
        found[str(path) if path.is_file() else name] = round(weight / whole, _DECIMALS)
    excess = round(sum(found.values()) - 1.0, _DECIMALS)
    if excess > 0.0:  # of rounding
        largest = max(found, key=found.get)
        found[largest] = round(found[largest] - excess, _DECIMALS)
    return found


def total(skin: bpy.types.Object) -> float:
    """What the weights of a face add up to."""
    return sum(share.weight for share in skin.physface.styles)


def change_with_time(skin: bpy.types.Object) -> bool:
    """Whether a weight is keyed."""
    return any(curve.data_path.startswith(STYLES_PATH) for curve in compat.fcurves(skin))


def remove(skin: bpy.types.Object, index: int) -> None:
    """Take a style off a face, with its keyframes; those of the styles after it go on with theirs."""
    path = weight_path(index)
    compat.remove_fcurves(skin, lambda curve: curve.data_path == path)
    later = {weight_path(number): weight_path(number - 1) for number in range(index + 1, len(skin.physface.styles))}
    for curve in list(compat.fcurves(skin)):
        if curve.data_path in later:
            curve.data_path = later[curve.data_path]
    skin.physface.styles.remove(index)


def copy(source: bpy.types.Object, target: bpy.types.Object) -> int:
    """Give a face the styles of another with their weights and keyframes, in place of its own; gives back how many."""
    while len(target.physface.styles):
        remove(target, len(target.physface.styles) - 1)
    for given in source.physface.styles:
        share = target.physface.styles.add()
        share.name, share.weight = given.name, given.weight
    for curve in list(compat.fcurves(source)):
        if not curve.data_path.startswith(STYLES_PATH):
            continue
        copied = compat.ensure_fcurve(target, curve.data_path, group=animation.CHANNEL_GROUP)
        for point in curve.keyframe_points:
            key = copied.keyframe_points.insert(*point.co, options={"FAST"})
            key.interpolation = point.interpolation
            key.handle_left_type, key.handle_right_type = point.handle_left_type, point.handle_right_type
            key.handle_left, key.handle_right = point.handle_left, point.handle_right
        copied.update()
    return len(target.physface.styles)


def weight_path(index: int) -> str:
    """Data path of a weight from its skin object."""
    return f"{STYLES_PATH}[{index}].weight"
