# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects as a simulator takes them: fields in the tissue, a direction of gravity, the shape of a mandible."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..anatomy.condyles import condyle_vertices
from ..anatomy.facial_nerve import nerve_regions
from ..anatomy.template import Template
from ..simulation.conditions import BoneShift, Conditions
from ..simulation.gravity import gravity_change, head_rotation
from ..simulation.mandible_shape import MandibleShape
from ..simulation.skin_extension import SkinExtension
from .assets import SharedSpace
from .effects import Effects
from .rest_shape import RestShape
from .sculpted_bones import SCULPTED_BONES, SculptedBones, fading

Field = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AppliedEffects:
    """Effects on one character, ready for a pose.

    Attributes:
        conditions: what acts on the tissue; stiffness apart, which belongs to the simulator.
        outside_activity: (O,) share of its motion that is left to the skin beyond the tissue.
        outside_shift: (O, 3) mm by which an edited mandible pulls that skin: throat and neck.
    """

    conditions: Conditions
    outside_activity: Field
    outside_shift: Field

    @property
    def edits_bones(self) -> bool:
        """Whether a bone differs from the identity's own."""
        return self.conditions.mandible is not None or self.conditions.bone_shift is not None

    def outside(self, displacements: Field) -> Field:
        """Return how the skin beyond the tissue moves (O, 3), mm, for the network's displacements (O, 3) there."""
        return self.outside_activity[:, None] * displacements + self.outside_shift


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
    def _bones(self) -> SculptedBones:
        return SculptedBones(self._template, self._shared, self._rest)

    @cached_property
    def _extension(self) -> SkinExtension:
        return SkinExtension(self._shared.space)

    @cached_property
    def _regions(self) -> dict[str, Field]:
        return nerve_regions(self._template)

    def applied(self, effects: Effects) -> AppliedEffects:
        """What the effects are on this character."""
        shared, outside = self._shared, self._shared.outside
        sculpted = self._sculpted(effects)
        activity, shift = np.ones(len(outside)), np.zeros((len(outside), 3))
        paralysis, mandible, border_shift = self._skin_paralysis(effects), None, None
        if paralysis is not None:
            activity = 1.0 - paralysis[outside]
            paralysis = np.concatenate([self._extension.extended(paralysis), paralysis[shared.lining.vertices]])
        if effects.jaw_scale != (1.0, 1.0, 1.0) or effects.jaw_shift_mm:
            mandible = MandibleShape(self._condyles, np.array(effects.jaw_scale), effects.jaw_shift_mm)
            border_shift = self._pulled(mandible, shared.node_positions, self._rest.nodes)
            skin = self._template.meshes["skin"].vertices[outside]
            shift = self._pulled(mandible, skin, self._rest.geometry.vertices["skin"][outside])
        bone_shift = None
        if sculpted:
            bone_shift = BoneShift(
                **{bone: self._bones.at_attachments(bone, displacement) for bone, displacement in sculpted.items()}
            )
            skin = self._template.meshes["skin"].vertices[outside]
            border_shift = np.zeros_like(shared.node_positions) if border_shift is None else border_shift
            for bone, displacement in sculpted.items():
                border_shift = border_shift + self._bones.pulled(bone, displacement, shared.node_positions)
                shift = shift + self._bones.pulled(bone, displacement, skin)
        conditions = Conditions(
            gravity=gravity_change(head_rotation(*effects.head_degrees)),
            paralysis=paralysis,
            mandible=mandible,
            border_shift=border_shift,
            friction=effects.friction,
            bone_shift=bone_shift,
        )
        return AppliedEffects(conditions, activity, shift)

    def cell_stiffness(self, effects: Effects) -> Field | None:
        """The multiple of Young's modulus (E,) of every cell, None for 1; its logarithm is what is carried inward."""
        if not effects.painted_stiffness:
            return None
        logarithm = self._extension.extended(np.log(effects.painted_stiffness))
        return np.exp(logarithm[self._shared.space.hexes].mean(axis=1))

    def _sculpted(self, effects: Effects) -> dict[str, Field]:
        """The displacement (V, 3) of the vertices of each bone that was sculpted.

        Raises:
            EffectsError: a bone comes through the skin.
        """
        found = {}
        for bone in SCULPTED_BONES:
            displacement = np.array(getattr(effects, f"sculpted_{bone}")).reshape(-1, 3)
            if displacement.any():
                self._bones.check(bone, displacement)
                found[bone] = displacement
        return found

    def _skin_paralysis(self, effects: Effects) -> Field | None:
        """The share (V,) of the actuation that is lost at each skin vertex, None where nothing is paralyzed."""
        painted = np.array(effects.painted_paralysis) if effects.painted_paralysis else 0.0
        field = painted + sum(share * self._regions[region] for region, share in effects.paralysis)
        return np.minimum(field, 1.0) if np.any(field) else None

    def _pulled(self, mandible: MandibleShape, canonical: Field, rest: Field) -> Field:
        """The displacement of the bone at points (P, 3), fading with their distance from it in canonical space."""
        distance = cKDTree(self._template.meshes["mandible"].vertices).query(canonical)[0]
        return fading(distance)[:, None] * (mandible.applied(rest) - rest)
