# SPDX-License-Identifier: GPL-3.0-or-later
"""The handles of the chin: what they do to the mandible's bone, as a surgeon moves it; teeth and joint stay."""

from __future__ import annotations

from functools import lru_cache

import bpy
import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import load_template

HANDLES = ("chin_forward", "chin_down")
_REACH_MM = (10.0, 34.0)
"""Distances from the chin between which the handles fade out: below the roots of the teeth, before the angle."""


def displacement(skin: bpy.types.Object) -> NDArray[np.float64] | None:
    """What the handles move the mandible's vertices, (V, 3) mm in the numerics' axes; None where they are at 0."""
    chosen = skin.physface.effects
    forward, down = (getattr(chosen, name) for name in HANDLES)
    if not forward and not down:
        return None
    return _share()[:, None] * [0.0, -down, forward]


@lru_cache(maxsize=1)
def _share() -> NDArray[np.float64]:
    """How far each vertex of the mandible goes with the chin, (V,) 0..1; the same for all faces."""
    vertices = load_template().meshes["mandible"].vertices
    lowest = np.quantile(vertices[:, 1], 0.1)
    candidates = np.flatnonzero((np.abs(vertices[:, 0]) < 4.0) & (vertices[:, 1] < lowest + 15.0))
    tip = vertices[candidates[vertices[candidates, 2].argmax()]]
    low, high = _REACH_MM
    share = 1.0 - np.clip((np.linalg.norm(vertices - tip, axis=1) - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
