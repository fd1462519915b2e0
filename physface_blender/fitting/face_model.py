"""The generalized model at chosen points of the skin, with its derivatives by identity and expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..networks.generalized import (
    DISPLACEMENT_SCALE_MM,
    EXPRESSION_COUNT,
    IDENTITY_COUNT,
    IDENTITY_INFLUENCE,
    GeneralizedNetwork,
)

TANGENTS_AT_ONCE = 26
"""Directions that are evaluated together; more need more memory and gain nothing."""


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Points of the material whose places depend on an identity and an expression.

    Attributes:
        network: the trained model.
        points: (P, 3) float32, canonical mm.
        parting: (P,) float32.
    """

    network: GeneralizedNetwork
    points: torch.Tensor
    parting: torch.Tensor

    @classmethod
    def at(cls, network: GeneralizedNetwork, points: np.ndarray, parting: np.ndarray) -> Self:
        """The model at canonical points (P, 3) in mm with parting (P,)."""
        return cls(
            network,
            torch.as_tensor(np.ascontiguousarray(points, dtype=np.float32)),
            torch.as_tensor(np.ascontiguousarray(parting, dtype=np.float32)),
        )

    def subset(self, chosen: np.ndarray) -> Self:
        """The model at some of its points."""
        chosen = torch.as_tensor(np.asarray(chosen, dtype=np.int64))
        return type(self)(self.network, self.points[chosen], self.parting[chosen])

    @torch.inference_mode()
    def rest(self, identity: np.ndarray) -> np.ndarray:
        """N_c: the points (P, 3) at rest, mm, for identity (100,)."""
        code = self.network.identity_encoder(_tensor(identity)[None])
        return _array(self.network.rest(self.points[None], code)[0])

    @torch.inference_mode()
    def displacement(self, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """N_e: displacements (P, 3) in mm from rest, zero for zero weights (52,); see ``Actor.displacement``."""
        network = self.network
        identity_code = network.identity_encoder(_tensor(identity)[None])
        coordinates = network.material_coordinates(self.points, self.parting)[None]
        weights = torch.stack([_tensor(expression), torch.zeros(EXPRESSION_COUNT)])
        codes = network.expression_condition(identity_code.expand(2, -1), network.encode_expression(weights))
        moved, still = network.expression_field(coordinates.expand(2, -1, -1), codes)
        return _array(DISPLACEMENT_SCALE_MM * (moved - still))

    def performed(self, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """The points (P, 3) in mm of an identity (100,) in an expression (52,)."""
        return self.rest(identity) + self.displacement(identity, expression)

    @torch.no_grad()
    def identity_derivative(self, identity: np.ndarray) -> np.ndarray:
        """Derivative (100, P, 3) of the rest points by the coefficients, at identity (100,); mm."""
        network = self.network
        code, tangents = _encoder_derivative(network.identity_encoder, _tensor(identity))
        return self._derivative(network.identity_field, network.normalize(self.points), code, tangents)

    @torch.no_grad()
    def expression_derivative(self, identity: np.ndarray, expression: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the displacement by coefficients (100, P, 3) and by weights (52, P, 3); mm."""
        network = self.network
        coordinates = network.material_coordinates(self.points, self.parting)
        identity_code, identity_tangents = _encoder_derivative(network.identity_encoder, _tensor(identity))
        expression_code, expression_tangents = _encoder_derivative(network.encode_expression, _tensor(expression))
        neutral_code = network.encode_expression(torch.zeros(1, EXPRESSION_COUNT))[0]
        along_identity = torch.cat(
            [IDENTITY_INFLUENCE * identity_tangents, torch.zeros(IDENTITY_COUNT, len(expression_code))], dim=1
        )
        along_expression = torch.cat([torch.zeros(EXPRESSION_COUNT, len(identity_code)), expression_tangents], dim=1)
        code = network.expression_condition(identity_code, expression_code)
        still = network.expression_condition(identity_code, neutral_code)
        both = torch.cat([along_identity, along_expression])
        derivative = self._derivative(network.expression_field, coordinates, code, both)
        by_identity, by_expression = derivative[:IDENTITY_COUNT], derivative[IDENTITY_COUNT:]
        by_identity -= self._derivative(network.expression_field, coordinates, still, along_identity)
        return by_identity, by_expression

    def _derivative(self, field, coordinates: torch.Tensor, code: torch.Tensor, tangents: torch.Tensor) -> np.ndarray:
        parts = [
            field.forward_with_code_tangents(coordinates, code, some)[1] for some in tangents.split(TANGENTS_AT_ONCE)
        ]
        return _array(DISPLACEMENT_SCALE_MM * torch.cat(parts))


def _encoder_derivative(encoder, parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The code (C,) of parameters (N,), and its derivative by each (N, C)."""
    with torch.enable_grad():
        derivative = torch.func.jacrev(lambda values: encoder(values[None])[0])(parameters)
    return encoder(parameters[None])[0].detach(), derivative.detach().T.contiguous()


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))


def _array(values: torch.Tensor) -> np.ndarray:
    return values.numpy().astype(np.float64)
