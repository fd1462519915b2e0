# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the eyes look: rotations of the eyeballs from the eyeLook weights."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..performance.arkit import ARKIT_INDEX
from .rigid_motion import Transform, rotation_about

SIDES = {"eye_left": "Left", "eye_right": "Right"}


def eye_rotation(
    part: str, center: npt.NDArray[np.float64], expression: npt.NDArray[np.float64], degrees: Mapping[str, float]
) -> Transform:
    """The rotation (4, 4) of an eyeball about its center.

    The weights add up to one rotation vector, so that looking up and out at once turns about one slanted axis, as eyes
    do (Listing's law), whatever the order of the names.

    Args:
        part: ``eye_left`` or ``eye_right``, the character's.
        center: (3,) mm.
        expression: (52,) ARKit weights.
        degrees: angle at weight 1 of each of the ``eyeLook`` names (``In`` is toward the nose).
    """
    side = SIDES[part]

    def angle(direction: str) -> float:
        name = f"eyeLook{direction}{side}"
        return float(expression[ARKIT_INDEX[name]]) * np.radians(degrees[name])

    outward = 1.0 if part == "eye_left" else -1.0  # x is the character's left
    pitch = angle("Down") - angle("Up")  # about x: a positive turn lowers what looks forward
    yaw = outward * (angle("Out") - angle("In"))  # about y: a positive turn takes forward to the character's left
    return rotation_about(center, np.array([pitch, yaw, 0.0]))
