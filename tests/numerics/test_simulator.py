"""Tests of the simulator's promises: exactness, warm starts, refusals, cancellation, independence of threads."""

import numpy as np
import pytest

from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.obstacle import REST_POSE
from physface_blender.simulation.simulator import SimulationInputError, SimulationSettings, Simulator, Status

from .blocks import EMPTY, BlockSpace, block_mesh, collision_patch, embed, jittered, lips, rotation


@pytest.fixture(scope="module")
def slab():
    """A slab on the skull, and its simulator."""
    nodes, hexes, cells = block_mesh((6, 5, 3), 3.0)
    nothing = embed(np.zeros((0, 3)), nodes, hexes, 3.0)
    bottom = embed(nodes[nodes[:, 2] == 0.0], nodes, hexes, 3.0)
    skin = embed(nodes[nodes[:, 2] == 9.0], nodes, hexes, 3.0)
    space = BlockSpace(3.0, nodes, hexes, cells, np.ones(len(hexes)), skin, bottom, nothing, EMPTY)
    return space, Simulator(space, nodes)


def bulge(nodes):
    """A target that agrees with the bone below."""
    return nodes + nodes[:, 2:] / 9.0 * np.stack(
        [np.sin(nodes[:, 1] / 3.0), np.cos(nodes[:, 0] / 4.0), nodes[:, 0] / 9.0], axis=1
    )


def test_rest_stays_at_rest(slab):
    space, simulator = slab
    result = simulator.solve(space.node_positions, np.eye(4))
    assert result.status is Status.CONVERGED
    assert np.abs(result.state.positions - space.node_positions).max() < 1e-9


def test_a_target_that_agrees_with_the_bones_is_reached_exactly(slab):
    space, simulator = slab
    target = bulge(space.node_positions)
    assert np.abs(target - space.node_positions).max() > 1.0
    result = simulator.solve(target, np.eye(4))
    assert result.status is Status.CONVERGED
    assert result.iterations == 0
    assert result.residual < 1e-12
    assert np.array_equal(result.state.positions, target)


def test_the_target_is_found_from_elsewhere(slab):
    """Carrying over a wrong correction must not keep the solver from the minimizer."""
    space, simulator = slab
    target = bulge(space.node_positions)
    start = simulator.solve(target, np.eye(4)).state
    wrong = type(start)(jittered(start.positions, 0.3, 0), start.target_nodes, start.pose)
    result = simulator.solve(target, np.eye(4), wrong)
    assert result.iterations > 0
    assert result.status is Status.CONVERGED
    assert np.abs(space.skin.apply(result.state.positions - target)).max() < 0.02


@pytest.mark.parametrize("stretch", [(1.2, 0.9, 1.0), (0.7, 1.3, 1.1)])
def test_a_free_block_takes_the_shape_of_a_constant_actuation(stretch):
    """Held at one face by nodes that follow the target only; the shape diag(a, b, c) is exact everywhere."""
    nodes, hexes, cells = block_mesh((4, 3, 3), 3.0)
    nothing = embed(np.zeros((0, 3)), nodes, hexes, 3.0)
    border = np.flatnonzero(nodes[:, 0] == 0.0)
    space = BlockSpace(3.0, nodes, hexes, cells, np.linspace(0.3, 1, len(hexes)), nothing, nothing, nothing, border)
    target = nodes * stretch
    simulator = Simulator(space, nodes, settings=SimulationSettings(tolerance_mm=1e-8, linear_tolerance=1e-3))
    start = simulator.rest
    result = simulator.solve(target, np.eye(4), start)  # begins at target + (rest - rest): the target
    assert np.abs(result.state.positions - target).max() < 1e-9
    wrong = type(start)(jittered(nodes, 0.4, 1), nodes, REST_POSE)
    result = simulator.solve(target, np.eye(4), wrong)
    assert result.iterations > 1
    np.testing.assert_allclose(result.state.positions, target, atol=1e-6)


def test_rotated_target_gives_the_rotated_pose():
    """The whole frame turned, border and all: nothing changes but the turn."""
    nodes, hexes, cells = block_mesh((4, 3, 3), 3.0)
    nothing = embed(np.zeros((0, 3)), nodes, hexes, 3.0)
    space = BlockSpace(
        3.0, nodes, hexes, cells, np.ones(len(hexes)), nothing, nothing, nothing, np.flatnonzero(nodes[:, 2] == 0)
    )
    simulator = Simulator(space, nodes, settings=SimulationSettings(tolerance_mm=1e-7, linear_tolerance=1e-3))
    target, turn = jittered(nodes, 0.3, 2), rotation([1, 1, 0], 40.0)
    start = type(simulator.rest)(jittered(nodes, 0.2, 3), nodes, REST_POSE)
    turned_start = type(start)(start.positions @ turn.T, nodes @ turn.T, REST_POSE)
    plain = simulator.solve(target, np.eye(4), start)
    turned = simulator.solve(target @ turn.T, np.eye(4), turned_start)
    assert plain.iterations > 0
    np.testing.assert_allclose(turned.state.positions, plain.state.positions @ turn.T, atol=1e-6)


