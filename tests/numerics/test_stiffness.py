"""Tests of the constant stiffness matrix."""

import numpy as np
import pytest

from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.stiffness import elastic_stiffness

from .blocks import block_mesh, jittered


@pytest.fixture
def elasticity():
    nodes, hexes, _ = block_mesh((3, 3, 2))
    return ShapeTargeting(jittered(nodes, 0.3, 0), hexes, np.linspace(0.3, 1.0, len(hexes)), 0.0017)


def test_stiffness_is_the_hessian_without_rotations(elasticity):
    """With A = 0 the energy is the quadratic form of K itself, so its gradient is K x."""
    elasticity.set_actuation(np.zeros((3, 3)))
    pose = np.random.default_rng(1).normal(size=(elasticity.node_count, 3))
    _, gradient = elasticity.energy_and_gradient(pose)
    assert np.linalg.norm(gradient) > 1e-3
    np.testing.assert_allclose(elastic_stiffness(elasticity) @ pose, gradient, atol=1e-14)


def test_stiffness_bounds_the_hessian(elasticity):
    """The rotations only take stiffness away, and at most five times as much as there is."""
    elasticity.set_actuation(np.diag([1.1, 0.9, 1.0]))
    generator = np.random.default_rng(2)
    elasticity.linearize(generator.normal(size=(elasticity.node_count, 3)))
    matrix = elastic_stiffness(elasticity)
    for _ in range(20):
        direction = generator.normal(size=(elasticity.node_count, 3))
        upper = np.vdot(direction, matrix @ direction)
        lower = np.vdot(direction, elasticity.hessian_product(direction))
        assert -4.0 * upper <= lower <= upper
        assert lower < 0.99 * upper


def test_translations_cost_nothing_and_the_matrix_is_symmetric(elasticity):
    matrix = elastic_stiffness(elasticity)
    assert abs(matrix - matrix.T).max() < 1e-17
    assert np.abs(matrix @ np.ones(elasticity.node_count)).max() < 1e-15
    assert matrix.diagonal().min() > 1e-4
