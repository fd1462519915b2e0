"""The generalized physical face model: any identity's material space and its deformation by an expression."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .lipschitz import LipschitzEncoder
from .modulated_siren import ModulatedSiren
from .weights import load_weights

IDENTITY_COUNT = 100
EXPRESSION_COUNT = 52
LEARNED_SIZE = 128
"""Of the part of a code that an encoder learns; the parameters follow it."""
IDENTITY_CODE_SIZE = LEARNED_SIZE + IDENTITY_COUNT
EXPRESSION_CODE_SIZE = LEARNED_SIZE + EXPRESSION_COUNT
CENTER_MM = (0.0, -10.0, 60.0)
COORDINATE_SCALE_MM = 100.0
DISPLACEMENT_SCALE_MM = 10.0
PARTING_SCALE = 0.5
FREQUENCY = 10.0
"""Of the sine layers (paper: 30): at our scale of space 30 overfits and learns several times more slowly."""
EXPRESSION_SCALE = 4.0
"""ARKit weights are mostly far below 1; identity coefficients have unit variance."""
IDENTITY_INFLUENCE = 0.25
"""Size of the identity code in N_e: a person's expressions differ less than persons do."""


class GeneralizedNetwork(nn.Module):
    """N_c, N_e, P_id and P_exp of *Learning a Generalized Physical Face Model From Data* (section 4.3, figure 2).

    Deviations: N_e takes canonical coordinates together with the parting coordinate of the material (upper and lower
    lips and lids are told apart where they touch), so the slit needs no discontinuity in the network and N_c never has
    to be inverted; expression parameters are the 52 ARKit weights.
    """

    def __init__(self) -> None:
        """Make the four networks with fresh weights."""
        super().__init__()
        self.identity_encoder = LipschitzEncoder(IDENTITY_COUNT, LEARNED_SIZE)
        self.expression_encoder = LipschitzEncoder(EXPRESSION_COUNT, LEARNED_SIZE)
        self.identity_field = ModulatedSiren(3, IDENTITY_CODE_SIZE, 3, frequency=FREQUENCY)
        self.expression_field = ModulatedSiren(4, IDENTITY_CODE_SIZE + EXPRESSION_CODE_SIZE, 3, frequency=FREQUENCY)
        self.register_buffer("center", torch.tensor(CENTER_MM))

    def normalize(self, points: torch.Tensor) -> torch.Tensor:
        """Canonical points (..., 3) in mm to network coordinates (..., 3)."""
        return (points - self.center) / COORDINATE_SCALE_MM

    def material_coordinates(self, points: torch.Tensor, parting: torch.Tensor) -> torch.Tensor:
        """Canonical points (..., 3) in mm and parting (...) in -1..1 to the coordinates (..., 4) of N_e."""
        return torch.cat([self.normalize(points), PARTING_SCALE * parting.unsqueeze(-1)], dim=-1)

    def encode_expression(self, weights: torch.Tensor) -> torch.Tensor:
        """P_exp: ARKit weights (..., 52) to expression codes (..., EXPRESSION_CODE_SIZE)."""
        return self.expression_encoder(EXPRESSION_SCALE * weights)

    def expression_condition(self, identity_code: torch.Tensor, expression_code: torch.Tensor) -> torch.Tensor:
        """The code of N_e from an identity's (..., IDENTITY_CODE_SIZE) and an expression's (..., EXPRESSION_CODE_SIZE)."""
        return torch.cat([IDENTITY_INFLUENCE * identity_code, expression_code], dim=-1)

    def rest(self, points: torch.Tensor, identity_code: torch.Tensor) -> torch.Tensor:
        """N_c: canonical points (B, P, 3) to rest points (B, P, 3), mm, for identity codes (B, IDENTITY_CODE_SIZE)."""
        return points + DISPLACEMENT_SCALE_MM * self.identity_field(self.normalize(points), identity_code)

    def displacement(
        self, points: torch.Tensor, parting: torch.Tensor, identity_code: torch.Tensor, expression_code: torch.Tensor
    ) -> torch.Tensor:
        """N_e: displacement (B, P, 3) in mm from the rest position of points (B, P, 3) with parting (B, P)."""
        code = self.expression_condition(identity_code, expression_code)
        return DISPLACEMENT_SCALE_MM * self.expression_field(self.material_coordinates(points, parting), code)


