"""Robustness: nothing absurd is solved, no target makes the solver hang, explode or let surfaces through each other."""

import ipctk
import numpy as np
import pytest

from physface_blender.simulation.obstacle import REST_POSE, RigidPose
from physface_blender.simulation.settings import Method, SimulationSettings
from physface_blender.simulation.simulator import SimulationInputError, Simulator
from physface_blender.simulation.state import SimulationState, Status

from .blocks import collision_patch, jittered, lips, rotation


@pytest.fixture(scope="module")
def pair():
    """Two slabs a millimeter apart that may collide, the upper on the skull, the lower on the mandible; their geometry."""
    space, patches = lips(edge=4.0, gap=1.0)
    return space, collision_patch(patches, space.node_positions, space.hexes, 4.0)


def simulator_of(pair, **settings):
    space, geometry = pair
    return Simulator(space, space.node_positions, collision=geometry, settings=SimulationSettings(**settings))


def intersects(pair, state):
    """Whether a state intersects itself, by the library's own test over all triangles."""
    _, geometry = pair
    faces = np.asfortranarray(geometry.faces)
    surface = geometry.surface(state.positions, state.pose)
    return ipctk.has_intersections(ipctk.CollisionMesh(surface, np.asfortranarray(ipctk.edges(faces)), faces), surface)


def wild_frame(space, seed):
    """A jaw thrown about and a target without any regard for tissue: nodes moved by centimeters, some upside down."""
    rng = np.random.default_rng(seed)
    jaw = np.eye(4)
    jaw[:3, :3] = rotation(rng.normal(size=3), rng.uniform(0.0, 25.0))
    jaw[:3, 3] = rng.normal(size=3) * [3.0, 3.0, 3.0]
    spread = rng.choice([1.0, 8.0, 30.0])
    target = jittered(space.node_positions, spread, seed)
    if seed % 3 == 0:
        target = target * [1.0, -1.0, 1.0]
    return target, jaw


def deep_frame(space):
    """The lower slab driven 3 mm into the upper one, bone and all."""
    jaw = np.eye(4)
    jaw[1, 3] = 4.0
    return space.node_positions + jaw[:3, 3] * (space.node_positions[:, 1:2] < -0.5), jaw


@pytest.mark.parametrize("seed", range(6))
def test_no_target_however_wild_lets_surfaces_through_or_raises_the_energy(pair, seed):
    space, _ = pair
    simulator = simulator_of(pair, max_iterations=12)
    state = None
    for frame in range(2):
        target, jaw = wild_frame(space, 2 * seed + frame)
        result = simulator.solve(target, jaw, state)
        state = result.state
        assert np.isfinite(state.positions).all()
        assert not intersects(pair, state)
        # A jaw that leaps is followed in steps of five degrees, each of which has the bound of a frame.
        assert result.iterations <= 12 * 11
        assert result.linear_iterations <= result.iterations * 55 + 11
        if len(result.energies) > 1:
            assert (np.diff(result.energies) <= 1e-12 * result.energies[0]).all()


def test_those_targets_are_wild(pair):
    """Without contact they end in intersections, so that the test above means something."""
    space, _ = pair
    simulator = simulator_of(pair, max_iterations=12)
    ends = [simulator.solve(*wild_frame(space, seed), contact=False).state for seed in range(6)]
    assert sum(intersects(pair, end) for end in ends) >= 3


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_solve_that_does_not_converge_returns_the_last_state_without_intersections(pair, most):
    space, geometry = pair
    target, jaw = deep_frame(space)
    simulator = simulator_of(pair, max_iterations=most)
    result = simulator.solve(target, jaw)
    assert result.status is Status.NOT_CONVERGED
    assert result.iterations == most
    assert result.state.collision_free
    assert not intersects(pair, result.state)
    assert np.abs(result.state.positions - space.node_positions).max() > 0.1  # it got on
    assert geometry.surface(target, RigidPose.of(jaw))[: 12 * 18, 1].min() > 2.9  # the lower patch, in the upper slab


@pytest.mark.parametrize("method", Method)
def test_every_method_honors_the_bound_with_contact_and_goes_on_from_where_it_stopped(pair, method):
    space, _ = pair
    target, jaw = deep_frame(space)
    simulator = simulator_of(pair, max_iterations=4, method=method)
    state = None
    heights = []
    for _ in range(4):
        result = simulator.solve(target, jaw, state)
        state = result.state
        assert result.iterations <= 4
        assert not intersects(pair, state)
        heights.append(state.pose.jaw[1, 3])
    assert heights == sorted(heights)
    assert heights[-1] > 0.9


def test_a_held_pose_rests(pair):
    """The same deep target again and again: the tissue moves less than a hundredth of a millimeter between frames."""
    space, _ = pair
    target, jaw = deep_frame(space)
    simulator = simulator_of(pair)
    state = simulator.solve(target, jaw).state
    assert np.abs(state.positions - target).max() > 1.0  # contact holds it off
    for _ in range(4):
        result = simulator.solve(target, jaw, state)
        assert result.status is Status.CONVERGED
        moved = np.linalg.norm(space.skin.apply(result.state.positions - state.positions), axis=1)
        assert moved.max() < 0.01
        state = result.state


@pytest.mark.parametrize(
    "fault", ["start_nan", "start_shape", "start_far", "eye_nan", "eye_scaled", "jaw_mirrored", "jaw_far"]
)
def test_absurd_starts_eyes_and_jaws_are_refused_before_anything_is_solved(pair, fault):
    space, _ = pair
    simulator = simulator_of(pair)
    rest, jaw, eyes, start = space.node_positions, np.eye(4), (np.eye(4), np.eye(4)), None
    if fault.startswith("start"):
        positions = rest.copy()
        if fault == "start_nan":
            positions[5, 2] = np.nan
        elif fault == "start_shape":
            positions = positions[:-3]
        else:
            positions[5, 2] += 1e5
        start = SimulationState(positions, rest, REST_POSE, collision_free=True)
    elif fault == "eye_nan":
        eyes[1][0, 3] = np.nan
    elif fault == "eye_scaled":
        eyes[0][:3, :3] *= 1.1
    elif fault == "jaw_mirrored":
        jaw[0, 0] = -1.0
    else:
        jaw[1, 3] = -1e5
    with pytest.raises(SimulationInputError) as caught:
        simulator.solve(rest, jaw, start, eyes=eyes)
    assert str(caught.value).count(".") >= 1
    # Nothing of it stays behind.
    assert simulator.solve(rest, np.eye(4)).status is Status.CONVERGED
