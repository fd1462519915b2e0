"""Gravity and stiffness on a hanging bar, against linear elasticity."""

import numpy as np
import pytest

from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.gravity import (
    DENSITY_KG_PER_MM3,
    GRAVITY_N_PER_KG,
    gravity_change,
    head_rotation,
    nodal_masses,
)
from physface_blender.simulation.hexahedron import reference_jacobians
from physface_blender.simulation.obstacle import REST_POSE
from physface_blender.simulation.settings import SimulationSettings
from physface_blender.simulation.simulator import SimulationInputError, Simulator
from physface_blender.simulation.tissue import Tissue

from .blocks import EMPTY, BlockSpace, block_mesh, embed, jittered

LENGTH_MM = 24.0
DOWN = np.array([0.0, -GRAVITY_N_PER_KG, 0.0])
EXACT = SimulationSettings(tolerance_mm=1e-9, linear_tolerance=1e-6, attachment_stiffness=1e5, contact=False)
# |F - R|^2 times mu has no volume term: in uniaxial stress the bar keeps its width and pulls with 2 mu.
UNIAXIAL_MPA = 2.0 * EXACT.shear_modulus_mpa


def bar(count):
    """A bar of so many cubes, hung up by its top."""
    edge = LENGTH_MM / count
    nodes, hexes, cells = block_mesh((1, count, 1), edge, (0.0, -LENGTH_MM, 0.0))
    none = embed([], nodes, hexes, edge)
    skin = embed(nodes[nodes[:, 1] == -LENGTH_MM], nodes, hexes, edge)
    top = embed(nodes[nodes[:, 1] == 0.0], nodes, hexes, edge)
    return BlockSpace(edge, nodes, hexes, cells, np.ones(len(hexes)), skin, top, none, EMPTY)


def hang(space, gravity=DOWN, **arguments):
    simulator = Simulator(space, space.node_positions, settings=EXACT, **arguments)
    result = simulator.solve(space.node_positions, np.eye(4), conditions=Conditions(gravity=gravity))
    return result.state.positions - space.node_positions


def test_a_hanging_bar_sags_as_linear_elasticity_says_to_second_order():
    force = DENSITY_KG_PER_MM3 * GRAVITY_N_PER_KG
    errors, edges = [], []
    for count in (3, 6, 12):
        space = bar(count)
        moved = hang(space)
        depth = -space.node_positions[space.hexes].mean(axis=1)[:, 1]
        exact = -force / UNIAXIAL_MPA * (LENGTH_MM * depth - depth**2 / 2.0)
        errors.append(np.sqrt(np.mean((moved[space.hexes].mean(axis=1)[:, 1] - exact) ** 2)))
        edges.append(space.resolution_mm)
        tip = moved[space.node_positions[:, 1] == -LENGTH_MM, 1]
        np.testing.assert_allclose(tip, -force * LENGTH_MM**2 / (2.0 * UNIAXIAL_MPA), rtol=1e-3)
        assert abs(tip).min() > 0.5
    order = np.polyfit(np.log(edges), np.log(errors), 1)[0]
    assert 1.9 < order < 2.1


def test_the_load_is_the_weight_of_what_is_filled():
    nodes, hexes, _ = block_mesh((3, 2, 2), 3.0)
    nodes = jittered(nodes, 0.3, 0)
    fill = np.linspace(0.1, 1.0, len(hexes))
    volumes = reference_jacobians(nodes, hexes)[1]
    masses = nodal_masses(volumes, fill, hexes, len(nodes))
    assert masses.sum() == pytest.approx(DENSITY_KG_PER_MM3 * (volumes.sum(axis=1) * fill).sum(), rel=1e-12)
    # Consistent: the first moment is that of the trilinear cells, not that of their corners' mean.
    from physface_blender.simulation.hexahedron import gauss_points, shape_values

    points = np.einsum("qc,ecx->eqx", shape_values(gauss_points()), nodes[hexes])
    moment = DENSITY_KG_PER_MM3 * np.einsum("eq,e,eqx->x", volumes, fill, points)
    np.testing.assert_allclose(masses @ nodes, moment, rtol=1e-12)


