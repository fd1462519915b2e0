"""The exponential of rigid motions, in batches on torch tensors."""

import math

import torch

SMALL_SQUARE = 1e-4
"""Squared radians below which (a - sin a) / a^3 is 1/6 to single precision."""


def rigid_exponential(generators: torch.Tensor) -> torch.Tensor:
    """Rigid matrices (..., 4, 4) of generators (..., 4, 4), or rotations (..., 3, 3) of cross product matrices.

    exp(G) = I + G + (1 - cos a) / a^2 G^2 + (a - sin a) / a^3 G^3 with the angle a of the turn, because G^4 = -a^2 G^2
    (Rodrigues). A general matrix exponential asks the host for the size of its argument, which a GPU then waits for.
    """
    square = 0.5 * generators[..., :3, :3].square().sum(dim=(-1, -2), keepdim=True)
    angle = square.sqrt()
    second = 0.5 * torch.sinc(0.5 * angle / math.pi).square()
    third = (1.0 - torch.sinc(angle / math.pi)) / square.clamp(min=SMALL_SQUARE)
    third = torch.where(square < SMALL_SQUARE, 1.0 / 6.0, third)
    twice = generators @ generators
    one = torch.eye(generators.shape[-1], dtype=generators.dtype, device=generators.device)
    return one + generators + second * twice + third * (twice @ generators)
