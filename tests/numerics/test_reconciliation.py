"""Tests of targets that are brought into agreement with the bones."""

import numpy as np
import pytest

from physface_blender.simulation.sensitivities.reconciled_target import reconciled_gradient
from physface_blender.simulation.simulator import Simulator
from physface_blender.simulation.state import Status

from .blocks import BlockSpace, block_mesh, embed, rotation, surface_grid


@pytest.fixture(scope="module")
def cheek():
    """A block between bone and skin: half of its bottom on the skull, half on the mandible, its top is skin."""
    nodes, hexes, cells = block_mesh((6, 4, 3), 4.0)
    bottom = nodes[nodes[:, 2] == 0.0]
    skin = surface_grid((0, 0, 12), (24, 0, 0), (0, 16, 0), (12, 8))[0]
    space = BlockSpace(
        4.0, nodes, hexes, cells, np.ones(len(hexes)), embed(skin, nodes, hexes, 4.0),
        embed(bottom[bottom[:, 0] < 11.0], nodes, hexes, 4.0), embed(bottom[bottom[:, 0] > 13.0], nodes, hexes, 4.0),
        np.zeros(0, dtype=np.int32),
    )  # fmt: skip
    simulator = Simulator(space, nodes)
    return simulator, simulator.reconciliation(np.ones(len(skin), dtype=bool)), nodes


def jaw_of(degrees):
    jaw = np.eye(4)
    jaw[:3, :3] = rotation([1, 0, 0], degrees)
    return jaw


def distances(simulator, nodes, others):
    """How far the skin lies apart with nodes (N, 3) and others."""
    return np.linalg.norm(simulator.space.skin.apply(nodes - others), axis=1)


def test_skin_stays_and_bones_are_followed(cheek):
    simulator, reconciliation, rest = cheek
    jaw = jaw_of(4.0)
    target = rest + 0.02 * (rest - rest.mean(axis=0)) @ rotation([0, 0, 1], 30.0) + np.array([0.6, -0.3, 0.2])
    plain = simulator.solve(target, jaw)
    assert distances(simulator, plain.state.positions, target).max() > 0.5  # the bones carry the skin away
    agreed = reconciliation.applied(target, jaw)
    assert distances(simulator, agreed, target).max() < 0.05
    result = simulator.solve(agreed, jaw)
    assert result.status is Status.CONVERGED
    assert simulator.bone_slip(result.state) < 1e-3
    assert distances(simulator, result.state.positions, target).max() < 0.06


def test_agreement_is_left_alone(cheek):
    _, reconciliation, rest = cheek
    bent = rest + np.array([0.0, 0.0, 0.01]) * rest[:, 2:] ** 2
    np.testing.assert_allclose(reconciliation.applied(bent, np.eye(4)), bent, atol=1e-9)


def test_derivatives_against_central_differences(cheek):
    _, reconciliation, rest = cheek
    generator = np.random.default_rng(1)
    target, jaw = rest + generator.normal(scale=0.3, size=rest.shape), jaw_of(3.0)
    loss = generator.normal(size=rest.shape)
    by_target, by_jaw = reconciled_gradient(reconciliation, loss, jaw)

    def value(shift, turn):
        return np.vdot(loss, reconciliation.applied(target + shift, jaw_of(3.0 + turn)))

    direction, step = generator.normal(size=rest.shape), 1e-3
    slope = (value(step * direction, 0.0) - value(-step * direction, 0.0)) / (2.0 * step)
    assert abs(slope) > 1.0
    assert np.vdot(by_target, direction) == pytest.approx(slope, rel=1e-5)
    slope = (value(0.0, step) - value(0.0, -step)) / (2.0 * step)
    turning = (jaw_of(3.0 + step) - jaw_of(3.0 - step)) / (2.0 * step)
    assert abs(slope) > 1e-2
    assert np.vdot(by_jaw, turning) == pytest.approx(slope, rel=1e-4)


def test_disagreement_is_taken_up_linearly(cheek):
    _, reconciliation, rest = cheek
    shift = np.random.default_rng(0).normal(scale=0.3, size=rest.shape)
    once = reconciliation.applied(rest + shift, np.eye(4)) - rest - shift
    twice = reconciliation.applied(rest + 2.0 * shift, np.eye(4)) - rest - 2.0 * shift
    assert np.abs(once).max() > 0.3
    np.testing.assert_allclose(twice, 2.0 * once, atol=1e-5)
