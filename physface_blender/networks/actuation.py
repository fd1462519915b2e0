"""The style model: actuation tensors and jaw from expression and style (paper 001, figure 20)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .generalized import COORDINATE_SCALE_MM
from .lipschitz import LipschitzLinear

STYLE_SIZE = 4
STYLE_FEATURES = 32
EXPRESSION_FEATURES = 64
CODE_SIZE = STYLE_FEATURES + EXPRESSION_FEATURES
"""Of z."""
JAW_WIDTH = 64
EXPRESSION_SCALE = 0.25
"""Of the blendweights before their MLP: GELU layers are nearly straight for small inputs, and so are faces. With 4 models
learned the training by heart (validation: twice the error)."""
FIRST_FREQUENCY = 30.0
OUTPUT_SCALE = 0.3
"""Typical strain of an expression, in which the tensors are put out."""
JAW_TURN, JAW_SHIFT_MM = 0.3, 10.0
"""Radians and millimetres of a wide open jaw, in which its motion is put out."""


@dataclass(frozen=True)
class ActuationSettings:
    """Which of the model's parts are used; the paper's full model by default.

    Attributes:
        expression_count: semantic weights.
        actor_count: style codes.
        lipschitz: normalise the weights of the GELU layers.
        sine: sine layers throughout with unbounded modulation (Yang et al. 2022) instead of GELU and tanh.
        output_count: 6 for a symmetric tensor, 3 for the displacement variant.
        width: units of a layer.
        depth: layers before the linear one, the first one sine.
    """

    expression_count: int = 19
    actor_count: int = 6
    lipschitz: bool = True
    sine: bool = False
    output_count: int = 6
    width: int = 128
    depth: int = 4


class ActuationCode(NamedTuple):
    """What the networks are driven by, for B expressions in a style each.

    Attributes:
        z: (B, CODE_SIZE) of the paper.
        still: (B, CODE_SIZE) z without the expression.
        answer: (B, (2 K + EXPRESSION_FEATURES) (1 + STYLE_SIZE)) for K semantic weights: products of the expression's answer
            with (1, style); zero without an expression.
    """

    z: torch.Tensor
    still: torch.Tensor
    answer: torch.Tensor


class ActuationModel(nn.Module):
    """Style codes, the two MLPs to z, N_A and N_B.

    N_A: canonical coordinates to a symmetric tensor; its first layer is sine, the others GELU, every layer's output is
    scaled by 1 + m with the modulation m = tanh(linear(z)). Our deviations: the coordinates are four, with the parting
    coordinate that tells upper and lower lips apart where they touch, as in the generalized model; the modulation acts
    as 1 + m, so that a fresh network passes everything; the tensor is I + the output; and, with the answer d of an
    expression, which is the blendweights, their squares and how far their MLP is from that of a still face, the weights of
    N_A's output are linear in the products of d with (1, style), and so is what stands beside N_B's MLP. For a face answers
    an expression nearly in proportion, each person in its own proportions: from z alone, where expression and style stand
    beside each other, the layers have to learn to multiply first. Without an expression nothing is actuated, in any style.
    """

    def __init__(self, settings: ActuationSettings) -> None:
        """Make the networks with fresh weights."""
        super().__init__()
        self.settings = settings
        width, layer = settings.width, LipschitzLinear if settings.lipschitz else nn.Linear
        self.styles = nn.Parameter(torch.randn(settings.actor_count, STYLE_SIZE))
        self.style_mlp = nn.Sequential(
            layer(STYLE_SIZE, STYLE_FEATURES), nn.GELU(), layer(STYLE_FEATURES, STYLE_FEATURES), nn.GELU()
        )
        self.expression_mlp = nn.Sequential(
            layer(settings.expression_count, EXPRESSION_FEATURES),
            nn.GELU(),
            layer(EXPRESSION_FEATURES, EXPRESSION_FEATURES),
            nn.GELU(),
        )
        self.first = nn.Linear(4, width)
        self.hidden = nn.ModuleList(
            (nn.Linear if settings.sine else layer)(width, width) for _ in range(settings.depth - 1)
        )
        self.modulation = nn.Linear(CODE_SIZE, width * settings.depth)
        answers = (2 * settings.expression_count + EXPRESSION_FEATURES) * (1 + STYLE_SIZE)
        self.output = nn.Linear(answers, width * settings.output_count, bias=False)
        self.jaw_output = nn.Linear(answers, 6, bias=False)
        self.jaw = nn.Sequential(
            layer(CODE_SIZE, JAW_WIDTH), nn.GELU(), layer(JAW_WIDTH, JAW_WIDTH), nn.GELU(), nn.Linear(JAW_WIDTH, 6)
        )
        with torch.no_grad():
            self.first.weight.uniform_(-0.25, 0.25)
            if settings.sine:
                bound = math.sqrt(6.0 / width) / FIRST_FREQUENCY
                for hidden in self.hidden:
                    hidden.weight.uniform_(-bound, bound)
                    hidden.bias.uniform_(-bound, bound)
            self.output.weight.zero_()
            self.jaw_output.weight.zero_()
            self.jaw[-1].weight.zero_()
            self.jaw[-1].bias.zero_()

    def code(self, expression: torch.Tensor, style: torch.Tensor) -> ActuationCode:
        """Of expressions (B, expression_count) and style codes (B, STYLE_SIZE)."""
        still = self.expression_mlp(torch.zeros_like(expression))
        moved, styled = self.expression_mlp(EXPRESSION_SCALE * expression), self.style_mlp(style)
        answer = torch.cat([expression, expression.square(), moved - still], dim=-1)
        factors = torch.cat([torch.ones_like(style[:, :1]), style], dim=-1)
        return ActuationCode(
            torch.cat([moved, styled], dim=-1),
            torch.cat([still, styled], dim=-1),
            (factors[:, :, None] * answer[:, None]).flatten(1),
        )

    def modulation_code(self, code: ActuationCode) -> torch.Tensor:
        """M (B, depth, width) of z; what figure 4 shows."""
        modulation = self.modulation(code.z).unflatten(-1, (self.settings.depth, self.settings.width))
        return modulation if self.settings.sine else torch.tanh(modulation)

    def field(self, coordinates: torch.Tensor, code: ActuationCode) -> torch.Tensor:
        """The output (B, P, output_count) at coordinates (B, P, 4).

        A symmetric tensor minus I in the order xx, yy, zz, yz, xz, xy, or a displacement in units of 10 mm.
        """
        modulation = 1.0 + self.modulation_code(code)
        values = torch.sin(FIRST_FREQUENCY * self.first(coordinates))
        # In training at half precision, which takes a third of the time and whose rounding is noise among draws; sine
        # layers multiply it by their frequency and bear none.
        half = self.training and not self.settings.sine
        with torch.autocast(values.device.type, torch.bfloat16, enabled=half):
            for index, layer in enumerate(self.hidden, 1):
                values = layer(values * modulation[:, None, index - 1])
                values = torch.sin(FIRST_FREQUENCY * values) if self.settings.sine else nn.functional.gelu(values)
        values = (values * modulation[:, None, -1]).to(coordinates.dtype)
        weight = self.output(code.answer).unflatten(-1, (self.settings.width, self.settings.output_count))
        return OUTPUT_SCALE * (values @ weight)

    def jaw_motion(self, code: ActuationCode) -> torch.Tensor:
        """N_B: rigid motion (B, 4, 4) of the jaw in the canonical jaw coordinates."""
        values = self.jaw(code.z) - self.jaw(code.still) + self.jaw_output(code.answer)
        turn, shift = JAW_TURN * values[:, :3], JAW_SHIFT_MM * values[:, 3:]
        # Rodrigues' formula: torch.linalg.matrix_exp makes a GPU wait for the host.
        angle = (turn.square().sum(-1, keepdim=True) + 1e-12).sqrt().unsqueeze(-1)
        zero = torch.zeros_like(turn[:, 0])
        x, y, z = turn.unbind(-1)
        skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
        half = torch.sin(0.5 * angle) / angle
        rotation = torch.eye(3, dtype=turn.dtype, device=turn.device) + torch.sin(angle) / angle * skew
        rotation = rotation + 2.0 * half.square() * (skew @ skew)
        top = torch.cat([rotation, shift.unsqueeze(-1)], dim=-1)
        bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=top.dtype, device=top.device).expand(len(top), 1, 4)
        return torch.cat([top, bottom], dim=1)

    def lipschitz_product(self) -> torch.Tensor:
        """Product of the bounds of each network's Lipschitz layers (paper 001, equation 6), summed; 0 without any."""
        total = torch.zeros((), device=self.styles.device)
        for network in (self.style_mlp, self.expression_mlp, self.hidden, self.jaw):
            bounds = [module.bound for module in network.modules() if isinstance(module, LipschitzLinear)]
            if bounds:
                total = total + torch.stack(bounds).prod()
        return total


def symmetric_tensor(entries: torch.Tensor) -> torch.Tensor:
    """I + the symmetric matrices (..., 3, 3) of entries (..., 6) in the order xx, yy, zz, yz, xz, xy."""
    xx, yy, zz, yz, xz, xy = entries.unbind(-1)
    rows = torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], dim=-1).unflatten(-1, (3, 3))
    return torch.eye(3, dtype=entries.dtype, device=entries.device) + rows


def warp(canonical: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """R^T A R: canonical tensors (..., 3, 3) in an identity's material space (paper 001, equation 3).

    Args:
        canonical: A.
        rotation: (..., 3, 3) rotational part R of the Jacobian of phi.
    """
    return rotation.mT @ canonical @ rotation


def unwarp(material: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """R A R^T, the inverse of ``warp``."""
    return rotation @ material @ rotation.mT


def coordinates_of(points: torch.Tensor, parting: torch.Tensor, center: torch.Tensor) -> torch.Tensor:
    """Coordinates (..., 4) of N_A from canonical points (..., 3) in mm and parting (...)."""
    return torch.cat([(points - center) / COORDINATE_SCALE_MM, 0.5 * parting.unsqueeze(-1)], dim=-1)
