"""Which points of the template a fit looks at, and how much it trusts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy.face_region import INNER_REGIONS
from ..anatomy.parametric_bones import spread_control_points
from ..anatomy.template import Template
from .face_model import FaceModel
from .parameters import EXPRESSION_DEVIATION, FaceParameters
from .registration import COARSE_POINTS, FINE_POINTS, MeanFace

FACE_COUNT, HEAD_COUNT = 1300, 300
HEAD_WEIGHT = 0.1
"""Of ears, neck and scalp against the frontal face: ten times less, as in section 5 of the paper."""


@dataclass(frozen=True, eq=False)
class FacePoints:
    """Vertices of the template's skin.

    Attributes:
        outer: (V,) bool, skin that a scanner can see.
        face: (V,) bool, the frontal face among it.
        chosen: (P,) int, vertices for the fit, spread evenly.
        weights: (P,) how much each is trusted.
        mean_face: for the registration.
    """

    outer: np.ndarray
    face: np.ndarray
    chosen: np.ndarray
    weights: np.ndarray
    mean_face: MeanFace

    @classmethod
    def of(cls, template: Template, model: FaceModel) -> FacePoints:
        """Choose the points of a template; the model is that of all vertices of its skin."""
        skin = template.meshes["skin"]
        inner = np.any([template.regions[name] > 0.5 for name in INNER_REGIONS], axis=0)
        face = (template.regions["face"] > 0.5) & ~inner
        others = np.flatnonzero(~inner & ~face)
        frontal, rest = np.flatnonzero(face), others
        chosen_face = frontal[spread_control_points(skin.vertices[frontal], FACE_COUNT)]
        chosen_rest = rest[spread_control_points(skin.vertices[rest], HEAD_COUNT)]
        spread = chosen_face[: max(COARSE_POINTS, FINE_POINTS)]
        mean = FaceParameters.mean()
        seen = model.subset(spread)
        by_expression = seen.expression_derivative(mean.identity, mean.expression)[1]
        modes = [seen.identity_derivative(mean.identity), EXPRESSION_DEVIATION * by_expression]
        return cls(
            outer=~inner,
            face=face,
            chosen=np.concatenate([chosen_face, chosen_rest]),
            weights=np.repeat([1.0, HEAD_WEIGHT], [FACE_COUNT, HEAD_COUNT]),
            mean_face=MeanFace(
                points=seen.rest(mean.identity),
                normals=skin.vertex_normals[spread],
                modes=np.concatenate(modes),
                nose=skin.vertices[template.landmarks68[30]],
            ),
        )
