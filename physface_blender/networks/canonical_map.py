"""The map phi from an identity's material space to the canonical face."""

import math
from itertools import pairwise

import torch
from torch import nn

from .generalized import CENTER_MM, COORDINATE_SCALE_MM

FREQUENCY = 5.0
WIDTH = 64
DEPTH = 4


class CanonicalMap(nn.Module):
    """phi of *An Implicit Physical Face Model Driven by Expression and Style* (section 4.2, figure 20): one an identity.

    Four sine layers of 64 units with frequency 5 and a linear one. Our deviation: the network gives the displacement from
    a point to its image, so that a fresh network is nearly the identity map.
    """

    def __init__(self) -> None:
        """Initialise as Sitzmann et al. 2020, section 3.2, with an output near zero."""
        super().__init__()
        counts = [3] + [WIDTH] * DEPTH
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(counts))
        self.output = nn.Linear(WIDTH, 3)
        self.register_buffer("center", torch.tensor(CENTER_MM))
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                bound = 1.0 / 3.0 if index == 0 else math.sqrt(6.0 / WIDTH) / FREQUENCY
                layer.weight.uniform_(-bound, bound)
                layer.bias.uniform_(-bound, bound)
            self.output.weight.mul_(0.01)
            self.output.bias.zero_()

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map points (P, 3) of the identity at rest to canonical points (P, 3), mm."""
        values = (points - self.center) / COORDINATE_SCALE_MM
        for layer in self.layers:
            values = torch.sin(FREQUENCY * layer(values))
        return points + COORDINATE_SCALE_MM * self.output(values)

    def with_jacobian(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Canonical points (P, 3) and the derivative (P, 3, 3), row by canonical axis, column by the identity's."""
        values = (points - self.center) / COORDINATE_SCALE_MM
        tangents = torch.eye(3, dtype=points.dtype, device=points.device)[:, None, :].expand(3, len(points), 3)
        for layer in self.layers:
            phase = FREQUENCY * layer(values)
            tangents = FREQUENCY * torch.cos(phase) * nn.functional.linear(tangents, layer.weight)
            values = torch.sin(phase)
        # The scale of the coordinates goes in and out once each.
        derivative = nn.functional.linear(tangents, self.output.weight).permute(1, 2, 0)
        identity = torch.eye(3, dtype=points.dtype, device=points.device)
        return points + COORDINATE_SCALE_MM * self.output(values), identity + derivative
