"""Tests of the barrier, of collision detection, and of the linear systems with contact."""

from collections import Counter

import ipctk
import numpy as np
import pytest

from physface_blender.simulation.contact import Contact, ContactSolution, _factor
from physface_blender.simulation.factorization import SupernodalFactor, dissect
from physface_blender.simulation.obstacle import REST_POSE, RigidPose
from physface_blender.simulation.simulator import SimulationSettings, Simulator

from .blocks import (
    EMPTY,
    BlockSpace,
    block_mesh,
    box_surface,
    collision_patch,
    embed,
    jittered,
    lips,
    rotation,
    surface_grid,
)

DISTANCE_MM = 0.2


@pytest.fixture
def near_lips():
    """Contact of two slabs brought within the barrier's distance, slightly crumpled, and its nodes."""
    space, patches = lips(edge=4.0, gap=1.0)
    contact = Contact(
        collision_patch(patches, space.node_positions, space.hexes, 4.0), space.node_positions, DISTANCE_MM, 0.01
    )
    nodes = jittered(space.node_positions, 0.01, 0)
    nodes[space.node_positions[:, 1] < -0.5] += [0.0, 0.9, 0.0]
    return contact, nodes


def near_lips_rest():
    """Nodes of the two slabs at rest."""
    return lips(edge=4.0, gap=1.0)[0].node_positions.copy()


def test_gradient_of_the_barrier_against_central_differences(near_lips):
    contact, nodes = near_lips
    direction, step = np.random.default_rng(1).normal(size=nodes.shape), 1e-6
    terms = contact.expand(contact.geometry.surface(nodes, REST_POSE))

    def energy(moved):
        return contact.barrier.pairs(contact.geometry.surface(moved, REST_POSE)).energy

    expected = (energy(nodes + step * direction) - energy(nodes - step * direction)) / (2 * step)
    assert terms.pairs > 50
    assert abs(expected) > 1e-3
    assert np.vdot(terms.gradient, direction[contact.geometry.patch_nodes]) == pytest.approx(expected, rel=1e-5)


def test_hessian_of_the_barrier_is_positive_and_near_the_exact_one(near_lips):
    contact, nodes = near_lips
    terms = contact.expand(contact.geometry.surface(nodes, REST_POSE))
    assert np.abs(terms.hessian - terms.hessian.T).max() < 1e-12 * np.abs(terms.hessian).max()
    assert np.linalg.eigvalsh(terms.hessian).min() > -1e-10 * np.abs(terms.hessian).max()
    direction, step = np.random.default_rng(2).normal(size=nodes.shape), 1e-6
    ahead = contact.expand(contact.geometry.surface(nodes + step * direction, REST_POSE)).gradient
    behind = contact.expand(contact.geometry.surface(nodes - step * direction, REST_POSE)).gradient
    patch = direction[contact.geometry.patch_nodes]
    exact = np.vdot(patch, ahead - behind) / (2 * step)
    local = patch[terms.active].ravel()
    # What is left out is of the order of the distance over the length of an edge, here 0.2 over 2.
    assert local @ terms.hessian @ local == pytest.approx(exact, rel=0.1)
    assert exact > 1e-3


def test_barrier_is_that_of_the_reference_implementation(near_lips):
    contact, nodes = near_lips
    surface, barrier = contact.geometry.surface(nodes, REST_POSE), contact.barrier
    rest = contact.geometry.surface(near_lips_rest(), REST_POSE)
    faces = np.asfortranarray(contact.geometry.faces)
    mesh = ipctk.CollisionMesh(rest, np.asfortranarray(ipctk.edges(faces)), faces)
    collisions = ipctk.NormalCollisions()
    collisions.use_area_weighting = True
    collisions.build(mesh, surface, DISTANCE_MM)
    potential = ipctk.BarrierPotential(DISTANCE_MM, 0.01, use_physical_barrier=True)
    pairs = barrier.pairs(surface)
    kinds = Counter((pairs.weights != 0.0).sum(axis=1))
    assert min(kinds[2], kinds[3], kinds[4]) > 0
    assert len(pairs) == len(collisions)
    assert pairs.energy == pytest.approx(potential(collisions, mesh, surface), rel=1e-12)
    gradient = potential.gradient(collisions, mesh, surface).reshape(-1, 3)
    np.testing.assert_allclose(pairs.gradient(len(surface)), gradient, atol=1e-12 * np.abs(gradient).max())
    assert barrier.minimum_distance(surface) == pytest.approx(
        np.sqrt(collisions.compute_minimum_distance(mesh, surface)), rel=1e-12
    )


