# SPDX-License-Identifier: GPL-3.0-or-later
"""Where brows and lashes grow: numbers per vertex of the template that the materials turn into hair.

The skin has no texture and the lashes are bare cards, so hair is drawn by coordinates that ride on the mesh: along the
brow or the lid, and across it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import Template

BROW_ALONG, BROW_HEIGHT, BROW_DISTANCE = "physface_brow_along", "physface_brow_height", "physface_brow_distance"
LASH_ALONG, LASH_OUT = "physface_lash_along", "physface_lash_out"

_BROW_LANDMARKS = ((22, 23, 24, 25, 26), (21, 20, 19, 18, 17))
"""Of the 68: from the nose outward, left and right."""

_BROW_DROP_MM = 3.0
_BROW_HALF_WIDTH_MM = (4.2, 5.2, 4.8, 3.6, 1.6)
"""At the five landmarks."""

_FAR = 4.0
_STEPS = 40
_LASHES_PER_RADIAN = 26.0
_LOWER_SHORTER = 1.5


def attributes(template: Template, part: str) -> dict[str, NDArray[np.float32]]:
    """Numbers per vertex of a part by attribute name; none where nothing grows."""
    growing = {"skin": brow_attributes, "lashes": lash_attributes}
    return growing[part](template) if part in growing else {}


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
        apart = (vertices[:, None] - samples) / widths[:, None]
        every = np.linalg.norm(apart, axis=2)
        nearest = every.argmin(axis=1)
        rows = np.arange(len(vertices))
        closer = np.flatnonzero(every[rows, nearest] < distance)
        along[closer] = share[nearest[closer]]
        height[closer] = apart[closer, nearest[closer], 1]
        distance[closer] = every[closer, nearest[closer]]
    values = {BROW_ALONG: along, BROW_HEIGHT: height, BROW_DISTANCE: distance}
    return {name: numbers.astype(np.float32) for name, numbers in values.items()}


def lash_attributes(template: Template) -> dict[str, NDArray[np.float32]]:
    """Coordinates of the lashes for every vertex of their cards.

    Returns:
        ``LASH_ALONG``: (L,) grows by one from hair to hair along the lid; ``LASH_OUT``: (L,) 0 at the root, 1 at the tip,
        more where a card is longer than its hairs.
    """
    mesh = template.meshes["lashes"]
    card = _pieces(len(mesh.vertices), mesh.edges)
    length = np.linalg.norm(template.lash_binding.offsets, axis=1)
    out, along = np.empty(len(length)), np.empty(len(length))
    for number in range(card.max() + 1):
        members = card == number
        side = "eye_left" if mesh.vertices[members, 0].mean() > 0.0 else "eye_right"
        arms = mesh.vertices[members] - template.eye_centers[side]
        is_lower = arms[:, 1].mean() < 0.0
        out[members] = length[members] / length[members].max() * (_LOWER_SHORTER if is_lower else 1.0)
        # Seen from the eye's center a hair keeps its azimuth; cards that overlap are set off against each other.
        along[members] = _LASHES_PER_RADIAN * np.arctan2(arms[:, 0], arms[:, 2]) + 0.37 * number
    return {LASH_ALONG: along.astype(np.float32), LASH_OUT: out.astype(np.float32)}


def _pieces(vertex_count: int, edges: NDArray[np.int32]) -> NDArray[np.intp]:
    """(V,) number of the connected piece of every vertex, from 0; Blender brings no SciPy for this."""
    label = np.arange(vertex_count)
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(lowest, edges[:, 1], label[edges[:, 0]])
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            return np.unique(label, return_inverse=True)[1]
        label = lowest
