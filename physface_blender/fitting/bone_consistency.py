"""The self-supervised bone loss: the bones of a fit are those that parametric bones expect under its skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..anatomy.face_region import INNER_REGIONS
from ..anatomy.parametric_bones import ParametricBones, spread_control_points
from ..anatomy.template import Template
from ..networks.generalized import GeneralizedNetwork
from .face_model import FaceModel

SKIN_CONTROLS, TEETH_CONTROLS, BONE_POINTS = 160, 30, 80


@dataclass(frozen=True, eq=False)
class BoneConsistency:
    """Equation 21 of *Learning a Generalized Physical Face Model From Data* at points of skull and mandible.

    Attributes:
        model: at bone points, and after them at control points on skin and teeth.
        bones: parametric bones that go from these to those.
    """

    model: FaceModel
    bones: ParametricBones

    @classmethod
    def of(cls, template: Template, network: GeneralizedNetwork) -> Self:
        """Prepare it for a template."""
        inner = np.any([template.regions[name] > 0.5 for name in INNER_REGIONS], axis=0)
        outer = template.meshes["skin"].vertices[~inner]
        controls = [outer[spread_control_points(outer, SKIN_CONTROLS)]]
        for part in ("upper_teeth", "lower_teeth"):
            teeth = template.meshes[part].vertices
            controls.append(teeth[spread_control_points(teeth, TEETH_CONTROLS)])
        bones = [template.meshes[part].vertices for part in ("skull", "mandible")]
        bones = np.concatenate([points[spread_control_points(points, BONE_POINTS)] for points in bones])
        controls = np.concatenate(controls)
        points = np.concatenate([bones, controls])
        return cls(FaceModel.at(network, points, np.zeros(len(points))), ParametricBones.build(controls, bones))

    def errors(self, identity: np.ndarray) -> np.ndarray:
        """How far bones (B, 3) of an identity (100,) lie from where its skin and teeth want them, mm."""
        shift = self.model.rest(identity) - self.model.points.numpy()
        count = len(self.bones.influence)
        return shift[:count] - self.bones.displacement(shift[count:])

    def derivative(self, identity: np.ndarray) -> np.ndarray:
        """Derivative (100, B, 3) of ``errors``."""
        by_identity = self.model.identity_derivative(identity)
        count = len(self.bones.influence)
        return by_identity[:, :count] - self.bones.displacement(by_identity[:, count:])
