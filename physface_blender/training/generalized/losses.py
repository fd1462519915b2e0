"""The losses of *Learning a Generalized Physical Face Model From Data*, equations 11 to 17.

Lengths enter in centimetres and stresses in units of Young's modulus: the paper does not say its units, and with
these its weights balance a millimetre of skin error against a plausible strain.
"""

import torch

POISSON_RATIO = 0.47
SHEAR = 1.0 / (2.0 * (1.0 + POISSON_RATIO))
LAME = POISSON_RATIO / ((1.0 + POISSON_RATIO) * (1.0 - 2.0 * POISSON_RATIO))
POLAR_ITERATIONS = 8


def position_loss(predicted: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean squared distance in cm^2 of points (..., P, 3) in mm; equations 11, 13, 15 and 16."""
    squared = ((predicted - target) / 10.0).square().sum(dim=-1)
    return squared.mean() if weight is None else (squared * weight).mean()


@torch.no_grad()
def closest_rotation(matrices: torch.Tensor) -> torch.Tensor:
    """Rotations (..., 3, 3) closest to matrices (..., 3, 3).

    Scaled Newton iteration for the polar decomposition, Higham 1986. For a matrix with negative determinant the
    result is a reflection turned into a rotation by its sign, which is enough for a regularizer.
    """
    rotation = matrices
    for _ in range(POLAR_ITERATIONS):
        cofactors = cofactor(rotation)
        inverse_transpose = cofactors / _guarded(_determinant(rotation, cofactors))
        scale = (_square(inverse_transpose) / _square(rotation).clamp(min=1e-12)).pow(0.25)
        rotation = 0.5 * (scale * rotation + inverse_transpose / scale)
    return rotation * torch.sign(determinant(rotation))[..., None, None]


def cofactor(matrices: torch.Tensor) -> torch.Tensor:
    """Cofactor matrices (..., 3, 3): the derivative of the determinant."""
    # Few operations on whole arrays: on a GPU this is bound by their number.
    return torch.linalg.cross(matrices.roll(-1, dims=-2), matrices.roll(-2, dims=-2), dim=-1)


def determinant(matrices: torch.Tensor) -> torch.Tensor:
    """Determinants (...) of matrices (..., 3, 3)."""
    return _determinant(matrices, cofactor(matrices))[..., 0, 0]


def inverse(matrices: torch.Tensor) -> torch.Tensor:
    """Inverses (..., 3, 3) of matrices (..., 3, 3) that have one."""
    cofactors = cofactor(matrices)
    return cofactors.mT / _determinant(matrices, cofactors)


def _determinant(matrices: torch.Tensor, cofactors: torch.Tensor) -> torch.Tensor:
    """Determinants (..., 1, 1) of matrices whose cofactors are known."""
    return (matrices[..., :1, :] * cofactors[..., :1, :]).sum(dim=-1, keepdim=True)


def _square(matrices: torch.Tensor) -> torch.Tensor:
    return matrices.square().sum(dim=(-1, -2), keepdim=True)


def _guarded(values: torch.Tensor) -> torch.Tensor:
    return torch.where(values.abs() < 1e-6, torch.full_like(values, 1e-6), values)


def elastic_loss(gradients: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of deformation gradients (..., 3, 3) from the rotations; equation 17.

    The closest rotation is held constant, which leaves the derivative exact (envelope theorem).
    """
    return (gradients - closest_rotation(gradients)).square().sum(dim=(-1, -2)).mean()


def volume_loss(gradients: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of deformation gradients (..., 3, 3) from the matrices of determinant 1; equation 14.

    The distance is taken to first order, (det F - 1) / |cof F|, where the paper projects.
    """
    cofactors = cofactor(gradients)
    norm = _square(cofactors.detach()).clamp(min=0.1)
    return ((_determinant(gradients, cofactors) - 1.0).square() / norm).mean()


def soft_loss(gradients: torch.Tensor) -> torch.Tensor:
    """Elastic and volume-preserving energy of soft tissue in units of Young's modulus; equation 14."""
    return SHEAR * elastic_loss(gradients) + LAME * volume_loss(gradients)


def rigid_loss(predicted: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """Mean squared distance in cm^2 of points (B, P, 3) in mm from their best rigid motion; equation 12.

    The best motion is found by orthogonal Procrustes, with the rotation from a polar decomposition (points that are
    not turned inside out), and held constant (envelope theorem).
    """
    with torch.no_grad():
        source, target = rest.mean(dim=1, keepdim=True), predicted.mean(dim=1, keepdim=True)
        rotation = closest_rotation((predicted - target).mT @ (rest - source))
        rigid = (rest - source) @ rotation.mT + target
    return position_loss(predicted, rigid)