def test_energy_and_gradient_agree_under_gravity():
    space = bar(4)
    tissue = Tissue(space, space.node_positions, None, EXACT)
    nodes = jittered(space.node_positions, 0.4, 1)
    gradients = {}
    for gravity in (0.0 * DOWN, np.array([3.0, -7.0, 5.0])):
        tissue.set_target(space.node_positions, REST_POSE, Conditions(gravity=gravity))
        gradient = tissue.expand(nodes, None).gradient
        rng, step = np.random.default_rng(0), 1e-4
        for _ in range(5):
            direction = rng.normal(size=nodes.shape)
            change = tissue.energy(nodes + step * direction, None) - tissue.energy(nodes - step * direction, None)
            assert change / (2.0 * step) == pytest.approx(np.vdot(gradient, direction), rel=1e-6)
        gradients[float(gravity[0])] = gradient
    load = gradients[0.0] - gradients[3.0]
    weight = DENSITY_KG_PER_MM3 * LENGTH_MM * space.resolution_mm**2
    np.testing.assert_allclose(load.sum(axis=0), weight * np.array([3.0, -7.0, 5.0]), rtol=1e-9)


@pytest.mark.parametrize(
    ("angles", "direction"),
    [
        ((90.0, 0.0, 0.0), (0.0, 0.0, 1.0)),  # face down: towards the front of the face
        ((-90.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
        ((0.0, 0.0, 90.0), (-1.0, 0.0, 0.0)),  # leaning to the right: towards the right
        ((180.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ((90.0, 55.0, 0.0), (0.0, 0.0, 1.0)),
    ],
)
def test_gravity_pulls_where_the_head_turns_it(angles, direction):
    pulled = gravity_change(head_rotation(*angles)) + DOWN
    np.testing.assert_allclose(pulled, GRAVITY_N_PER_KG * np.array(direction), atol=1e-12)


def test_upright_gravity_changes_nothing_at_all():
    for angles in ((0.0, 0.0, 0.0), (0.0, 40.0, 0.0)):
        np.testing.assert_array_equal(gravity_change(head_rotation(*angles)), 0.0)
    space = bar(3)
    simulator = Simulator(space, space.node_positions, settings=EXACT)
    target = jittered(space.node_positions, 0.2, 0)
    plain = simulator.solve(target, np.eye(4)).state.positions
    upright = Conditions(gravity=gravity_change(head_rotation(0.0, 40.0, 0.0)))
    np.testing.assert_array_equal(simulator.solve(target, np.eye(4), conditions=upright).state.positions, plain)
    assert (
        np.abs(simulator.solve(target, np.eye(4), conditions=Conditions(gravity=DOWN)).state.positions - plain).max()
        > 0.1
    )


def test_twice_the_stiffness_halves_the_sag():
    space = bar(4)
    soft, stiff = hang(space), hang(space, stiffness=np.full(len(space.hexes), 2.0))
    assert np.abs(soft).max() > 0.5
    np.testing.assert_allclose(stiff, 0.5 * soft, atol=2e-4)
    half = hang(space, stiffness=np.where(np.arange(len(space.hexes)) < 2, 50.0, 1.0))
    assert np.abs(stiff).max() < np.abs(half).max() < np.abs(soft).max()


@pytest.mark.parametrize("stiffness", [np.ones(3), np.array([1.0, 1.0, 0.0, 1.0]), np.array([1.0, np.nan, 1.0, 1.0])])
def test_a_stiffness_that_makes_no_sense_is_refused(stiffness):
    space = bar(4)
    with pytest.raises(SimulationInputError, match="stiffness"):
        Simulator(space, space.node_positions, settings=EXACT, stiffness=stiffness)
