"""Style as a third input of the generalized model: what it must keep, and its file."""

import numpy as np
import pytest
import torch

from physface_blender.networks.generalized import EXPRESSION_CODE_SIZE, IDENTITY_CODE_SIZE, GeneralizedNetwork
from physface_blender.networks.style import (
    CROSSED_COUNT,
    EXPRESSION_COUNT,
    FEATURE_COUNT,
    LEFT_VIEW,
    RIGHT_VIEW,
    STYLE_SIZE,
    UNSTYLED,
    Readout,
    StyleModel,
    StyleNetwork,
    load_style,
    save_style,
)
from physface_blender.networks.weights import WeightsError, save_weights
from physface_blender.performance.arkit import ARKIT_INDEX, ARKIT_NAMES, MIRROR_INDEX, expression


@pytest.fixture
def model():
    """Two random styles."""
    torch.manual_seed(0)
    network = StyleNetwork(2)
    torch.nn.init.normal_(network.readouts, std=0.1)
    torch.nn.init.normal_(network.fields, std=0.1)
    network.requires_grad_(False)
    return StyleModel(network, {"one": network.readout(0), "two": network.readout(1)})


ASKED = np.random.default_rng(0).uniform(0.1, 0.5, size=(20, EXPRESSION_COUNT))


def test_no_style_and_no_expression_change_nothing(model):
    """A code of zeros is the plain performance to the last digit of float32; zero weights stay zero in every style."""
    for style in ({}, {"one": 0.0}):
        muscles, code = model.perform(ASKED, style)
        assert np.array_equal(muscles, ASKED.astype(np.float32))
        assert code.shape == (len(ASKED), STYLE_SIZE)
        assert not code.any()
    assert not any(part.any() for part in model.perform(np.zeros(EXPRESSION_COUNT), {"one": 1.0}))


def test_styles_blend_evenly(model):
    """The correction is linear in the code, up to the clamp."""
    torch.nn.init.normal_(model.network.readouts, std=0.01)  # so little that nothing is clamped
    both = model.perform(ASKED, {"one": 0.6, "two": 0.4})
    one, two = (model.perform(ASKED, {name: 1.0}) for name in ("one", "two"))
    assert np.abs(both[0] - ASKED).max() > 1e-3
    assert np.abs(both[1]).max() > 1e-3
    for mixed, first, second in zip(both, one, two, strict=True):
        assert np.allclose(mixed, 0.6 * first + 0.4 * second, atol=1e-6)


def test_lids_and_gaze_are_nobodys_style(model):
    kept = [ARKIT_INDEX[name] for name in ARKIT_NAMES if name.startswith(UNSTYLED)]
    assert len(kept) == 11
    done, _ = model.perform(ASKED, {"one": 1.0})
    assert np.array_equal(done[:, kept], ASKED.astype(np.float32)[:, kept])
    assert done.min() >= 0.0
    assert done.max() <= 1.0


def test_halves_of_the_face_see_their_own_side(model):
    """The learned features of one half do not hear of the other, and a mirrored request swaps them."""
    assert len(set(LEFT_VIEW) | set(RIGHT_VIEW)) == EXPRESSION_COUNT
    left = torch.as_tensor(expression(mouthSmileLeft=0.7, jawOpen=0.3), dtype=torch.float32)
    features = model.network.features(left)[2 * EXPRESSION_COUNT :].reshape(2, CROSSED_COUNT)
    alone = model.network.features(torch.as_tensor(expression(jawOpen=0.3), dtype=torch.float32))
    assert torch.equal(features[1], alone[2 * EXPRESSION_COUNT :][CROSSED_COUNT:])
    assert not torch.equal(features[0], alone[2 * EXPRESSION_COUNT :][:CROSSED_COUNT])
    mirrored = model.network.features(left[list(MIRROR_INDEX)])[2 * EXPRESSION_COUNT :].reshape(2, CROSSED_COUNT)
    assert torch.equal(mirrored, features.flip(0))


