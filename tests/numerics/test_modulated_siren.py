"""The conditional SIREN: its forward-mode tangents against central differences."""

import torch

from physface_blender.networks.modulated_siren import ModulatedSiren


def _network() -> ModulatedSiren:
    torch.manual_seed(3)
    network = ModulatedSiren(4, 8, 3, width=16, depth=5).double()
    # A fresh network is silent; any other weights will do here, modulated ones above all.
    for layer in (network.output, network.output_modulation, *network.scales, *network.shifts):
        torch.nn.init.normal_(layer.weight, std=0.1)
    return network


def test_tangents_match_central_differences():
    """Forward-mode derivatives equal float64 central differences, whose error falls as the square of the step."""
    network = _network()
    points, code = torch.rand(2, 5, 4).double() - 0.5, torch.randn(2, 8).double()
    tangents = torch.eye(4).double()[:, None, None, :].expand(4, 2, 5, 4)
    values, derivative = network.forward_with_tangents(points, tangents, code)
    assert torch.allclose(values, network(points, code))
    assert derivative.abs().max() > 0.1  # not vacuous
    errors = []
    for step in (1e-3, 5e-4):
        central = torch.stack(
            [
                (network(points + step * tangents[axis], code) - network(points - step * tangents[axis], code))
                / (2 * step)
                for axis in range(4)
            ]
        )
        errors.append((central - derivative).abs().max())
    # Second order: halving the step divides the error by four.
    assert 3.5 < errors[0] / errors[1] < 4.5
    assert errors[1] < 1e-2 * derivative.abs().max()


def test_code_modulates_each_row_alone():
    """A row's values depend on its own code only, and do depend on it."""
    network = _network()
    points, codes = torch.rand(1, 6, 4).double().expand(2, -1, -1), torch.randn(2, 8).double()
    together = network(points, codes)
    assert torch.allclose(together[1], network(points[1:], codes[1:])[0])
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_code_tangents_match_central_differences():
    """The derivative along the code equals float64 central differences to their own accuracy."""
    network = _network()
    points, code, directions = torch.rand(5, 4).double() - 0.5, torch.randn(8).double(), torch.randn(3, 8).double()
    values, derivative = network.forward_with_code_tangents(points, code, directions)
    assert torch.allclose(values, network(points[None], code[None])[0])
    step = 1e-5
    for direction, along in zip(directions, derivative, strict=True):
        ahead = network(points[None], (code + step * direction)[None])[0]
        behind = network(points[None], (code - step * direction)[None])[0]
        assert along.abs().max() > 0.1
        # Rounding of differences (1e-16 / 1e-5) and the third derivative (frequency^3 step^2) stay below 1e-5.
        assert torch.allclose((ahead - behind) / (2 * step), along, rtol=1e-5, atol=1e-5)
