"""Paralysis and edited mandibles on blocks of tissue, and what is painted on skin in the tissue under it."""

import numpy as np
import pytest

from physface_blender.simulation.conditions import Conditions, ConditionsError
from physface_blender.simulation.mandible_shape import MandibleShape
from physface_blender.simulation.obstacle import REST_POSE, Carrier, Obstacle, PoseMotion, RigidPose
from physface_blender.simulation.settings import SimulationSettings
from physface_blender.simulation.simulator import Simulator
from physface_blender.simulation.skin_extension import SkinExtension

from .blocks import box_surface, collision_patch, lips

CONDYLES = np.array([[30.0, 0.0, 0.0], [-30.0, 0.0, 0.0]])


def test_half_paralysis_actuates_half_as_much():
    space, _ = lips()
    nodes = space.node_positions
    settings = SimulationSettings(tolerance_mm=1e-7, contact=False)
    simulator = Simulator(space, nodes, settings=settings)
    target = nodes * [1.1, 1.0, 1.0]

    def length(share):
        paralysis = None if share is None else np.full(len(nodes), share)
        state = simulator.solve(target, np.eye(4), conditions=Conditions(paralysis=paralysis)).state
        return np.ptp(state.positions[np.abs(nodes[:, 1]) < 1.5, 0])

    unimpaired, none, half, full = (length(share) for share in (None, 0.0, 0.5, 1.0))
    assert none == pytest.approx(unimpaired, abs=1e-9)
    assert full == pytest.approx(24.0, abs=1e-5)
    assert half - 24.0 == pytest.approx(0.5 * (none - 24.0), rel=0.1)
    assert none > 24.5


def test_what_is_painted_on_one_lip_does_not_reach_the_other():
    space, patches = lips()
    count = len(patches[0][0])
    painted = np.zeros(len(space.skin.hexes))
    painted[count:] = 1.0  # the upper one
    field = SkinExtension(space).extended(painted)
    upper = space.node_positions[:, 1] >= 0.0
    assert field[upper].min() > 0.99
    assert field[~upper].max() < 0.01
    graded = SkinExtension(space).extended(np.concatenate([p for p, _ in patches])[:, 0])
    skin = np.isin(space.node_positions[:, 1], (-1.0, 0.0))
    np.testing.assert_allclose(graded[skin], space.node_positions[skin, 0], atol=1.0)
    assert graded.min() >= 0.0
    assert graded.max() <= 24.0 + 1e-9


def test_the_mandible_is_scaled_about_its_condyles():
    shape = MandibleShape(CONDYLES, np.array([0.8, 1.2, 0.9]))
    np.testing.assert_allclose(shape.applied(CONDYLES), CONDYLES)
    np.testing.assert_allclose(shape.applied(np.array([[10.0, -50.0, 80.0]])), [[12.0, -45.0, 64.0]])
    halfway = PoseMotion(REST_POSE, RigidPose.of(np.eye(4), None, shape)).at(0.5)
    np.testing.assert_allclose(halfway.on_mandible(np.array([[10.0, -50.0, 80.0]])), [[11.0, -47.5, 72.0]])
    tooth = Obstacle(np.array([[10.0, -50.0, 80.0]]), np.zeros((0, 3), dtype=np.int32), Carrier.MANDIBLE)
    np.testing.assert_allclose(tooth.posed(halfway), [[11.0, -47.5, 72.0]])
    back = PoseMotion(halfway, REST_POSE)
    assert back.at(1.0).mandible is None
    np.testing.assert_allclose(back.at(0.5).mandible.scale, [0.95, 1.05, 0.975])


def test_a_shift_moves_the_body_of_the_mandible_and_leaves_the_joints():
    shape = MandibleShape(CONDYLES, np.ones(3), 5.0)
    chin = np.array([[10.0, -50.0, 80.0]])
    np.testing.assert_allclose(shape.applied(CONDYLES), CONDYLES)
    np.testing.assert_allclose(shape.applied(chin), [[15.0, -50.0, 80.0]])
    halfway = PoseMotion(REST_POSE, RigidPose.of(np.eye(4), None, shape)).at(0.5)
    np.testing.assert_allclose(halfway.on_mandible(chin), [[12.5, -50.0, 80.0]])


def test_a_tooth_on_a_growing_mandible_pushes_the_tissue_ahead():
    space, patches = lips()
    nodes = space.node_positions
    # The tooth lies between the slabs and grows upward, by more than the gap above it.
    tooth = box_surface((8.0, -0.7, 6.0), (16.0, -0.3, 10.0))
    collision = collision_patch(patches, nodes, space.hexes, 2.0, lower=tooth)
    simulator = Simulator(space, nodes, collision=collision)
    shape = MandibleShape(np.array([[12.0, -80.0, 8.0], [12.0, -80.0, 8.0]]), np.array([1.0, 1.0, 1.025]))
    result = simulator.solve(nodes, np.eye(4), conditions=Conditions(mandible=shape))
    assert result.state.collision_free
    assert result.minimum_distance_mm > 0.0
    assert result.state.pose.mandible is shape
    grown = shape.applied(tooth[0])[:, 1].max()
    assert grown > 1.0
    under = (nodes[:, 1] == 0.0) & (np.abs(nodes[:, 0] - 12.0) < 3.0) & (np.abs(nodes[:, 2] - 8.0) < 1.5)
    assert result.state.positions[under, 1].min() > grown - 0.3
    again = simulator.solve(nodes, np.eye(4), result.state)
    assert again.state.pose.mandible is None
    np.testing.assert_allclose(again.state.positions, nodes, atol=0.05)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"gravity": (0.0, np.nan, 0.0)}, "finite"),
        ({"gravity": (0.0, -9.8)}, "three"),
        ({"gravity": (0.0, 1e6, 0.0)}, "three finite"),
        ({"paralysis": np.zeros(3)}, "nodes"),
        ({"paralysis": "long"}, "between 0 and 1"),
        ({"mandible": MandibleShape(CONDYLES, np.array([1.0, np.inf, 1.0]))}, "above zero"),
        ({"mandible": MandibleShape(CONDYLES, np.array([1.0, -1.0, 1.0]))}, "above zero"),
        ({"border_shift": np.zeros((2, 3))}, "border"),
    ],
)
def test_absurd_conditions_are_refused(fault, sentence):
    space, _ = lips()
    nodes = space.node_positions
    if isinstance(fault.get("paralysis"), str):
        fault = {"paralysis": np.full(len(nodes), np.nan)}
    simulator = Simulator(space, nodes)
    with pytest.raises(ConditionsError, match=sentence):
        simulator.solve(nodes, np.eye(4), conditions=Conditions(**fault))
