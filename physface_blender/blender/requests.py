# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend is asked for a character, derived from what is stored on its skin object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
from numpy.typing import NDArray

from ..backend.messages import CreateCharacter, PoseFrame, PoseLive
from . import identities, properties, styles
from .sampling import SampledFrame


def character_name(skin: bpy.types.Object, purpose: str) -> str:
    """Name by which the backend knows a character: unique in this run of Blender, and not stored in the file."""
    return f"{skin.session_uid}:{purpose}"


def preview_character(skin: bpy.types.Object) -> CreateCharacter:
    """The character at the resolution of the live preview."""
    return _character(skin, "preview", preview_resolution(skin))


def preview_resolution(skin: bpy.types.Object) -> float:
    """The size of the cells of the live preview in millimeters."""
    settings = skin.physface
    return round(settings.bake.resolution if settings.preview_as_bake else settings.preview_resolution, 3)


def bake_character(skin: bpy.types.Object) -> CreateCharacter:
    """The character at the resolution of the bake."""
    return _character(skin, "bake", round(skin.physface.bake.resolution, 3))


def _character(skin: bpy.types.Object, purpose: str, resolution: float) -> CreateCharacter:
    settings, file = skin.physface, identities.file_of(skin)
    return CreateCharacter(
        character=character_name(skin, purpose),
        identity=() if file else tuple(properties.read_identity(skin).tolist()),
        identity_file=file,
        resolution_mm=resolution,
        simulation={"poisson_ratio": round(settings.poisson_ratio, 4)},
    )


def live_pose(skin: bpy.types.Object, weights: NDArray, effects: Mapping[str, Any]) -> PoseLive:
    """A pose of the live preview, with (52,) sliders and what else acts on the face (see ``effects.of``)."""
    return PoseLive(
        character=character_name(skin, "preview"),
        expression=tuple(weights.tolist()),
        physics=skin.physface.live_physics,
        contact=skin.physface.contact,
        effects=effects,
        style=styles.of(skin),
    )


def trial_pose(skin: bpy.types.Object, weights: NDArray, effects: Mapping[str, Any]) -> PoseFrame:
    """A simulated pose of the preview's character from rest, to see whether these effects can be had."""
    return PoseFrame(
        character=character_name(skin, "preview"),
        frame=0,
        expression=tuple(weights.tolist()),
        contact=skin.physface.contact,
        effects=effects,
    )


def bake_frame(skin: bpy.types.Object, sampled: SampledFrame, start_serial: int | None) -> PoseFrame:
    """One frame of a bake.

    Args:
        skin: A skin object.
        sampled: What the face is asked to do at that frame.
        start_serial: Serial of the request for the frame before, None for the first one.
    """
    return PoseFrame(
        character=character_name(skin, "bake"),
        frame=sampled.frame,
        expression=tuple(sampled.weights.tolist()),
        physics=skin.physface.bake.physics,
        contact=skin.physface.contact,
        effects=sampled.effects,
        style=sampled.style,
        start_serial=start_serial,
    )
