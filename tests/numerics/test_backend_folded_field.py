"""Modulated sine networks folded for one code."""

import numpy as np
import pytest
import torch

from physface_blender.backend.displacement_sampler import DisplacementSampler
from physface_blender.backend.folded_field import CHUNK_SIZE, FoldedEvaluator
from physface_blender.networks.generalized import (
    EXPRESSION_CODE_SIZE,
    IDENTITY_CODE_SIZE,
    GeneralizedModel,
    GeneralizedNetwork,
)

CODE_SIZE = IDENTITY_CODE_SIZE + EXPRESSION_CODE_SIZE


@pytest.fixture(scope="module")
def network():
    """A network in which every parameter matters."""
    torch.manual_seed(0)
    network = GeneralizedNetwork().eval().requires_grad_(False)
    for field in (network.identity_field, network.expression_field):
        for name, parameter in field.named_parameters():
            if not name.startswith("layers"):
                parameter.copy_(0.05 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize("thread_count", [1, 3])
@pytest.mark.parametrize("count", [1, CHUNK_SIZE, 3 * CHUNK_SIZE + 7])
def test_it_equals_the_network(network, thread_count, count):
    coordinates, code = torch.rand(count, 4) * 2.0 - 1.0, torch.randn(1, CODE_SIZE) * 0.3
    expected = network.expression_field(coordinates[None], code)[0]
    folded = FoldedEvaluator(thread_count).evaluate(network.expression_field, coordinates, code)
    assert expected.abs().max() > 0.3
    np.testing.assert_allclose(folded.numpy(), expected.numpy(), atol=3e-5)


def test_the_code_matters(network):
    coordinates = torch.rand(10, 4)
    evaluator = FoldedEvaluator()
    first, second = (
        evaluator.evaluate(network.expression_field, coordinates, torch.full((1, CODE_SIZE), c)) for c in (0.1, 0.2)
    )
    assert (first - second).abs().max() > 1e-2


def test_threads_change_nothing(network):
    coordinates, code = torch.rand(5000, 4), torch.randn(1, CODE_SIZE)
    one, four = (FoldedEvaluator(count).evaluate(network.expression_field, coordinates, code) for count in (1, 4))
    np.testing.assert_array_equal(one.numpy(), four.numpy())


def test_torch_is_alone_in_our_threads(network, monkeypatch):
    """However many threads it has in the caller's, where numba's loops, of the same OpenMP library, set them."""
    linear, before, counts = torch.nn.functional.linear, torch.get_num_threads(), []

    def counted(*arguments):
        counts.append(torch.get_num_threads())
        return linear(*arguments)

    torch.set_num_threads(2)
    try:
        assert torch.get_num_threads() == 2
        evaluator = FoldedEvaluator()
        monkeypatch.setattr(torch.nn.functional, "linear", counted)
        evaluator.evaluate(network.expression_field, torch.rand(3, 4), torch.randn(1, CODE_SIZE))
    finally:
        torch.set_num_threads(before)
    assert counts
    assert counts[-1] == 1


def test_the_sampler_equals_the_actor(network):
    actor = GeneralizedModel(network).actor(np.random.default_rng(0).standard_normal(100))
    random = np.random.default_rng(1)
    points, parting = random.uniform(-60.0, 60.0, (900, 3)), random.uniform(-1.0, 1.0, 900)
    weights = random.uniform(0.0, 1.0, 52)
    sampler = DisplacementSampler(actor, points, parting, FoldedEvaluator())
    expected = actor.displacement(points, parting, weights)
    assert np.abs(expected).max() > 0.3
    # Single precision, as above; this random network moves points by more than a hundred millimeters.
    tolerance = 3e-5 * np.abs(expected).max()
    np.testing.assert_allclose(sampler.displacements(weights), expected, atol=tolerance)
    np.testing.assert_array_equal(sampler.displacements(np.zeros(52)), np.zeros((900, 3)))
