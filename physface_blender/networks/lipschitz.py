"""Fully connected layers whose Lipschitz bound is learned (Liu et al. 2022)."""

import math
from itertools import pairwise

import torch
from torch import nn


class LipschitzLinear(nn.Module):
    """A linear layer whose infinity-norm is held under a trainable bound.

    Source: Liu et al. 2022, *Learning Smooth Neural Functions via Lipschitz Regularization*, as used by
    *Learning a Generalized Physical Face Model From Data*, section 5. Rows whose absolute sum exceeds
    ``softplus(bound)`` are scaled down to it.
    """

    def __init__(self, input_count: int, output_count: int) -> None:
        """Initialise so that the layer keeps the size of its input; the bound starts at the norm of the weights."""
        super().__init__()
        self.linear = nn.Linear(input_count, output_count)
        # PyTorch's own, smaller start leaves codes near zero, and training then spends its first hours growing them.
        nn.init.kaiming_normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        norm = self.linear.weight.detach().abs().sum(dim=1).max()
        self.raw_bound = nn.Parameter(torch.log(torch.expm1(norm)))

    @property
    def bound(self) -> torch.Tensor:
        """The Lipschitz bound of the layer in the infinity norm, a positive scalar."""
        return nn.functional.softplus(self.raw_bound)

    def normalized_weight(self) -> torch.Tensor:
        """The weight (outputs, inputs) after the rows have been scaled under the bound."""
        row_sums = self.linear.weight.abs().sum(dim=1, keepdim=True)
        return self.linear.weight * torch.clamp(self.bound / row_sums, max=1.0)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return nn.functional.linear(values, self.normalized_weight(), self.linear.bias)


class LipschitzEncoder(nn.Module):
    """Three Lipschitz GELU layers: morphable-model parameters to a latent code (P_id and P_exp of the paper).

    Our deviation: the parameters themselves stand in the code beside what the layers make of them. The layers alone
    forget what moves little: of our hundred identity coefficients a tenth to a half of the last ones.
    """

    def __init__(self, input_count: int, learned_size: int) -> None:
        """Make the layers ``input_count -> learned_size -> learned_size -> learned_size``."""
        super().__init__()
        sizes = (input_count, learned_size, learned_size, learned_size)
        self.layers = nn.ModuleList(LipschitzLinear(a, b) for a, b in pairwise(sizes))

    def forward(self, parameters: torch.Tensor) -> torch.Tensor:
        """Map parameters (..., inputs) to codes (..., learned_size + inputs)."""
        values = parameters
        for layer in self.layers:
            values = nn.functional.gelu(layer(values))
        return torch.cat([values, parameters], dim=-1)

    def lipschitz_product(self) -> torch.Tensor:
        """Product of the layers' bounds, the Lipschitz regularization of Liu et al. 2022 (equation 7)."""
        return math.prod(layer.bound for layer in self.layers)
