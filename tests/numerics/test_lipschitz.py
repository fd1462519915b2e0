"""Lipschitz layers: the bound holds whatever the weights."""

import pytest
import torch

from physface_blender.networks.lipschitz import LipschitzEncoder, LipschitzLinear


@pytest.mark.parametrize("scale", [0.1, 1.0, 50.0])
def test_bound_is_respected(scale):
    """Differences of outputs stay under bound times differences of inputs in the maximum norm, and can reach it."""
    torch.manual_seed(0)
    layer = LipschitzLinear(12, 7).double()
    with torch.no_grad():
        layer.linear.weight.mul_(scale)
    row_sum = float(layer.normalized_weight().detach().abs().sum(dim=1).max())
    assert row_sum <= layer.bound * (1 + 1e-12)
    if scale > 1:
        assert row_sum == pytest.approx(float(layer.bound.detach()), rel=1e-9)
    first, second = torch.randn(2, 100, 12).double()
    ratio = (layer(first) - layer(second)).abs().amax(1) / (first - second).abs().amax(1)
    assert ratio.max() <= layer.bound


def test_encoder_product_bounds_the_encoder():
    """The product of the layers' bounds, times GELU's own constant to the third power, bounds the encoder."""
    torch.manual_seed(0)
    encoder = LipschitzEncoder(52, 16).double()
    first = torch.rand(200, 52).double()
    second = first + 1e-3 * torch.randn(200, 52).double()
    ratio = (encoder(first) - encoder(second)).abs().amax(1) / (first - second).abs().amax(1)
    assert 0 < ratio.max() <= encoder.lipschitz_product() * 1.13**3  # GELU's slope is at most 1.129