def test_gradients_match_central_differences():
    """By the weights asked for, the readout and the features' parameters."""
    torch.manual_seed(1)
    network = StyleNetwork(1).double()
    torch.nn.init.normal_(network.readouts, std=0.1)
    torch.nn.init.normal_(network.fields, std=0.1)
    generalized = GeneralizedNetwork().double()
    torch.nn.init.normal_(generalized.expression_field.output.weight, std=0.1)
    coordinates = 0.5 * torch.randn(len(ASKED), 4, 4, dtype=torch.double)
    for layer in (network.crossing, network.crossed):
        with torch.no_grad():
            layer.raw_bound -= 0.5  # a fresh bound touches its longest row, where the norm has a kink
    asked = torch.as_tensor(ASKED).requires_grad_()
    varied = [asked, *network.parameters()]

    def total() -> torch.Tensor:
        muscles, style = network(asked, network.readout(0))
        condition = torch.cat(
            [torch.ones(len(asked), IDENTITY_CODE_SIZE), generalized.encode_expression(muscles)], dim=-1
        )
        moved = network.displacement(generalized, coordinates, condition, style)
        return muscles.square().sum() + style.square().sum() + moved.square().sum()

    gradients = torch.autograd.grad(total(), varied)
    for value, gradient in zip(varied, gradients, strict=True):
        direction, step = torch.randn_like(value), 1e-6
        with torch.no_grad():
            value += step * direction
            above = total()
            value -= 2 * step * direction
            below = total()
            value += step * direction
        central = float(above - below) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(central, rel=1e-6, abs=1e-7)


def test_the_widened_network_is_the_same(model):
    """N_e with its third input in one piece gives what the two parts give, and N_e itself without a style."""
    network = GeneralizedNetwork()
    torch.nn.init.normal_(network.expression_field.output.weight, std=0.1)
    coordinates, condition, style = (
        torch.randn(3, 7, 4),
        torch.randn(3, IDENTITY_CODE_SIZE + EXPRESSION_CODE_SIZE),
        torch.randn(3, STYLE_SIZE),
    )
    with torch.no_grad():
        whole = model.network.widened(network.expression_field)
        parts = model.network.displacement(network, coordinates, condition, style)
        assert torch.allclose(whole(coordinates, torch.cat([condition, style], dim=1)), parts, atol=1e-5)
        plain = network.expression_field(coordinates, condition)
        assert (parts - plain).abs().max() > 1e-3
        none = torch.zeros_like(style)
        assert torch.allclose(whole(coordinates, torch.cat([condition, none], dim=1)), plain, atol=1e-5)


def test_files(model, tmp_path):
    """The whole model and a style of one's own come back; what does not belong is refused."""
    whole = tmp_path / "style.safetensors"
    save_weights(model.network, whole, {"model": "style", "styles": "one,two"})
    again = load_style(whole)
    assert again.names == ("one", "two")
    for found, wanted in zip(again.perform(ASKED, {"two": 1.0}), model.perform(ASKED, {"two": 1.0}), strict=True):
        assert np.array_equal(found, wanted)

    own = tmp_path / "own.safetensors"
    readout = Readout(
        torch.full((EXPRESSION_COUNT, FEATURE_COUNT), 0.01), torch.full((STYLE_SIZE, FEATURE_COUNT), 0.02)
    )
    save_style(again, readout, own)
    added = again.with_file(own, "mine")
    assert added.names == ("one", "two", "mine")
    assert all(torch.equal(*parts) for parts in zip(added.readouts["mine"], readout, strict=True))
    with pytest.raises(WeightsError, match="style file is wanted"):
        again.with_file(whole, "mine")
    torch.manual_seed(5)
    other = StyleModel(StyleNetwork(0), {})
    with pytest.raises(WeightsError, match="another version"):
        other.with_file(own, "mine")
    save_style(again, readout._replace(muscles=torch.full_like(readout.muscles, float("nan"))), own)
    with pytest.raises(WeightsError, match="damaged"):
        again.with_file(own, "mine")


def test_shipped_styles_differ():
    """Nine, and each makes another smile."""
    shipped = load_style()
    assert shipped.names == tuple(f"actor_{index}" for index in range(1, 10))
    smile = expression(mouthSmileLeft=1.0, mouthSmileRight=1.0)
    smiles = np.stack([shipped.perform(smile, {name: 1.0})[0] for name in shipped.names])
    distance = np.abs(smiles[:, None] - smiles[None]).max(axis=2)
    assert distance[~np.eye(9, dtype=bool)].min() > 0.1