@dataclass(frozen=True)
class Actor:
    """One identity of the generalized model, with its code computed once."""

    network: GeneralizedNetwork
    identity_code: torch.Tensor

    @torch.inference_mode()
    def rest(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Rest positions (P, 3) in mm of canonical points (P, 3) in mm (N_c, float32 inside)."""
        tensor = torch.as_tensor(np.ascontiguousarray(points, dtype=np.float32))
        return self.network.rest(tensor[None], self.identity_code)[0].numpy().astype(np.float64)

    @torch.inference_mode()
    def field(self, points: npt.ArrayLike, parting: npt.ArrayLike) -> "ActorField":
        """Bind N_e to fixed points, to be evaluated for many expressions.

        Args:
            points: (P, 3) canonical, mm.
            parting: (P,) parting coordinate, -1..1.
        """
        positions = torch.as_tensor(np.ascontiguousarray(points, dtype=np.float32))[None]
        side = torch.as_tensor(np.ascontiguousarray(parting, dtype=np.float32))[None]
        coordinates = self.network.material_coordinates(positions, side)
        neutral = self.network.encode_expression(torch.zeros(1, EXPRESSION_COUNT))
        return ActorField(self, coordinates, self._evaluate(coordinates, neutral))

    def displacement(
        self, points: npt.ArrayLike, parting: npt.ArrayLike, expression: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """Displacements (P, 3) in mm of points under one expression (52,); see ``ActorField.displacement``."""
        return self.field(points, parting).displacement(expression)

    def _evaluate(self, coordinates: torch.Tensor, expression_code: torch.Tensor) -> torch.Tensor:
        code = self.network.expression_condition(self.identity_code, expression_code)
        return DISPLACEMENT_SCALE_MM * self.network.expression_field(coordinates, code)[0]


@dataclass(frozen=True)
class ActorField:
    """N_e of one identity at fixed points; holds their coordinates and what the network says of the neutral."""

    actor: Actor
    coordinates: torch.Tensor
    neutral: torch.Tensor

    @torch.inference_mode()
    def displacement(self, expression: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Displacements (P, 3) in mm from the rest shape (N_e, float32 inside).

        The network's small displacement for the neutral expression is subtracted (our deviation), so that weights of
        zero give exactly the rest shape.

        Args:
            expression: (52,) ARKit weights, 0..1.
        """
        weights = torch.as_tensor(np.ascontiguousarray(expression, dtype=np.float32))
        code = self.actor.network.encode_expression(weights[None])
        return (self.actor._evaluate(self.coordinates, code) - self.neutral).numpy().astype(np.float64)


class GeneralizedModel:
    """The trained generalized model behind plain arrays."""

    def __init__(self, network: GeneralizedNetwork) -> None:
        """Wrap a trained network; it is put into evaluation mode."""
        self.network = network.eval().requires_grad_(False)

    @torch.inference_mode()
    def actor(self, identity: npt.ArrayLike) -> Actor:
        """The actor with identity coefficients (100,), about N(0, 1) each."""
        coefficients = torch.as_tensor(np.ascontiguousarray(identity, dtype=np.float32))
        return Actor(self.network, self.network.identity_encoder(coefficients[None]))

    def rest(self, points: npt.ArrayLike, identity: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """N_c at canonical points (P, 3) in mm for identity (100,): rest points (P, 3) in mm."""
        return self.actor(identity).rest(points)

    def deform(
        self, points: npt.ArrayLike, parting: npt.ArrayLike, identity: npt.ArrayLike, expression: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """N_e: displacement (P, 3) in mm to add to the rest points; arguments as in ``Actor.displacement``."""
        return self.actor(identity).displacement(points, parting, expression)


def load_generalized(path: Path | None = None) -> GeneralizedModel:
    """Load the trained model.

    Args:
        path: a safetensors file; the shipped ``models/generalized.safetensors`` when left out.

    Raises:
        WeightsError: the file is missing, truncated, changed, or of another version.
    """
    network = GeneralizedNetwork()
    load_weights(network, "generalized", path)
    return GeneralizedModel(network)
