"""The generalized model fitted to a scan.

Source: *Learning a Generalized Physical Face Model From Data*, equation 19: identity, expression and the rigid motion
of the skull are found such that the skin lies on the scan, with priors on both. Our deviations: the parameters in
front of the encoders are fitted instead of the codes behind them, so that the result is an identity like any other and
its sliders stay those of ARKit; the physical terms (rigid, fix, soft, elastic) are met by training and have no free
code left to spoil them; Gauss-Newton with point-to-plane distances instead of gradient descent, which needs some
twenty steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .face_model import FaceModel
from .face_points import FacePoints
from .parameters import FaceParameters
from .registration import UNITS_MM, Registration
from .scan import Scan
from .similarity import scale_of, similarity_rows, small_similarity

ROUNDS = ((8.0, 40.0, 3), (4.0, 10.0, 4), (2.0, 3.0, 5), (1.2, 1.0, 6))
"""Of every linearization: distance in mm at which a point counts little, weight of the prior, steps."""
LEAST_FACING = 0.5
"""A point and the scan under it face the same way when the cosine of their normals is at least this."""
SCALE_DEVIATION = 0.15
"""Expected logarithm of the size of a face in no unit."""

Tell = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class ModelFit:
    """The model on a scan.

    Attributes:
        parameters: identity and expression.
        to_model: (4, 4) similarity from the scan to the frame of the model, mm.
    """

    parameters: FaceParameters
    to_model: np.ndarray


def fit_model(
    scan: Scan,
    model: FaceModel,
    points: FacePoints,
    normals_of: Callable[[np.ndarray], np.ndarray],
    registration: Registration,
    tell: Tell,
    *,
    at_rest: bool = False,
) -> ModelFit:
    """Fit identity, expression and pose.

    Args:
        scan: in its own frame, outside outside.
        model: at all vertices of the skin.
        points: which of them to use.
        normals_of: unit normals (V, 3) of the skin for its vertices (V, 3).
        registration: where to start; where it knows no unit the size is free.
        tell: told the share done and what is being done; what it raises ends the fit.
        at_rest: the scan shows no expression.
    """
    chosen = model.subset(points.chosen)
    to_model = _in_unit(registration, points.mean_face.nose)
    placed = scan.moved(to_model)
    parameters = FaceParameters.mean()
    held = np.full(len(parameters.expression), at_rest)
    for number, (reach, prior, steps) in enumerate(ROUNDS):
        tell(number / len(ROUNDS), "Fitting the Face")
        derivative = _derivative(chosen, parameters)
        full = model.performed(parameters.identity, parameters.expression)
        normals = normals_of(full)[points.chosen]
        for _ in range(steps):
            tell((number + 0.5) / len(ROUNDS), "Fitting the Face")
            skin = chosen.performed(parameters.identity, parameters.expression)
            system, slope = _equations(placed, skin, normals, points, derivative, reach, registration)
            parameters, step = parameters.improved(system, slope, prior, 7, held=held)
            move = small_similarity(step, skin.mean(axis=0))
            placed, to_model = placed.moved(move), move @ to_model
    tell(1.0, "Fitting the Face")
    return ModelFit(parameters, to_model)


def _in_unit(registration: Registration, nose: np.ndarray) -> np.ndarray:
    """The pose (4, 4) of a registration with the size that its unit gives, the nose in its place."""
    if not registration.unit:
        return registration.to_model
    step = np.zeros(7)
    step[6] = np.log(UNITS_MM[registration.unit] / scale_of(registration.to_model))
    return small_similarity(step, nose) @ registration.to_model


def _derivative(model: FaceModel, parameters: FaceParameters) -> np.ndarray:
    """Derivative (152, P, 3) of the performed points."""
    by_identity, by_expression = model.expression_derivative(parameters.identity, parameters.expression)
    return np.concatenate([model.identity_derivative(parameters.identity) + by_identity, by_expression])


def _equations(scan, skin, normals, points, derivative, reach, registration):
    """The normal equations of a Gauss-Newton step for identity, expression and a motion (7,) about the skin's middle."""
    hits = scan.nearest(skin)
    facing = np.einsum("px,px->p", hits.normals, normals)
    weights = points.weights * (1.0 + (hits.distances / reach) ** 2) ** -2
    weights = np.where((facing > LEAST_FACING) & ~hits.on_rim & (hits.distances < 4.0 * reach), weights, 0.0)
    errors = np.einsum("px,px->p", hits.points - skin, hits.normals)
    rows = np.empty((len(skin), len(derivative) + 7))
    rows[:, : len(derivative)] = np.einsum("kpx,px->pk", derivative, hits.normals)
    rows[:, len(derivative) :] = -similarity_rows(hits.points, hits.normals, skin.mean(axis=0))
    weighted = rows * weights[:, None]
    system, slope = weighted.T @ rows, weighted.T @ errors
    # The pose has no prior but for what no point holds; the size has one unless the unit gives it.
    system[-7:, -7:] += np.diag([1.0] * 3 + [1e-3] * 3 + [1e9 if registration.unit else SCALE_DEVIATION**-2])
    return system, slope
