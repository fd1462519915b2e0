# SPDX-License-Identifier: GPL-3.0-or-later
"""Lining of the mouth that lies on bone with no tissue in between."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..anatomy.template import Template
from ..simulation.membrane import Membrane

FIRM_DISTANCE_MM = 3.0


def mouth_lining(template: Template, has_tissue: npt.NDArray[np.bool_]) -> Membrane:
    """The skin vertices of the region ``contact`` that no tissue carries, as a membrane.

    In the vestibule the lining lies on the gums and on the roots of the teeth; no hexahedron fits between. Left to the
    network, which is off by a fraction of a millimeter, it would wander into them. So the lining within 3 mm of teeth
    and gums is tied to their bone; the rest hangs between that, the tissue at the seam and the throat.

    Args:
        template: gives the skin, teeth and gums.
        has_tissue: (V,) the skin vertices that tissue carries.
    """
    skin = template.meshes["skin"]
    lining = np.flatnonzero((template.regions["contact"] > 0.5) & ~has_tissue)
    position = np.full(len(skin.vertices), -1)
    position[lining] = np.arange(len(lining))
    upper = _distance(skin.vertices[lining], template, ("upper_teeth", "upper_gum"))
    lower = _distance(skin.vertices[lining], template, ("lower_teeth", "lower_gum"))
    firm = np.minimum(upper, lower) < FIRM_DISTANCE_MM
    edges = skin.edges[(position[skin.edges] >= 0).any(axis=1)]
    leaves = ~(has_tissue[edges] | (position[edges] >= 0)).all(axis=1)
    following = np.unique(position[edges[leaves]].max(axis=1))
    return Membrane(
        vertices=lining,
        edges=edges[~leaves],
        on_skull=np.flatnonzero(firm & (upper <= lower)),
        on_mandible=np.flatnonzero(firm & (upper > lower)),
        following=np.setdiff1d(following, np.flatnonzero(firm)),
    )


def _distance(points: npt.NDArray[np.float64], template: Template, parts: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Distance (P,) in mm to the nearest vertex of some parts."""
    return cKDTree(np.concatenate([template.meshes[part].vertices for part in parts])).query(points)[0]
