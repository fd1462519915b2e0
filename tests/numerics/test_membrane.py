"""Tests of skin without tissue: a strip that hangs between a block of tissue and bone."""

import numpy as np
import pytest

from physface_blender.simulation.attachments import Attachments
from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.membrane import Membrane, MembraneSprings
from physface_blender.simulation.obstacle import RigidPose
from physface_blender.simulation.stiffness import elastic_stiffness

from .blocks import block_mesh, embed, jittered

COUNT = 6


@pytest.fixture
def strip():
    """A row of vertices from the corner of a cube outwards; the last but one is free, the last on the mandible."""
    nodes, hexes, _ = block_mesh((1, 1, 1), 4.0)
    points = np.array([[4.0 + i, 4.0, 4.0] for i in range(COUNT)])
    held = embed(points[:1], nodes, hexes, 4.0)
    corners, weights = np.zeros((COUNT, 8), dtype=np.int32), np.zeros((COUNT, 8))
    corners[:1], weights[:1] = held.corners, held.weights
    nothing = np.zeros(0, dtype=np.int64)
    membrane = Membrane(
        vertices=np.arange(1, COUNT),
        edges=np.array([[i, i + 1] for i in range(COUNT - 1)]),
        on_skull=nothing,
        on_mandible=np.array([COUNT - 2]),
        following=nothing,
    )
    rest = np.concatenate([nodes, points[1:]])
    return membrane, MembraneSprings(membrane, corners, weights, rest, 0.005), rest, len(nodes)


def equilibrium(springs, rest, held_nodes, targets):
    """The nodes (N + L, 3) that minimize the springs' energy with the first nodes held."""
    matrix = (springs.rows.T @ springs.rows.multiply(springs.stiffness[:, None])).toarray()
    right = springs.rows.T @ (springs.stiffness[:, None] * targets)
    free = np.arange(held_nodes, len(rest))
    solution = rest.copy()
    solution[free] = np.linalg.solve(
        matrix[np.ix_(free, free)], right[free] - matrix[np.ix_(free, np.arange(held_nodes))] @ rest[:held_nodes]
    )
    return solution


def test_it_rests_at_rest(strip):
    _, springs, rest, count = strip
    targets = springs.targets(rest, lambda points: points)
    np.testing.assert_allclose(springs.rows @ rest, targets, atol=1e-12)
    np.testing.assert_allclose(equilibrium(springs, rest, count, targets), rest, atol=1e-9)


def test_it_hangs_straight_between_tissue_and_bone(strip):
    """A chain of equal springs: displacement grows linearly, the bone's spring being worth a tenth of an edge."""
    membrane, springs, rest, count = strip
    shift = np.array([0.0, -3.0, 1.0])
    solution = equilibrium(springs, rest, count, springs.targets(rest, lambda points: points + shift))
    length = (COUNT - 1) + 0.1
    share = np.arange(1, COUNT) / length
    np.testing.assert_allclose(solution[count:] - rest[count:], share[:, None] * shift, atol=1e-9)
    assert len(membrane.vertices) == COUNT - 1


def test_every_vertex_of_it_is_carried_by_a_node_of_its_own(strip):
    membrane, _, rest, count = strip
    corners, weights = membrane.carry(np.zeros((COUNT, 8), dtype=np.int32), np.zeros((COUNT, 8)), count)
    carried = np.einsum("pk,pkx->px", weights, rest[corners])
    np.testing.assert_array_equal(carried[1:], rest[count:])
    assert not weights[0].any()


def test_the_far_ends_of_all_springs_have_their_derivatives():
    """The springs' forces are linear in their far ends, so that a finite change gives the derivative."""
    nodes, hexes, _ = block_mesh((1, 1, 1), 4.0)
    points = np.array([[4.0 + i, 4.0, 4.0] for i in range(COUNT)])
    held = embed(points[:1], nodes, hexes, 4.0)
    corners, weights = np.zeros((COUNT, 8), dtype=np.int32), np.zeros((COUNT, 8))
    corners[:1], weights[:1] = held.corners, held.weights
    edges = np.array([[i, i + 1] for i in range(COUNT - 1)])
    membrane = Membrane(np.arange(1, COUNT), edges, np.array([1]), np.array([COUNT - 2]), np.array([2]))
    rest = np.concatenate([nodes, points[1:]])
    springs = MembraneSprings(membrane, corners, weights, rest, 0.005)
    graph = elastic_stiffness(ShapeTargeting(rest, hexes, np.ones(1), 1.0))
    skull, mandible = (embed(nodes[rows] + 0.5, nodes, hexes, 4.0) for rows in ([0, 1], [4]))
    attachments = Attachments(
        rest, skull, mandible, np.array([3]), graph, 1.5, 4.0, springs, border_stiffness_mpa_per_mm=0.7
    )
    adjoint = np.random.default_rng(0).normal(size=rest.shape)
    found = attachments.target_gradient(adjoint)
    assert len(found.skull_points) == 3
    assert len(found.mandible_points) == 2

    def work(target, jaw):
        attachments.set_boundary(target, RigidPose.of(jaw))
        return -float(np.vdot(adjoint, attachments.energy_and_gradient(rest)[1]))

    target, shifted = jittered(rest, 1.0, 1), np.eye(4)
    shifted[:3, 3] = [0.3, -0.2, 0.5]
    change = work(target, np.eye(4)) - work(rest, np.eye(4))
    assert abs(change) > 1e-3
    assert np.vdot(found.target_nodes, target - rest) == pytest.approx(change, rel=1e-9)
    assert set(np.flatnonzero(found.target_nodes.any(axis=1))) == {3, len(nodes) + 2}
    change = work(rest, shifted) - work(rest, np.eye(4))
    assert abs(change) > 1e-3
    assert found.mandible.sum(axis=0) @ shifted[:3, 3] == pytest.approx(change, rel=1e-9)
    # Nothing is left out: moving everything that the springs pull at is moving their far ends the other way.
    everything = found.skull.sum(axis=0) + found.mandible.sum(axis=0) + found.target_nodes.sum(axis=0)
    np.testing.assert_allclose(everything, (attachments.matrix @ adjoint).sum(axis=0), rtol=1e-9)
