"""Verification against theory: a bending bar, the shape at rest, and the same result with every number of threads."""

import dataclasses

import numba
import numpy as np
import pytest

from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.gravity import DENSITY_KG_PER_MM3
from physface_blender.simulation.obstacle import REST_POSE, RigidPose
from physface_blender.simulation.settings import Method, SimulationSettings
from physface_blender.simulation.simulator import Simulator
from physface_blender.simulation.state import SimulationState, Status

from .blocks import EMPTY, BlockSpace, block_mesh, collision_patch, embed, jittered, lips

LENGTH_MM, HEIGHT_MM = 24.0, 4.0
EXACT = SimulationSettings(tolerance_mm=1e-7, linear_tolerance=1e-3, attachment_stiffness=1e6, contact=False)


def cantilever_sag(division: int, gravity: float) -> float:
    """How far the free end of a clamped bar of square section sinks, in mm, with so many cubes over its height."""
    edge = HEIGHT_MM / division
    nodes, hexes, cells = block_mesh((6 * division, division, division), edge)
    clamped, tip = nodes[nodes[:, 0] == 0.0], nodes[nodes[:, 0] == LENGTH_MM]
    nothing, ones = embed([], nodes, hexes, edge), np.ones(len(hexes))
    space = BlockSpace(
        edge,
        nodes,
        hexes,
        cells,
        ones,
        embed(tip, nodes, hexes, edge),
        embed(clamped, nodes, hexes, edge),
        nothing,
        EMPTY,
    )
    simulator = Simulator(space, nodes, settings=EXACT)
    result = simulator.solve(nodes, np.eye(4), conditions=Conditions(gravity=(0.0, -gravity, 0.0)))
    assert result.status is Status.CONVERGED
    return float((nodes - result.state.positions)[nodes[:, 0] == LENGTH_MM, 1].mean())


def test_a_bar_bends_as_beam_theory_says_to_second_order():
    """Timoshenko's cantilever under its own weight.

    To first order mu |F - R|^2 is mu |strain|^2: an elastic solid with Young's modulus 2 mu, shear modulus mu and Poisson's
    ratio 0, whose shear coefficient is 5 / 6.
    """
    mu, gravity = EXACT.shear_modulus_mpa, 0.005  # so weak that the bar sinks by a hundredth of its height
    weight = DENSITY_KG_PER_MM3 * gravity * HEIGHT_MM**2  # newton per millimeter of length
    inertia = HEIGHT_MM**4 / 12.0
    bending = weight * LENGTH_MM**4 / (8.0 * 2.0 * mu * inertia)
    shear = weight * LENGTH_MM**2 / (2.0 * 5.0 / 6.0 * mu * HEIGHT_MM**2)
    # Elements are too stiff, so it is the stiffness whose error is one power of their size.
    coarse, middle, fine = (1.0 / cantilever_sag(division, gravity) for division in (1, 2, 4))
    assert 1.0 / fine < 0.02 * HEIGHT_MM
    order = np.log2((coarse - middle) / (middle - fine))
    assert 1.8 < order < 2.2
    limit = fine - (middle - fine) / 3.0  # Richardson's, of second order
    assert 1.0 / limit == pytest.approx(bending + shear, rel=0.005)  # how exact the theory is for a bar so thick
    assert fine > 1.02 * limit  # no element size is exact by itself


@pytest.mark.parametrize("method", Method)
def test_without_actuation_crumpled_tissue_returns_to_rest(method):
    nodes, hexes, cells = block_mesh((5, 4, 3), 3.0)
    bottom = embed(nodes[nodes[:, 2] == 0.0], nodes, hexes, 3.0)
    nothing = embed([], nodes, hexes, 3.0)
    space = BlockSpace(3.0, nodes, hexes, cells, np.ones(len(hexes)), nothing, bottom, nothing, EMPTY)
    settings = SimulationSettings(method=method, tolerance_mm=1e-8, linear_tolerance=1e-3, max_iterations=500)
    crumpled = SimulationState(jittered(nodes, 0.5, 0), nodes, REST_POSE)
    result = Simulator(space, nodes, settings=settings).solve(nodes, np.eye(4), crumpled)
    assert result.status is Status.CONVERGED
    assert result.energies[0] > 1e-3
    np.testing.assert_allclose(result.state.positions, nodes, atol=1e-6)


def test_a_solve_with_contact_does_not_depend_on_the_number_of_threads():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was started with a single thread")
    space, patches = lips(edge=4.0, gap=1.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    jaw = np.eye(4)
    jaw[:3, 3] = [0.4, 2.5, 0.2]
    lower = space.node_positions[:, 1] < -0.5
    target = space.node_positions + lower[:, None] * jaw[:3, 3]
    before, reached = numba.get_num_threads(), []
    settings = SimulationSettings(tolerance_mm=1e-4)
    for threads in (1, 2):
        simulator = Simulator(
            space, space.node_positions, collision=geometry, settings=dataclasses.replace(settings, threads=threads)
        )
        result = simulator.solve(target, jaw)
        assert result.status is Status.CONVERGED
        reached.append(result.state.positions)
    numba.set_num_threads(before)
    assert np.abs(reached[0] - target).max() > 0.5  # contact holds it off
    np.testing.assert_allclose(reached[1], reached[0], rtol=0.0, atol=1e-6)


@pytest.fixture(scope="module")
def resting_lips():
    """Contact of two slabs a millimeter apart, and its nodes."""
    space, patches = lips(edge=4.0, gap=1.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    simulator = Simulator(space, space.node_positions, collision=geometry)
    return simulator._tissue.contact, space.node_positions


@pytest.mark.parametrize("seed", range(8))
def test_the_free_part_of_any_step_is_free_all_the_way(resting_lips, seed):
    """Random steps of up to some millimeters, teeth aside: the part that is let through collides nowhere on its way."""
    contact, nodes = resting_lips
    rng = np.random.default_rng(seed)
    sizes = rng.uniform(0.05, 4.0), rng.uniform(0.0, 0.5)
    step = jittered(np.zeros_like(nodes), sizes[1], seed) + rng.normal(size=3) * sizes[0] * (nodes[:, 1:2] < -0.5)
    start = contact.geometry.surface(nodes, REST_POSE)
    end = contact.geometry.surface(nodes + step, RigidPose.of(np.eye(4)))
    fraction = contact.barrier.free_fraction(start, end)
    assert 0.0 < fraction <= 1.0
    for share in np.linspace(0.05, 1.0, 20):
        assert not contact.barrier.intersects(start + share * fraction * (end - start))
    if contact.barrier.intersects(end):
        assert fraction < 1.0


def test_some_of_those_steps_collide(resting_lips):
    contact, nodes = resting_lips
    start = contact.geometry.surface(nodes, REST_POSE)
    up = contact.geometry.surface(nodes + np.array([0.0, 1.5, 0.0]) * (nodes[:, 1:2] < -0.5), REST_POSE)
    down = contact.geometry.surface(nodes - np.array([0.0, 1.5, 0.0]) * (nodes[:, 1:2] < -0.5), REST_POSE)
    assert 0.5 < contact.barrier.free_fraction(start, up) < 1.0 / 1.5
    assert contact.barrier.free_fraction(start, down) == 1.0