def test_warm_start_carries_the_correction_over():
    """The jaw disagrees with the target; the second, equal frame starts at the solution of the first."""
    space, _ = lips(edge=4.0)
    simulator = Simulator(space, space.node_positions)
    jaw = np.eye(4)
    jaw[:3, 3] = [0.0, -2.0, 1.0]
    first = simulator.solve(space.node_positions, jaw)
    second = simulator.solve(space.node_positions + np.array([0.1, 0.0, 0.0]), jaw, first.state)
    again = simulator.solve(space.node_positions, jaw, first.state)
    assert first.iterations > 0
    assert again.iterations == 0
    assert second.status is Status.CONVERGED


def test_contact_off_lets_surfaces_through_and_contact_on_recovers():
    """A state that was solved without contact is no valid start; the solver begins at rest instead."""
    space, patches = lips(edge=4.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    simulator = Simulator(space, space.node_positions, collision=geometry)
    jaw = np.eye(4)
    jaw[1, 3] = 2.0
    target = space.node_positions + (space.node_positions[:, 1:2] < -0.5) * np.array([0.0, 2.0, 0.0])
    through = simulator.solve(target, jaw, contact=False)
    contact = simulator._tissue.contact
    surface = geometry.surface(through.state.positions, through.state.pose)
    assert (surface[: 12 * 18, 1] > surface[12 * 18 :, 1].max() + 0.5).all()
    assert not through.state.collision_free
    assert through.minimum_distance_mm == np.inf
    result = simulator.solve(target, jaw, through.state)
    assert result.status is Status.CONVERGED
    assert result.state.collision_free
    surface = geometry.surface(result.state.positions, result.state.pose)
    assert surface[: 12 * 18, 1].mean() < surface[12 * 18 :, 1].mean()
    assert not contact.intersects(result.state.positions, result.state.pose)


def test_intersecting_rest_is_refused():
    space, patches = lips(edge=4.0)
    patches[0][0][:, 1] += 1.0 + 0.3 * np.sin(patches[0][0][:, 0])
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    with pytest.raises(SimulationInputError, match="must be repaired"):
        Simulator(space, space.node_positions, collision=geometry)


def test_cancelling_returns_the_state_reached():
    space, patches = lips(edge=4.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    simulator = Simulator(space, space.node_positions, collision=geometry)
    jaw = np.eye(4)
    jaw[1, 3] = 2.5
    asked = []

    def should_cancel():
        asked.append(None)
        return len(asked) > 1

    target = space.node_positions + (space.node_positions[:, 1:2] < -0.5) * np.array([0.0, 2.5, 0.0])
    result = simulator.solve(target, jaw, should_cancel=should_cancel)
    assert result.status is Status.CANCELLED
    assert len(asked) == 2
    assert result.iterations == 1
    assert not simulator._tissue.contact.intersects(result.state.positions, result.state.pose)


@pytest.mark.parametrize("fault", ["nan", "shape", "far", "jaw", "jaw_nan"])
def test_absurd_input_is_refused(slab, fault):
    space, simulator = slab
    target, jaw = space.node_positions.copy(), np.eye(4)
    if fault == "nan":
        target[3, 1] = np.nan
    elif fault == "shape":
        target = target[:-1]
    elif fault == "far":
        target[0] += 1e4
    elif fault == "jaw":
        jaw[0, 0] = 1.5
    else:
        jaw[0, 3] = np.inf
    with pytest.raises(SimulationInputError):
        simulator.solve(target, jaw)


def test_threads_do_not_change_the_result():
    import numba

    nodes, hexes, _ = block_mesh((12, 8, 6), 2.0)
    elasticity = ShapeTargeting(nodes, hexes, np.ones(len(hexes)), 0.0017)
    elasticity.set_target(jittered(nodes, 0.2, 0))
    pose, direction = jittered(nodes, 0.3, 1), jittered(np.zeros_like(nodes), 1.0, 2)
    before = numba.get_num_threads()
    results = []
    for count in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(count)
        energy, gradient = elasticity.linearize(pose)
        results.append((energy, gradient, elasticity.hessian_product(direction)))
    numba.set_num_threads(before)
    assert results[0][0] > 1e-3
    for one, many in zip(*results, strict=True):
        np.testing.assert_allclose(many, one, rtol=1e-12)
