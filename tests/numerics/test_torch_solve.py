"""The simulator as a torch function: gradients arrive where they belong, and what has none says so."""

import numpy as np
import pytest
import torch

from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.mandible_shape import MandibleShape
from physface_blender.simulation.sensitivities.adjoint import SensitivityError
from physface_blender.simulation.sensitivities.sensitivities import sensitivities
from physface_blender.simulation.sensitivities.torch_solve import simulate_frame, simulate_frames
from physface_blender.simulation.simulator import SimulationInputError, SimulationSettings, Simulator, Status

from .blocks import collision_patch, lips

CONDITIONS = Conditions(mandible=MandibleShape(np.array([[40.0, -30.0, -20.0], [-16.0, -30.0, -20.0]]), np.ones(3)))


def make_simulator(**changes):
    space, patches = lips(edge=4.0)
    exact = {"tolerance_mm": 1e-10, "linear_tolerance": 1e-3, "max_linear_iterations": 500, "max_iterations": 500}
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    settings = SimulationSettings(attachment_stiffness=100.0, **exact | changes)
    return Simulator(space, space.node_positions, collision=geometry, settings=settings)


@pytest.fixture(scope="module")
def simulator():
    return make_simulator()


def arguments(simulator, *, actuated):
    """All inputs, with gradients wanted; the jaw from a twist."""
    rest = simulator.rest.positions
    generator = torch.Generator().manual_seed(0)
    target = torch.from_numpy(rest.copy())
    target[:, 1] += torch.from_numpy((rest[:, 1] < -0.5) * 1.1)
    target += 0.05 * torch.randn(target.shape, generator=generator, dtype=torch.float64)
    twist = torch.tensor([0.0, 0.0, 0.02, 0.1, 1.15, 0.0], dtype=torch.float64)
    given = {
        "target_nodes": target,
        "twist": twist,
        "paralysis": torch.full((len(rest),), 0.3, dtype=torch.float64),
        "mandible_scale": torch.tensor([1.01, 0.99, 1.01], dtype=torch.float64),
    }
    if actuated:
        # With noise: slabs that stay flat face each other in edges that are parallel, where distances have kinks.
        noise = 0.03 * torch.randn((len(simulator.space.hexes), 3, 3), generator=generator, dtype=torch.float64)
        given["actuation"] = torch.diag(torch.tensor([1.08, 1.0, 0.95], dtype=torch.float64)) + noise + noise.mT
    return {name: tensor.requires_grad_(True) for name, tensor in given.items()}


def rigid(twist):
    generator = torch.zeros((4, 4), dtype=torch.float64)
    x, y, z = twist[:3]
    generator[0, 1], generator[0, 2], generator[1, 2] = -z, y, -x
    generator[1, 0], generator[2, 0], generator[2, 1] = z, -y, x
    generator[:3, 3] = twist[3:]
    return torch.linalg.matrix_exp(generator)


def solved(simulator, given, start=None):
    given = dict(given)
    return simulate_frame(
        simulator, given.pop("target_nodes"), rigid(given.pop("twist")), start, conditions=CONDITIONS, **given
    )


def loss_of(pose):
    """A number that is no linear function of the pose."""
    goal = torch.from_numpy(np.random.default_rng(1).normal(size=pose.shape))
    return ((pose - goal) ** 2).sum()


def test_gradients_of_a_loss_against_a_central_difference(simulator):
    """Through contact, along a way that changes all inputs at once; one by one they are tested without torch."""
    given = arguments(simulator, actuated=False)
    pose, result = solved(simulator, given)
    assert result.status is Status.CONVERGED
    assert result.minimum_distance_mm < 0.14
    loss_of(pose).backward()
    generator, step, values = torch.Generator().manual_seed(2), 2e-6, []
    ways = {name: torch.randn(value.shape, generator=generator, dtype=torch.float64) for name, value in given.items()}
    slopes = {name: float((given[name].grad * way).sum()) for name, way in ways.items()}
    assert min(abs(slope) for slope in slopes.values()) > 0.1
    for sign in (1.0, -1.0):
        changed = {name: value.detach() + sign * step * ways[name] for name, value in given.items()}
        values.append(float(loss_of(solved(simulator, changed, result.state)[0])))
    assert sum(slopes.values()) == pytest.approx((values[0] - values[1]) / (2.0 * step), rel=2e-4)


def test_gradients_by_tensors_of_cells_are_those_of_their_points(simulator):
    given = arguments(simulator, actuated=True)
    pose, result = solved(simulator, given)
    loss_of(pose).backward()
    assert given["target_nodes"].grad.abs().max() == 0.0  # nothing of it is left but the start: there is no border
    assert given["actuation"].grad.norm() > 1.0
    loss = torch.autograd.functional.jacobian(loss_of, pose.detach())
    conditions = Conditions(
        paralysis=given["paralysis"].detach().numpy(),
        mandible=MandibleShape(CONDITIONS.mandible.condyles, given["mandible_scale"].detach().numpy()),
    )
    tensors = given["actuation"].detach().numpy()
    found = sensitivities(simulator, result, loss.numpy(), conditions=conditions, actuation=tensors)
    # Both solve the adjoint system to 1e-9, from sums that threads add up in their own order.
    np.testing.assert_allclose(given["actuation"].grad.numpy(), found.actuation.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(given["paralysis"].grad.numpy(), found.paralysis, atol=1e-6)


def test_frames_are_solved_one_by_one(simulator):
    given = arguments(simulator, actuated=True)
    targets = torch.stack([given["target_nodes"], given["target_nodes"]]).detach()
    jaws = rigid(given["twist"]).detach().expand(2, 4, 4)
    actuations = torch.stack([given["actuation"], given["actuation"] * 1.02]).detach().requires_grad_(True)
    poses, results = simulate_frames(simulator, targets, jaws, [None, None], actuations=actuations, contact=False)
    assert [result.status for result in results] == [Status.CONVERGED] * 2
    weights = torch.from_numpy(np.random.default_rng(3).normal(size=poses.shape))
    (poses * weights).sum().backward()
    alone = actuations.detach()[1].requires_grad_(True)
    pose, _ = simulate_frame(simulator, targets[1], jaws[1], actuation=alone, contact=False)
    (pose * weights[1]).sum().backward()
    assert alone.grad.norm() > 1e-2
    torch.testing.assert_close(actuations.grad[1], alone.grad, rtol=1e-6, atol=1e-9)
    assert not torch.allclose(actuations.grad[0], alone.grad, rtol=1e-2)


def test_a_pose_that_did_not_converge_cannot_be_gone_back_through():
    simulator = make_simulator(max_iterations=1)
    given = arguments(simulator, actuated=False)
    pose, result = solved(simulator, given)
    assert result.status is Status.NOT_CONVERGED
    with pytest.raises(SensitivityError, match="did not converge"):
        pose.sum().backward()


def test_single_precision_and_scales_of_no_mandible_are_refused(simulator):
    given = arguments(simulator, actuated=False)
    target, jaw = given["target_nodes"].detach(), rigid(given["twist"]).detach()
    with pytest.raises(SimulationInputError, match="float64"):
        simulate_frame(simulator, target.float(), jaw)
    with pytest.raises(SimulationInputError, match="need conditions with a mandible"):
        simulate_frame(simulator, target, jaw, mandible_scale=given["mandible_scale"].detach())
