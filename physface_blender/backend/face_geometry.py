# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's shapes: at rest and in a pose."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .rigid_motion import Transform, apply

if TYPE_CHECKING:
    from ..simulation.simulator import SimulationResult, SimulationState

Vertices = npt.NDArray[np.float64]

FIXED_PARTS = ("upper_teeth", "upper_gum", "skull")
JAW_PARTS = ("lower_teeth", "lower_gum", "mandible")
EYE_PARTS = ("eye_left", "eye_right")
RIGID_PARTS = FIXED_PARTS + JAW_PARTS + EYE_PARTS


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """A character at rest.

    Attributes:
        vertices: for every part of the template its vertices (V, 3), mm.
        eye_centers: for ``eye_left`` and ``eye_right`` the center of rotation (3,), mm.
    """

    vertices: dict[str, Vertices]
    eye_centers: dict[str, Vertices]


@dataclass(frozen=True, eq=False)
class PosedFace:
    """A character in an expression.

    Attributes:
        skin: (V, 3) mm.
        lashes: (L, 3) mm.
        jaw: (4, 4) rigid, takes the rest mandible to its place.
        eye_left: (4, 4) rotation about the eye's center.
        eye_right: (4, 4).
        edited_rest: where the mandible is edited, the vertices (V, 3) of every one of ``JAW_PARTS`` at rest, mm, which
            ``jaw`` moves instead of the character's own; otherwise empty.
        state: of the simulation, the start state for a next frame; None without physics.
        result: of the simulation; None without physics, and while it is under way.
        is_cancelled: the simulation was cancelled; the skin is where it stood then and of no use.
    """

    skin: Vertices
    lashes: Vertices
    jaw: Transform
    eye_left: Transform
    eye_right: Transform
    edited_rest: dict[str, Vertices] = field(default_factory=dict)
    state: "SimulationState | None" = None
    result: "SimulationResult | None" = None
    is_cancelled: bool = False

    def transform(self, part: str) -> Transform:
        """How a rigid part moves from rest (4, 4).

        Raises:
            KeyError: the part is none of ``RIGID_PARTS``.
        """
        if part in FIXED_PARTS:
            return np.eye(4)
        if part in JAW_PARTS:
            return self.jaw
        return {"eye_left": self.eye_left, "eye_right": self.eye_right}[part]

    def vertices(self, rest: FaceGeometry, part: str) -> Vertices:
        """The vertices (V, 3) of any part in this pose, mm."""
        if part == "skin":
            return self.skin
        if part == "lashes":
            return self.lashes
        return apply(self.transform(part), self.edited_rest.get(part, rest.vertices[part]))
