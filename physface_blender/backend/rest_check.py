# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a character at rest is free of intersections: of bones with skin, and of skin with skin."""

from dataclasses import dataclass

import numpy as np

from ..anatomy.face_region import INNER_REGIONS
from ..anatomy.template import Template
from ..simulation.intersections import intersecting_pairs
from .face_geometry import FaceGeometry

BONES = ("skull", "mandible")


@dataclass(frozen=True)
class RestIntersections:
    """Pairs of triangles that have a point in common.

    Attributes:
        bone_skin: of skull or mandible and the outer skin.
        skin_skin: of the skin with itself, lids, lips and their pockets included.
    """

    bone_skin: int
    skin_skin: int


def rest_intersections(template: Template, rest: FaceGeometry) -> RestIntersections:
    """Count them exactly.

    Args:
        template: what the face is made of.
        rest: the face at rest.
    """
    skin = template.meshes["skin"]
    inner = np.any([template.regions[name] > 0.5 for name in INNER_REGIONS], axis=0)
    outer = skin.triangles[~inner[skin.triangles].any(axis=1)]
    points = [rest.vertices["skin"], *(rest.vertices[part] for part in BONES)]
    starts = np.cumsum([len(part) for part in points])
    bones = [template.meshes[part].triangles + start for part, start in zip(BONES, starts[:-1], strict=True)]
    triangles = np.concatenate([outer, *bones])
    groups = np.repeat([0, 1], [len(outer), len(triangles) - len(outer)])
    crossed = np.array([[False, True], [True, False]])
    own = np.zeros(len(skin.triangles), dtype=np.int64)
    return RestIntersections(
        len(intersecting_pairs(np.concatenate(points), triangles, groups, crossed)),
        len(intersecting_pairs(rest.vertices["skin"], skin.triangles, own, np.array([[True]]))),
    )
