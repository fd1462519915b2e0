"""The generalized model fitted to captures that are in correspondence with it (equation 19 with vertex distances).

As in the paper's own evaluation the fit knows which point is which. Our deviation: it looks for the parameters in front
of the encoders, which make a character that can be used, and not for the codes behind them, which would fit more freely.
"""

from __future__ import annotations

import numpy as np

from ..anatomy.parametric_bones import spread_control_points
from ..fitting.face_model import FaceModel
from ..fitting.parameters import EXPRESSION_DEVIATION, FaceParameters
from ..networks.generalized import GeneralizedNetwork
from .captured_faces import CapturedFaces, CapturedFrame

POINTS = 1000
PRIORS = (20.0, 3.0, 1.0, 1.0, 1.0, 1.0)
"""Weight of the prior in every Gauss-Newton step, against squared millimeters summed over the points."""
STEP_SHARES = (1.0, 0.5, 0.2, 0.0)
"""Of a step; that with the least energy is taken. Far from the mean the full one overshoots."""


class CaptureFit:
    """Fits a network to captures.

    Args:
        network: the model.
        faces: the captures.
    """

    def __init__(self, network: GeneralizedNetwork, faces: CapturedFaces) -> None:
        mean = faces.source.mean[slice(*faces.source.parts["face"])]
        self._chosen = spread_control_points(mean, POINTS)
        self._model = FaceModel.at(network, mean[self._chosen], faces.face_parting[self._chosen])

    def fit(self, frame: CapturedFrame) -> FaceParameters:
        """Identity and expression whose skin is nearest to a capture's, vertex by vertex."""
        model, target = self._model, frame.face[self._chosen]
        parameters = FaceParameters.mean()
        for prior in PRIORS:
            by_identity, by_expression = model.expression_derivative(parameters.identity, parameters.expression)
            by_identity = by_identity + model.identity_derivative(parameters.identity)
            rows = np.concatenate([by_identity, by_expression]).reshape(len(by_identity) + len(by_expression), -1)
            error = (target - model.performed(parameters.identity, parameters.expression)).ravel()
            full, _ = parameters.improved(rows @ rows.T, rows @ error, prior, 0)
            candidates = [_between(parameters, full, share) for share in STEP_SHARES]
            parameters = min(candidates, key=lambda each: self._energy(each, target, prior))
        return parameters

    def _energy(self, parameters: FaceParameters, target: np.ndarray, prior: float) -> float:
        error = target - self._model.performed(parameters.identity, parameters.expression)
        likely = (parameters.identity**2).sum() + ((parameters.expression / EXPRESSION_DEVIATION) ** 2).sum()
        return float((error**2).sum() + prior * likely)


def _between(first: FaceParameters, second: FaceParameters, share: float) -> FaceParameters:
    return FaceParameters(
        first.identity + share * (second.identity - first.identity),
        first.expression + share * (second.expression - first.expression),
    )
