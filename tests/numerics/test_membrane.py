"""Tests of skin without tissue: a strip that hangs between a block of tissue and bone."""

import numpy as np
import pytest

from physface_blender.simulation.membrane import Membrane, MembraneSprings

from .blocks import block_mesh, embed

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