def test_parallel_edges_push_each_other_as_the_energy_says(near_lips):
    contact, _ = near_lips
    nodes = near_lips_rest()
    nodes[nodes[:, 1] < -0.5] += [0.0, 0.9, 0.0]  # flat slabs: all edges have parallel ones opposite
    surface = contact.geometry.surface(nodes, REST_POSE)
    surface[:, 0] += 0.003 * np.sin(surface[:, 2] * surface[:, 1])
    direction, step = np.random.default_rng(3).normal(size=surface.shape), 1e-7
    ahead = contact.barrier.pairs(surface + step * direction).energy
    behind = contact.barrier.pairs(surface - step * direction).energy
    gradient = contact.barrier.pairs(surface).gradient(len(surface))
    assert abs(ahead - behind) > 1e-9
    assert np.vdot(gradient, direction) == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)


def test_drag_is_the_change_of_the_gradient_when_teeth_move():
    nodes, hexes, _ = block_mesh((4, 2, 3), 4.0)
    patch = surface_grid((0.0, 8.0, 0.0), (0, 0, 12), (16, 0, 0), (8, 10))
    teeth = box_surface((4.0, 8.15, 4.0), (12.0, 12.0, 8.0))
    contact = Contact(collision_patch([patch], nodes, hexes, 4.0, lower=teeth), nodes, DISTANCE_MM, 0.01)
    step = np.eye(4)
    step[1, 3] = -1e-5
    here, there = contact.geometry.surface(nodes, REST_POSE), contact.geometry.surface(nodes, RigidPose.of(step))
    terms = contact.expand(here, there - here)
    change = contact.expand(there).gradient - terms.gradient
    assert np.linalg.norm(change) > 1e-8
    np.testing.assert_allclose(terms.drag, change, atol=1e-2 * np.abs(change).max())


