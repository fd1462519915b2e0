"""Tests of friction: derivatives, sticking and sliding on an incline, and that it never pushes."""

import numpy as np
import pytest

from physface_blender.simulation.barrier import SurfaceBarrier
from physface_blender.simulation.friction import Friction
from physface_blender.simulation.simulator import Conditions, ConditionsError, SimulationSettings, Simulator

from .blocks import BlockSpace, block_mesh, collision_patch, embed, surface_grid

STICKING_MM = 0.005


@pytest.fixture(scope="module")
def contacts():
    """Contacts of a crumpled sheet with a plane, and all vertices."""
    sheet, sheet_faces = surface_grid((0, 0.1, 0), (0, 0, 8), (8, 0, 0), (6, 7))
    sheet = sheet + np.random.default_rng(0).normal(scale=0.02, size=sheet.shape)
    plane, plane_faces = surface_grid((-5, 0, -5), (0, 0, 18), (18, 0, 0), (5, 4))
    surface = np.concatenate([sheet, plane])
    barrier = SurfaceBarrier(surface, np.concatenate([sheet_faces, plane_faces + len(sheet)]), len(sheet), 0.2, 0.01)
    return barrier.pairs(surface), surface


@pytest.mark.parametrize("way_mm", [0.003, 0.05])
def test_forces_and_curvatures_against_central_differences(contacts, way_mm):
    pairs, surface = contacts
    assert len(pairs) > 20
    friction = Friction(pairs, surface, 0.4)
    generator = np.random.default_rng(1)
    moved = surface + generator.normal(scale=way_mm / 2.0, size=surface.shape)
    direction, step = generator.normal(size=surface.shape), 1e-7

    def gradient(terms):
        total = np.zeros_like(surface)
        np.add.at(total, terms.corners, terms.forces)
        return total

    terms = friction.expand(moved)
    ahead, behind = friction.expand(moved + step * direction), friction.expand(moved - step * direction)
    expected = (ahead.energy - behind.energy) / (2 * step)
    assert abs(expected) > 1e-4
    assert np.vdot(gradient(terms), direction) == pytest.approx(expected, rel=1e-5)
    rates = np.einsum("kc,kcd,kd->k", terms.weights, direction[terms.corners], terms.directions)
    bend = np.vdot(direction, gradient(ahead) - gradient(behind)) / (2 * step)
    assert bend > 1e-3
    assert (terms.curvatures * rates**2).sum() == pytest.approx(bend, rel=1e-4)
    assert (terms.curvatures >= 0.0).all()


def test_friction_does_not_act_across_the_surfaces_nor_at_rest(contacts):
    pairs, surface = contacts
    friction = Friction(pairs, surface, 1.0)
    assert np.abs(friction.expand(surface).forces).max() == 0.0
    moved = surface.copy()
    moved[:56] += [0.02, 0.0, 0.01]
    forces = friction.expand(moved).forces[: len(pairs)]
    assert np.abs(forces).max() > 1e-5
    assert np.abs(np.einsum("kcd,kd->kc", forces, pairs.normals)).max() < 1e-12 * np.abs(forces).max()


@pytest.fixture(scope="module")
def incline():
    """A block on a plane, with a soft tie around the middle of its top."""
    nodes, hexes, cells = block_mesh((3, 2, 3), 4.0)
    patch = surface_grid((0, 0, 0), (0, 0, 12), (12, 0, 0), (9, 11))
    plane = surface_grid((-20, -0.1, -20), (0, 0, 52), (52, 0, 0), (5, 7))
    empty = embed(np.zeros((0, 3)), nodes, hexes, 4.0)
    skin = embed(patch[0], nodes, hexes, 4.0)
    tie = np.flatnonzero((nodes[:, 1] == 8.0) & (np.abs(nodes[:, ::2] - 6.0) < 3.0).all(axis=1)).astype(np.int32)
    space = BlockSpace(4.0, nodes, hexes, cells, np.ones(len(hexes)), skin, empty, empty, tie)
    collision = collision_patch([patch], nodes, hexes, 4.0, upper=plane)
    # Sliding is told from sticking at 0.005 mm.
    settings = SimulationSettings(tolerance_mm=1e-4, max_iterations=300)
    return Simulator(space, nodes, collision=collision, settings=settings), nodes


@pytest.mark.parametrize("slope", [0.3, 0.6])
def test_block_sticks_or_slides_by_the_slope_of_the_plane(incline, slope):
    """It slides where what pulls it exceeds mu N, with just this force against it, and sticks where it does not."""
    simulator, nodes = incline
    angle = np.arctan(slope)
    load = 60.0 * np.array([np.sin(angle), -np.cos(angle), 0.0])
    pressed = Conditions(gravity=(0.0, load[1], 0.0))
    state = None
    for _ in range(3):
        state = simulator.solve(nodes, np.eye(4), state, conditions=pressed).state
    before = simulator.collision.surface(state.positions, state.pose)
    normal_force = -barrier_of(simulator).pairs(before).pressures.sum()
    count = len(simulator.collision.skin_vertices)

    def pull(friction):
        """Let the plane tilt; return how far the block slides and the force of friction that holds it."""
        result = simulator.solve(nodes, np.eye(4), state, conditions=Conditions(gravity=load, friction=friction))
        after = simulator.collision.surface(result.state.positions, result.state.pose)
        held = -simulator._tissue.attachments.energy_and_gradient(result.state.positions)[1][:, 0].sum()
        return (after - before)[:count, 0].mean(), simulator._tissue._masses.sum() * load[0] + held

    _, needed = pull(1.0)
    # The tie carries some of the weight, and of the pull: tan theta = F / N is known up to that.
    assert needed / normal_force == pytest.approx(slope, rel=0.35)
    slides, rubbed = pull(0.9 * needed / normal_force)
    assert slides > STICKING_MM
    # The pressure is that of the frame before, so the force is known; crumpled edges push a little along the plane too.
    assert rubbed == pytest.approx(0.9 * needed, rel=0.07)
    sticks, rubbed = pull(1.1 * needed / normal_force)
    assert 0.0 < sticks < STICKING_MM
    assert rubbed < 1.1 * needed
    free, rubbed = pull(0.0)
    assert free > 2.0 * slides
    assert rubbed == pytest.approx(0.0, abs=0.01 * needed)


def barrier_of(simulator):
    """The barrier of a simulator."""
    return simulator._tissue.contact.barrier


def test_friction_that_makes_no_sense_is_refused(incline):
    simulator, nodes = incline
    for value in (-0.1, 1.5, np.nan):
        with pytest.raises(ConditionsError, match="friction"):
            simulator.solve(nodes, np.eye(4), conditions=Conditions(friction=value))
