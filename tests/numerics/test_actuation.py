"""The style model's networks: derivatives, Lipschitz bounds, warp, jaw."""

import numpy as np
import pytest
import torch

from physface_blender.networks.actuation import (
    STYLE_SIZE,
    ActuationCode,
    ActuationModel,
    ActuationSettings,
    symmetric_tensor,
    unwarp,
    warp,
)
from physface_blender.networks.canonical_map import CanonicalMap
from physface_blender.networks.lipschitz import LipschitzLinear

SETTINGS = [
    ActuationSettings(width=16),
    ActuationSettings(width=16, lipschitz=False),
    ActuationSettings(width=16, lipschitz=False, sine=True),
    ActuationSettings(width=16, output_count=3),
]
NAMES = ["full", "no Lipschitz", "sine", "displacement"]


def _model(settings: ActuationSettings) -> ActuationModel:
    """In double precision, with outputs that are not zero."""
    torch.manual_seed(0)
    model = ActuationModel(settings).double()
    for module in model.modules():
        if isinstance(module, LipschitzLinear):
            with torch.no_grad():
                module.raw_bound -= 0.5  # a fresh bound touches its longest row, where the norm has a kink
    for parameter in (*model.output.parameters(), *model.jaw_output.parameters(), *model.jaw[-1].parameters()):
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def _inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    coordinates = 0.5 * torch.randn(2, 5, 4, generator=generator, dtype=torch.double)
    expression = torch.rand(2, 19, generator=generator, dtype=torch.double)
    return coordinates, expression, torch.randn(2, STYLE_SIZE, generator=generator, dtype=torch.double)


@pytest.mark.parametrize("settings", SETTINGS, ids=NAMES)
def test_gradients_match_central_differences(settings):
    """The field and the jaw by coordinates, expression, style and every weight, along random directions."""
    model = _model(settings)
    coordinates, expression, style = _inputs()

    def total() -> torch.Tensor:
        code = model.code(expression, style)
        return model.field(coordinates, code).square().sum() + 0.01 * model.jaw_motion(code).square().sum()

    varied = [coordinates, expression, style, *(p for n, p in model.named_parameters() if n != "styles")]
    for value in varied:
        value.requires_grad_()
    gradients = torch.autograd.grad(total(), varied)
    generator = torch.Generator().manual_seed(2)
    for value, gradient in zip(varied, gradients, strict=True):
        direction, step = torch.randn(value.shape, generator=generator, dtype=torch.double), 1e-6
        with torch.no_grad():
            value += step * direction
            above = total()
            value -= 2 * step * direction
            below = total()
            value += step * direction
        central = float(above - below) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(central, rel=1e-5, abs=1e-7)


def test_lipschitz_bounds_are_kept():
    """No two inputs are mapped farther apart, in the infinity norm, than every bounded layer's own bound allows."""
    model = _model(ActuationSettings(width=16))
    layers = [module for module in model.modules() if isinstance(module, LipschitzLinear)]
    assert len(layers) == 2 + 2 + 3 + 2
    generator = torch.Generator().manual_seed(3)
    bounds = []
    for layer in layers:
        with torch.no_grad():
            layer.linear.weight *= 5.0  # far beyond the bound: now the normalisation has to act
        one, two = (
            torch.randn(64, layer.linear.in_features, generator=generator, dtype=torch.double) for _ in range(2)
        )
        ratio = (layer(one) - layer(two)).abs().amax(-1) / (one - two).abs().amax(-1)
        assert float(ratio.max().detach()) <= float(layer.bound) * (1 + 1e-12)
        bounds.append(float(layer.bound.detach()))
    products = [np.prod(bounds[start:stop]) for start, stop in ((0, 2), (2, 4), (4, 7), (7, 9))]
    assert float(model.lipschitz_product().detach()) == pytest.approx(sum(products))
    assert float(_model(ActuationSettings(width=16, lipschitz=False)).lipschitz_product()) == 0.0


def test_modulation_is_bounded():
    """tanh keeps it in -1..1 whatever the code, sine networks after Yang et al. do not."""
    z = 50.0 * torch.randn(8, 96, generator=torch.Generator().manual_seed(4), dtype=torch.double)
    code = ActuationCode(z, z, torch.zeros(8, 0))
    assert float(_model(SETTINGS[0]).modulation_code(code).abs().max()) <= 1.0
    assert float(_model(SETTINGS[2]).modulation_code(code).abs().max()) > 1.0


