"""What each branch of the facial nerve moves, as smooth regions of the template's skin."""

from __future__ import annotations

import numpy as np

from .template import Template

SIDES = ("left", "right")
BRANCHES = ("temporal", "zygomatic", "buccal", "mandibular")
NERVE_REGIONS = (*SIDES, *(f"{side}.{branch}" for side in SIDES for branch in BRANCHES))
"""``left`` is one half of the face, the character's own left (x > 0); ``left.buccal`` one branch of that half."""

_FADE_MM = 8.0
_BROWS, _EYE_CORNERS, _BELOW_NOSE, _MOUTH_CORNERS = (19, 21, 22, 24), (36, 39, 42, 45), (33,), (48, 54)
"""Of the 68 landmarks."""


def nerve_regions(template: Template) -> dict[str, np.ndarray]:
    """Return for every name in ``NERVE_REGIONS`` the weight (V,) 0..1 of each skin vertex.

    The two halves meet in the middle and fade over 8 mm. Seen from the front the branches are bands, which fade into
    each other as widely: temporal (brows, forehead) down to the middle between brows and eyes, zygomatic (lids) down
    to the middle between eyes and upper lip, buccal (cheek, nose, upper lip, corner of the mouth), and mandibular
    (lower lip, chin) below the corners of the mouth. The branches of a half add up to it; the fifth, cervical, counts
    as mandibular. In people the branches overlap and vary.
    """
    vertices = template.meshes["skin"].vertices

    def height(landmarks: tuple[int, ...]) -> float:
        return float(vertices[template.landmarks68[list(landmarks)], 1].mean())

    eyes = height(_EYE_CORNERS)
    bounds = (0.5 * (height(_BROWS) + eyes), 0.5 * (eyes + height(_BELOW_NOSE)), height(_MOUTH_CORNERS))
    above = [_fade(vertices[:, 1] - bound) for bound in bounds]
    bands = (above[0], above[1] - above[0], above[2] - above[1], 1.0 - above[2])
    left = _fade(vertices[:, 0])
    regions = {"left": left, "right": 1.0 - left}
    for side in SIDES:
        for branch, band in zip(BRANCHES, bands, strict=True):
            regions[f"{side}.{branch}"] = regions[side] * band
    return regions


def _fade(distance: np.ndarray) -> np.ndarray:
    """Return 0 to 1 over 8 mm around 0, without a kink."""
    t = np.clip(distance / _FADE_MM + 0.5, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
