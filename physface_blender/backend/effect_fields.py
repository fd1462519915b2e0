# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects as a simulator takes them: fields in the tissue, a direction of gravity, the shape of a mandible."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..anatomy.condyles import condyle_vertices
from ..anatomy.facial_nerve import nerve_regions
from ..anatomy.template import Template
from ..simulation.conditions import Conditions
from ..simulation.gravity import gravity_change, head_rotation
from ..simulation.mandible_shape import MandibleShape
from ..simulation.skin_extension import SkinExtension
from .assets import SharedSpace
from .effects import Effects
from .rest_shape import RestShape

Field = npt.NDArray[np.float64]

PULLED_MM = 40.0
"""Distance from an edited mandible over which skin beyond the tissue still follows it."""


class EffectFields:
    """Translates the effects of one character.

    Args:
        template: gives the skin and its regions.
        shared: the tissue.
        rest: the character at rest.
    """

    def __init__(self, template: Template, shared: SharedSpace, rest: RestShape) -> None:
        self._template = template
        self._shared = shared
        self._rest = rest
        mandible, vertices = rest.geometry.vertices["mandible"], template.meshes["mandible"].vertices
        self._condyles = np.stack([mandible[condyle].mean(axis=0) for condyle in condyle_vertices(vertices)])

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
        mandible, shift = None, None
        if effects.jaw_scale != (1.0, 1.0, 1.0):
            mandible = MandibleShape(self._condyles, np.array(effects.jaw_scale))
            shift = self._pulled(mandible, self._shared.node_positions, self._rest.nodes)
        return Conditions(gravity_change(head_rotation(*effects.head_degrees)), paralysis, mandible, shift)

    def skin_shift(self, mandible: MandibleShape) -> Field:
        """How far an edited mandible pulls the skin beyond the tissue (O, 3), mm: throat and neck."""
        outside, skin = self._shared.outside, self._template.meshes["skin"].vertices
        return self._pulled(mandible, skin[outside], self._rest.geometry.vertices["skin"][outside])

    def _pulled(self, mandible: MandibleShape, canonical: Field, rest: Field) -> Field:
        """The displacement of the bone at points (P, 3), fading with their distance from it in canonical space."""
        distance = cKDTree(self._template.meshes["mandible"].vertices).query(canonical)[0]
        share = 1.0 - np.clip(distance / PULLED_MM, 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        return share[:, None] * (mandible.applied(rest) - rest)

    def cell_stiffness(self, effects: Effects) -> Field | None:
        """The multiple of Young's modulus (E,) of every cell, None for 1; its logarithm is what is carried inward."""
        if not effects.painted_stiffness:
            return None
        logarithm = self._extension.extended(np.log(effects.painted_stiffness))
        return np.exp(logarithm[self._shared.space.hexes].mean(axis=1))
