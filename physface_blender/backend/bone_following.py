# SPDX-License-Identifier: GPL-3.0-or-later
"""Lining of the mouth that lies on bone with no tissue in between: it goes where the bone goes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..anatomy.template import Template
from .rigid_motion import Transform, apply

SMOOTHING_ROUNDS = 5
FIRM_DISTANCE_MM = 5.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoneFollowing:
    """How far each skin vertex beyond the tissue follows the bones instead of the network.

    In the vestibule the lining lies on the gums and on the roots of the teeth; no hexahedron fits between. Left to the
    network, which is off by a fraction of a millimeter, it would wander into them.

    Attributes:
        share: (O,) 1 follows the bones, 0 the network.
        jaw_share: (O,) of the bones' part, 1 follows the mandible, 0 the skull.
    """

    share: Floats
    jaw_share: Floats

    @classmethod
    def of(cls, template: Template, outside: npt.NDArray[np.intp]) -> Self:
        """Find the vertices that follow bone among those beyond the tissue (O,): the ones of the region ``contact``.

        The share fades over a few rings of vertices toward the throat, but not within 5 mm of teeth and gums.
        """
        skin = template.meshes["skin"]
        points = skin.vertices[outside]
        upper = _distance(points, template, ("upper_teeth", "upper_gum"))
        lower = _distance(points, template, ("lower_teeth", "lower_gum"))
        follows = template.regions["contact"][outside] > 0.5
        firm = follows & (np.minimum(upper, lower) < FIRM_DISTANCE_MM)
        place = np.full(len(skin.vertices), -1)
        place[outside] = np.arange(len(outside))
        edges = place[skin.edges]
        first, second = edges[(edges >= 0).all(axis=1)].T
        degree = np.bincount(first, minlength=len(outside)) + np.bincount(second, minlength=len(outside))
        share = follows.astype(np.float64)
        for _ in range(SMOOTHING_ROUNDS):
            total = np.bincount(first, share[second], len(outside)) + np.bincount(second, share[first], len(outside))
            share = np.where(firm, 1.0, (share + total) / (1.0 + degree))
        nearness = upper / np.maximum(upper + lower, 1e-9)
        return cls(share, _smoothstep((nearness - 0.35) / 0.3))

    def displaced(self, rest: Floats, displacements: Floats, jaw: Transform) -> Floats:
        """Where the vertices go.

        Args:
            rest: (O, 3) mm.
            displacements: (O, 3) mm, the network's.
            jaw: (4, 4).
        """
        with_bone = self.jaw_share[:, None] * (apply(jaw, rest) - rest)
        return rest + displacements + self.share[:, None] * (with_bone - displacements)


def _distance(points: Floats, template: Template, parts: tuple[str, ...]) -> Floats:
    """Distance (P,) in mm to the nearest vertex of some parts."""
    return cKDTree(np.concatenate([template.meshes[part].vertices for part in parts])).query(points)[0]


def _smoothstep(values: Floats) -> Floats:
    clamped = np.clip(values, 0.0, 1.0)
    return clamped**2 * (3.0 - 2.0 * clamped)
