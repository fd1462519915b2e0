"""A sine network over space whose layers are modulated by a latent code."""

import math

import torch
from torch import nn


class ModulatedSiren(nn.Module):
    """Conditional SIREN: coordinates and a code in, values out, with exact forward-mode tangents.

    Source: *Learning a Generalized Physical Face Model From Data*, section 5: five sine layers of 128 units,
    frequency 30, a linear output, conditioned by weight modulation (Yang et al. 2022). Layer i computes ``sin(w
    ((W_i diag(1 + a_i)) h + b_i + c_i))`` with (a_i, c_i) linear in the code. Our deviations: the shift c_i beside
    the weight scale a_i, which lets a code move features in space as well as scale them; and output weights that
    are linear in the code, so that fields which are (nearly) linear in the code are learned as such, many times
    faster.
    """

    def __init__(
        self,
        coordinate_count: int,
        code_size: int,
        output_count: int,
        *,
        width: int = 128,
        depth: int = 5,
        frequency: float = 30.0,
    ) -> None:
        """Initialise as Sitzmann et al. 2020, section 3.2; modulations start small."""
        super().__init__()
        self.frequency = frequency
        inputs = [coordinate_count] + [width] * (depth - 1)
        self.layers = nn.ModuleList(nn.Linear(count, width) for count in inputs)
        self.scales = nn.ModuleList(nn.Linear(code_size, count) for count in inputs)
        self.shifts = nn.ModuleList(nn.Linear(code_size, width) for _ in inputs)
        self.output = nn.Linear(width, output_count)
        self.output_modulation = nn.Linear(code_size, width * output_count)
        hidden_bound = math.sqrt(6.0 / width) / frequency
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                bound = 1.0 / coordinate_count if index == 0 else hidden_bound
                layer.weight.uniform_(-bound, bound)
                layer.bias.uniform_(-bound, bound)
            for scale, shift in zip(self.scales, self.shifts, strict=True):
                scale.weight.normal_(std=0.02 / math.sqrt(code_size))
                scale.bias.zero_()
                shift.weight.normal_(std=0.2 / frequency / math.sqrt(code_size))
                shift.bias.zero_()
            # The output starts at zero: noise there teaches the encoders first of all to be silent.
            for layer in (self.output, self.output_modulation):
                layer.weight.zero_()
                layer.bias.zero_()

    def output_weight(self, code: torch.Tensor) -> torch.Tensor:
        """Weights (B, width, output_count) of the output layer for codes (B, code_size)."""
        modulation = self.output_modulation(code).unflatten(-1, self.output.weight.shape)
        return (self.output.weight + modulation).mT

    def forward(self, coordinates: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Evaluate at points.

        Args:
            coordinates: (B, P, coordinate_count), normalized to about -1..1.
            code: (B, code_size), one code a batch row.

        Returns:
            (B, P, output_count).
        """
        return self.features(coordinates, code) @ self.output_weight(code) + self.output.bias

    def features(self, coordinates: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """What the output layer sees (B, P, width) at coordinates (B, P, coordinate_count) for codes (B, code_size)."""
        values = coordinates
        for layer, scale, shift in zip(self.layers, self.scales, self.shifts, strict=True):
            values = values * (1.0 + scale(code)).unsqueeze(1)
            values = torch.nn.functional.linear(values, layer.weight) + (layer.bias + shift(code)).unsqueeze(1)
            values = torch.sin(self.frequency * values)
        return values

    def forward_with_tangents(
        self, coordinates: torch.Tensor, tangents: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate values and directional derivatives in one forward pass (forward mode).

        Args:
            coordinates: (B, P, coordinate_count).
            tangents: (K, B, P, coordinate_count), K directions at every point.
            code: (B, code_size).

        Returns:
            Values (B, P, output_count) and derivatives (K, B, P, output_count).
        """
        values = coordinates
        for layer, scale, shift in zip(self.layers, self.scales, self.shifts, strict=True):
            factor = (1.0 + scale(code)).unsqueeze(1)
            phase = torch.nn.functional.linear(values * factor, layer.weight) + (layer.bias + shift(code)).unsqueeze(1)
            phase = self.frequency * phase
            slope = self.frequency * torch.cos(phase)
            tangents = slope * torch.nn.functional.linear(tangents * factor, layer.weight)
            values = torch.sin(phase)
        weight = self.output_weight(code)
        return values @ weight + self.output.bias, tangents @ weight

    def forward_with_code_tangents(
        self, coordinates: torch.Tensor, code: torch.Tensor, tangents: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate values at points and their derivatives along directions of the code (forward mode).

        Args:
            coordinates: (P, coordinate_count).
            code: (code_size,).
            tangents: (K, code_size), K directions of the code.

        Returns:
            Values (P, output_count) and derivatives (K, P, output_count).
        """
        values, slopes = coordinates, None
        for layer, scale, shift in zip(self.layers, self.scales, self.shifts, strict=True):
            factor = 1.0 + scale(code)
            turned = values * (tangents @ scale.weight.T).unsqueeze(1)
            if slopes is not None:
                turned = turned + slopes * factor
            phase = self.frequency * (
                torch.nn.functional.linear(values * factor, layer.weight) + (layer.bias + shift(code))
            )
            turned = torch.nn.functional.linear(turned, layer.weight) + (tangents @ shift.weight.T).unsqueeze(1)
            slopes = self.frequency * torch.cos(phase) * turned
            values = torch.sin(phase)
        weight = self.output_weight(code)
        turned_weight = (tangents @ self.output_modulation.weight.T).unflatten(-1, self.output.weight.shape).mT
        return values @ weight + self.output.bias, slopes @ weight + values @ turned_weight
