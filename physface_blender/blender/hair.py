# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the brows grow: numbers per vertex of the template that the skin's material turns into hair.

The skin has no texture, so hair is drawn by coordinates that ride on the mesh: along the brow and across it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import Template

BROW_ALONG, BROW_HEIGHT, BROW_DISTANCE = "physface_brow_along", "physface_brow_height", "physface_brow_distance"

_BROW_LANDMARKS = ((22, 23, 24, 25, 26), (21, 20, 19, 18, 17))
"""Of the 68: from the nose outward, left and right."""

_BROW_DROP_MM = 3.0
_BROW_HALF_WIDTH_MM = (4.2, 5.2, 4.8, 3.6, 1.6)
"""At the five landmarks."""

_FAR = 4.0
_STEPS = 40


def attributes(template: Template, part: str) -> dict[str, NDArray[np.float32]]:
    """Numbers per vertex of a part by attribute name; none where nothing grows."""
    return brow_attributes(template) if part == "skin" else {}


def brow_attributes(template: Template) -> dict[str, NDArray[np.float32]]:
    """Coordinates of the brows for every skin vertex.

    Returns:
        ``BROW_ALONG``: (V,) 0 at the inner end to 1 at the outer one, by the nearest point of the brow's middle line;
        ``BROW_HEIGHT``: (V,) height above that line in half widths of the brow;
        ``BROW_DISTANCE``: (V,) distance from it in half widths, at most 4.
    """
    vertices = template.meshes["skin"].vertices
    along, height, distance = np.zeros(len(vertices)), np.zeros(len(vertices)), np.full(len(vertices), _FAR)
    share, knots = np.linspace(0.0, 1.0, _STEPS), np.linspace(0.0, 1.0, len(_BROW_HALF_WIDTH_MM))
    widths = np.interp(share, knots, _BROW_HALF_WIDTH_MM)
    for landmarks in _BROW_LANDMARKS:
        line = vertices[template.landmarks68[list(landmarks)]] - [0.0, _BROW_DROP_MM, 0.0]
        samples = np.column_stack([np.interp(share, knots, line[:, axis]) for axis in range(3)])
        reach = _FAR * max(_BROW_HALF_WIDTH_MM)
        inside = (vertices > samples.min(axis=0) - reach) & (vertices < samples.max(axis=0) + reach)
        near = np.flatnonzero(inside.all(axis=1))
        apart = (vertices[near, None] - samples) / widths[:, None]
        every = np.linalg.norm(apart, axis=2)
        nearest = every.argmin(axis=1)
        rows = np.flatnonzero(every[np.arange(len(near)), nearest] < distance[near])
        closer, point = near[rows], nearest[rows]
        along[closer] = share[point]
        height[closer] = apart[rows, point, 1]
        distance[closer] = every[rows, point]
    values = {BROW_ALONG: along, BROW_HEIGHT: height, BROW_DISTANCE: distance}
    return {name: numbers.astype(np.float32) for name, numbers in values.items()}
