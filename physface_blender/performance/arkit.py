"""The 52 ARKit blendshape names: order, groups, left-right partners, spelling-tolerant lookup.

The names and their meaning are those of Apple's ``ARFaceAnchor.BlendShapeLocation``; the order is
alphabetical, which is the order of every (…, 52) weight array in this project. ``Left`` is the
*character's* left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GROUPS: dict[str, tuple[str, ...]] = {
    "brows": (
        "browDownLeft",
        "browDownRight",
        "browInnerUp",
        "browOuterUpLeft",
        "browOuterUpRight",
    ),
    "eyes": (
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "eyeLookDownLeft",
        "eyeLookDownRight",
        "eyeLookInLeft",
        "eyeLookInRight",
        "eyeLookOutLeft",
        "eyeLookOutRight",
        "eyeLookUpLeft",
        "eyeLookUpRight",
        "eyeSquintLeft",
        "eyeSquintRight",
        "eyeWideLeft",
        "eyeWideRight",
    ),
    "cheeks": ("cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    "jaw": ("jawForward", "jawLeft", "jawOpen", "jawRight"),
    "mouth": (
        "mouthClose",
        "mouthDimpleLeft",
        "mouthDimpleRight",
        "mouthFrownLeft",
        "mouthFrownRight",
        "mouthFunnel",
        "mouthLeft",
        "mouthLowerDownLeft",
        "mouthLowerDownRight",
        "mouthPressLeft",
        "mouthPressRight",
        "mouthPucker",
        "mouthRight",
        "mouthRollLower",
        "mouthRollUpper",
        "mouthShrugLower",
        "mouthShrugUpper",
        "mouthSmileLeft",
        "mouthSmileRight",
        "mouthStretchLeft",
        "mouthStretchRight",
        "mouthUpperUpLeft",
        "mouthUpperUpRight",
    ),
    "nose": ("noseSneerLeft", "noseSneerRight"),
    "tongue": ("tongueOut",),
}
"""Names by the part of the face they move, as the panels show them."""

ARKIT_NAMES: tuple[str, ...] = tuple(sorted(name for group in GROUPS.values() for name in group))
"""The 52 names in the order of every weight array."""

ARKIT_COUNT = len(ARKIT_NAMES)

ARKIT_INDEX: dict[str, int] = {name: index for index, name in enumerate(ARKIT_NAMES)}
"""Column of each name."""

_BY_FOLDED_NAME: dict[str, str] = {name.casefold(): name for name in ARKIT_NAMES}


def find_arkit_name(text: str) -> str | None:
    """The exact ARKit name for any capitalization of it, or None.

    Args:
        text: A column header or shape name, e.g. ``JawOpen``, ``jaw_open`` or ``MOUTHSMILELEFT``.
    """
    folded = text.strip().replace("_", "").replace(" ", "").casefold()
    return _BY_FOLDED_NAME.get(folded)


def mirror_name(name: str) -> str:
    """The partner of a name on the other side of the face; a name without a side is its own partner.

    Args:
        name: An exact ARKit name.

    Raises:
        KeyError: The name is not one of the 52.
    """
    if name not in ARKIT_INDEX:
        raise KeyError(name)
    if name.endswith("Left"):
        return name[: -len("Left")] + "Right"
    if name.endswith("Right"):
        return name[: -len("Right")] + "Left"
    return name


MIRROR_INDEX: NDArray[np.intp] = np.array([ARKIT_INDEX[mirror_name(name)] for name in ARKIT_NAMES], dtype=np.intp)
"""(52,) permutation: ``weights[..., MIRROR_INDEX]`` is the expression seen in a mirror."""
MIRROR_INDEX.setflags(write=False)


def expression(**weights: float) -> NDArray[np.float64]:
    """A (52,) weight vector from named weights; every other weight is zero.

    Raises:
        KeyError: A name is not one of the 52.
    """
    vector = np.zeros(ARKIT_COUNT)
    for name, weight in weights.items():
        vector[ARKIT_INDEX[name]] = weight
    return vector
