# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects as a simulator takes them: fields in the tissue, a direction of gravity, the shape of a mandible."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..anatomy.condyles import condyle_vertices
from ..anatomy.facial_nerve import nerve_regions
from ..anatomy.template import Template
from ..simulation.conditions import Conditions
from ..simulation.gravity import gravity_change, head_rotation
from ..simulation.mandible_shape import MandibleShape
from ..simulation.skin_extension import SkinExtension
from .assets import SharedSpace
from .effects import Effects

Field = npt.NDArray[np.float64]


class EffectFields:
    """Translates the effects of one character.

    Args:
        template: gives the skin and its regions.
        shared: the tissue.
        mandible: (M, 3) vertices of the character's mandible at rest, mm.
    """

    def __init__(self, template: Template, shared: SharedSpace, mandible: Field) -> None:
        self._template = template
        self._shared = shared
        vertices = condyle_vertices(template.meshes["mandible"].vertices)
        self._condyles = np.stack([mandible[condyle].mean(axis=0) for condyle in vertices])

    @cached_property
    def _extension(self) -> SkinExtension:
        return SkinExtension(self._shared.space)

    @cached_property
    def _regions(self) -> dict[str, Field]:
        return nerve_regions(self._template)

    def skin_paralysis(self, effects: Effects) -> Field | None:
        """The share (V,) of the actuation that is lost at each skin vertex, None where nothing is paralyzed."""
        painted = np.array(effects.painted_paralysis) if effects.painted_paralysis else 0.0
        field = painted + sum(share * self._regions[region] for region, share in effects.paralysis)
        return np.minimum(field, 1.0) if np.any(field) else None

    def conditions(self, effects: Effects) -> Conditions:
        """What acts on the tissue; stiffness apart, which belongs to the simulator."""
        paralysis = self.skin_paralysis(effects)
        if paralysis is not None:
            lining = paralysis[self._shared.lining.vertices]
            paralysis = np.concatenate([self._extension.extended(paralysis), lining])
        scale = np.array(effects.jaw_scale)
        return Conditions(
            gravity=gravity_change(head_rotation(*effects.head_degrees)),
            paralysis=paralysis,
            mandible=None if (scale == 1.0).all() else MandibleShape(self._condyles, scale),
        )

    def cell_stiffness(self, effects: Effects) -> Field | None:
        """The multiple of Young's modulus (E,) of every cell, None for 1; its logarithm is what is carried inward."""
        if not effects.painted_stiffness:
            return None
        logarithm = self._extension.extended(np.log(effects.painted_stiffness))
        return np.exp(logarithm[self._shared.space.hexes].mean(axis=1))
