"""The training losses: identities they must fulfil, and their gradients."""

import pytest
import scipy.linalg
import torch

from physface_blender.training.generalized import losses


def _rotations(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    skew = torch.randn(count, 3, 3, generator=generator).double()
    return torch.linalg.matrix_exp(skew - skew.mT)


def _stretches(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.eye(3).double() + 0.2 * torch.randn(count, 3, 3, generator=generator).double()


def test_closest_rotation_is_the_polar_factor():
    """Against SciPy's polar decomposition."""
    matrices = _rotations(20) @ _stretches(20)
    found = losses.closest_rotation(matrices)
    for matrix, rotation in zip(matrices, found, strict=True):
        expected = torch.as_tensor(scipy.linalg.polar(matrix.numpy())[0])
        assert torch.allclose(rotation, expected, atol=1e-9)


def test_elastic_loss_vanishes_on_rotations_only():
    """Zero for rotations; for a diagonal stretch the sum of squared strains."""
    assert losses.elastic_loss(_rotations(10)) < 1e-18
    stretch = torch.diag(torch.tensor([1.1, 0.9, 1.3]).double())
    assert losses.elastic_loss(_rotations(5) @ stretch) == pytest.approx(0.01 + 0.01 + 0.09)


def test_volume_loss_to_first_order():
    """The first-order distance to det = 1 is right near it: a uniform scale s is sqrt(3) |s - 1| away."""
    for scale in (1.001, 0.999):
        matrix = scale * _rotations(4)
        assert losses.volume_loss(matrix) == pytest.approx(3 * (scale - 1) ** 2, rel=1e-2)
    shear = torch.eye(3).double()
    shear[0, 1] = 0.7
    assert losses.volume_loss(shear[None]) < 1e-18


@pytest.mark.parametrize("loss", [losses.elastic_loss, losses.soft_loss], ids=["elastic", "soft"])
def test_gradients_match_central_differences(loss):
    """Holding the closest rotation constant leaves the derivative right (the volume's norm is held by design)."""
    matrices = _stretches(3).requires_grad_()
    if loss is losses.soft_loss:
        with torch.no_grad():
            matrices /= losses.determinant(matrices)[:, None, None] ** (1 / 3)
    (gradient,) = torch.autograd.grad(loss(matrices), matrices)
    assert gradient.norm() > 1e-2
    direction, step = torch.randn_like(matrices), 1e-5
    with torch.no_grad():
        central = (loss(matrices + step * direction) - loss(matrices - step * direction)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(central), rel=1e-6)


def test_rigid_loss():
    """Zero for a rigid motion, positive for a stretch."""
    generator = torch.Generator().manual_seed(2)
    rest = 30 * torch.randn(2, 40, 3, generator=generator).double()
    moved = torch.einsum("bij,bpj->bpi", _rotations(2), rest) + 5
    assert losses.rigid_loss(moved, rest) < 1e-20
    assert losses.rigid_loss(1.05 * rest, rest) > 0.01