def test_tensors_are_symmetric():
    tensor = symmetric_tensor(torch.randn(7, 6, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(tensor, tensor.mT)
    assert torch.equal(symmetric_tensor(torch.zeros(2, 6)), torch.eye(3).expand(2, 3, 3))


def test_warp_keeps_the_identity_and_magnitudes():
    """A = I stays I for every identity, eigenvalues stay, directions turn along with phi (figure 17)."""
    generator = torch.Generator().manual_seed(6)
    skew = torch.randn(20, 3, 3, generator=generator, dtype=torch.double)
    rotations = torch.linalg.matrix_exp(skew - skew.mT)
    identity = torch.eye(3, dtype=torch.double).expand(20, 3, 3)
    assert torch.allclose(warp(identity, rotations), identity, atol=1e-14)
    tensors = symmetric_tensor(torch.randn(20, 6, generator=generator, dtype=torch.double))
    warped = warp(tensors, rotations)
    assert torch.allclose(torch.linalg.eigvalsh(warped), torch.linalg.eigvalsh(tensors), atol=1e-12)
    assert torch.allclose(unwarp(warped, rotations), tensors, atol=1e-13)
    # A contraction along e in the canonical space is one along R^T e in the identity's.
    along = torch.diag(torch.tensor([0.5, 1.0, 1.0], dtype=torch.double)).expand(20, 3, 3)
    directions = rotations.mT @ torch.tensor([1.0, 0.0, 0.0], dtype=torch.double)
    assert torch.allclose((warp(along, rotations) @ directions.unsqueeze(-1)).squeeze(-1), 0.5 * directions)


def test_jaw_is_rigid():
    """And at rest in a fresh network."""
    coordinates, expression, style = _inputs()
    motion = _model(SETTINGS[0]).jaw_motion(_model(SETTINGS[0]).code(expression, style))
    rotation = motion[:, :3, :3]
    assert torch.allclose(rotation @ rotation.mT, torch.eye(3, dtype=torch.double).expand(2, 3, 3), atol=1e-12)
    assert torch.linalg.det(rotation).min() > 0
    assert float((motion - torch.eye(4, dtype=torch.double)).abs().max()) > 1e-3
    fresh = ActuationModel(SETTINGS[0])
    code = fresh.code(expression.float(), style.float())
    assert torch.equal(fresh.jaw_motion(code), torch.eye(4).expand(2, 4, 4))
    assert not fresh.field(coordinates.float(), code).any()


@pytest.mark.parametrize("settings", SETTINGS, ids=NAMES)
def test_nothing_is_actuated_without_an_expression(settings):
    """In any style, by networks that are not zero; and half an expression is no still face."""
    model = _model(settings)
    coordinates, expression, style = _inputs()
    still = model.code(torch.zeros_like(expression), style)
    assert not model.field(coordinates, still).any()
    assert torch.equal(model.jaw_motion(still), torch.eye(4, dtype=torch.double).expand(2, 4, 4))
    moved = model.code(0.5 * expression, style)
    assert float(model.field(coordinates, moved).abs().min(dim=1).values.max()) > 1e-3


def test_canonical_map_jacobian():
    """Against central differences of the map itself."""
    torch.manual_seed(0)
    phi = CanonicalMap().double()
    torch.nn.init.normal_(phi.output.weight, std=0.2)
    points = 40.0 * torch.randn(6, 3, generator=torch.Generator().manual_seed(7), dtype=torch.double)
    mapped, jacobian = phi.with_jacobian(points)
    assert torch.allclose(mapped, phi(points), atol=1e-12)
    step = 1e-4
    for axis in range(3):
        shift = step * torch.eye(3, dtype=torch.double)[axis]
        central = (phi(points + shift) - phi(points - shift)) / (2 * step)
        assert np.allclose(jacobian[:, :, axis].detach(), central.detach(), atol=1e-7)
    assert float((jacobian - torch.eye(3, dtype=torch.double)).abs().max()) > 1e-2