def test_step_is_cut_before_impact(near_lips):
    contact, nodes = near_lips
    start = contact.geometry.surface(nodes, REST_POSE)
    through = nodes.copy()
    through[: len(nodes) // 2] += [0.0, 3.0, 0.0]  # the lower slab
    end = contact.geometry.surface(through, REST_POSE)
    fraction = contact.barrier.free_fraction(start, end)
    assert 0.0 < fraction < 0.1
    lower = 12 * 18  # vertices of the lower patch
    assert (end[:lower, 1] > 2.5).all()
    stopped = start + fraction * (end - start)
    assert not contact.barrier.intersects(stopped)
    assert stopped[:lower, 1].mean() < stopped[lower:, 1].mean()
    assert contact.barrier.free_fraction(start, start) == 1.0


def test_teeth_do_not_collide_with_teeth():
    nodes, hexes, _ = block_mesh((2, 2, 2), 4.0)
    patch = surface_grid((0.0, 8.0, 0.0), (0, 0, 8), (8, 0, 0), (2, 2))
    upper, lower = box_surface((0.0, 10.0, 0.0), (4.0, 14.0, 4.0)), box_surface((1.0, 12.0, 1.0), (5.0, 16.0, 5.0))
    contact = Contact(collision_patch([patch], nodes, hexes, 4.0, upper=upper, lower=lower), nodes, DISTANCE_MM, 0.01)
    assert not contact.intersects(nodes, REST_POSE)
    down = np.eye(4)
    down[1, 3] = -5.0
    assert contact.intersects(nodes, RigidPose.of(down))


def test_system_with_contact_is_solved_exactly_through_the_compliance(near_lips):
    """K + W^T H W, once assembled and once through the patch's compliance."""
    contact, nodes = near_lips
    space, _ = lips(edge=4.0, gap=1.0)
    simulator = Simulator(space, space.node_positions, collision=contact.geometry)
    stiffness = simulator._tissue.stiffness
    lattice = np.rint(space.node_positions / 4.0 * [1, 1, 1] + [0, 0.25, 0]).astype(int)
    tree = dissect(lattice, (stiffness.indptr, stiffness.indices), contact.geometry.patch_nodes)
    factor = SupernodalFactor(stiffness, tree, np.float64)
    terms = contact.expand(contact.geometry.surface(nodes, REST_POSE))
    right = np.random.default_rng(3).normal(size=nodes.shape)
    solution = factor.solve(right, ContactSolution(factor.compliance, terms))
    image = stiffness @ solution
    active = contact.geometry.patch_nodes[terms.active]
    force = (terms.hessian @ solution[active].ravel()).reshape(-1, 3)
    assert np.abs(force).max() > 1e-3
    image[active] += force
    np.testing.assert_allclose(image, right, atol=1e-8)


def test_pressed_slabs_never_intersect_and_the_energy_never_rises():
    """The lower slab is driven 2 mm into the upper one, and then aside; checked with ipctk's own test."""
    space, patches = lips(edge=4.0, gap=1.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    simulator = Simulator(
        space, space.node_positions, collision=geometry, settings=SimulationSettings(tolerance_mm=0.005)
    )
    faces = np.asfortranarray(geometry.faces)
    state = None
    for shift in ([0.3, 3.0, 0.2], [2.0, 3.0, 0.2]):
        jaw = np.eye(4)
        jaw[:3, 3] = shift
        lower = space.node_positions[:, 1] < -0.5
        target = space.node_positions + lower[:, None] * np.array(shift)
        wanted = geometry.surface(target, RigidPose.of(jaw))
        mesh = ipctk.CollisionMesh(wanted, np.asfortranarray(ipctk.edges(faces)), faces)
        assert (wanted[: 12 * 18, 1] > 1.9).all()  # the lower patch, 2 mm inside the upper slab
        result = simulator.solve(target, jaw, state)
        state = result.state
        assert result.status.name == "CONVERGED"
        reached = geometry.surface(state.positions, state.pose)
        assert not ipctk.has_intersections(mesh, reached)
        assert 0.0 < reached[12 * 18 :, 1].mean() - reached[: 12 * 18, 1].mean() < 0.3
        assert 0.0 < result.minimum_distance_mm < 0.2
        assert np.array_equal(state.pose.jaw, jaw)
        assert len(result.energies) > 2
        assert (np.diff(result.energies) <= 1e-12 * result.energies[0]).all()
    held = simulator.solve(target, jaw, state)
    assert np.abs(held.state.positions - state.positions).max() < 0.01


def test_a_moving_tooth_pushes_the_tissue_ahead():
    """A tooth on the mandible sinks 3 mm into a block that is held from below; its target is to stay at rest."""
    nodes, hexes, cells = block_mesh((5, 3, 5), 4.0)
    patch = surface_grid((0.0, 12.0, 0.0), (0, 0, 20), (20, 0, 0), (14, 15))
    tooth = box_surface((8.0, 12.5, 8.0), (12.0, 18.0, 12.0))
    bottom = embed(nodes[nodes[:, 1] == 0.0], nodes, hexes, 4.0)
    nothing = embed(np.zeros((0, 3)), nodes, hexes, 4.0)
    space = BlockSpace(
        4.0, nodes, hexes, cells, np.ones(len(hexes)), embed(patch[0], nodes, hexes, 4.0), bottom, nothing, EMPTY
    )
    geometry = collision_patch([patch], nodes, hexes, 4.0, lower=tooth)
    simulator = Simulator(space, nodes, collision=geometry)
    jaw = np.eye(4)
    jaw[:3, :3] = rotation([0, 0, 1], 8.0)
    jaw[:3, 3] = np.array([10.0, 15.0, 10.0]) - jaw[:3, :3] @ [10.0, 15.0, 10.0] - [0.0, 3.5, 0.0]
    assert simulator._tissue.contact.intersects(nodes, RigidPose.of(jaw))
    result = simulator.solve(nodes, jaw)
    assert result.status.name == "CONVERGED"
    assert not simulator._tissue.contact.intersects(result.state.positions, result.state.pose)
    assert np.array_equal(result.state.pose.jaw, jaw)
    dent = (nodes - result.state.positions)[nodes[:, 1] == 12.0, 1].max()
    assert 2.0 < dent < 4.5


def test_nothing_near_gives_no_terms():
    space, patches = lips(edge=4.0, gap=1.0)
    contact = Contact(
        collision_patch(patches, space.node_positions, space.hexes, 4.0), space.node_positions, DISTANCE_MM, 0.01
    )
    terms = contact.expand(contact.geometry.surface(space.node_positions, REST_POSE))
    assert terms.pairs == 0
    assert terms.energy == 0.0
    assert not terms.gradient.any()
    assert len(terms.active) == 0


def test_a_contact_system_that_rounding_made_indefinite_is_still_factorized():
    """A leap once ended in an exception of LAPACK instead of a status."""
    turned = rotation([1, 2, 3], 40.0)
    system = turned @ np.diag([1e10, 1.0, -1e-7]) @ turned.T
    system = 0.5 * (system + system.T)
    lower, _ = _factor(system, np.float32)
    factor = np.tril(lower)
    np.testing.assert_allclose(factor @ factor.T, system, atol=1e-3 * 1e10)
    definite = turned @ np.diag([3.0, 2.0, 1.0]) @ turned.T
    factor = np.tril(_factor(definite, np.float64)[0])
    np.testing.assert_allclose(factor @ factor.T, definite, atol=1e-13)
