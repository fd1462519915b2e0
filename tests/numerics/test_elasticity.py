"""Tests of the elastic energy: exactness, invariance, and its derivatives against central differences in float64."""

import numpy as np
import pytest

from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.hexahedron import RestShapeError, gauss_points, shape_gradients, shape_values
from physface_blender.simulation.polar import polar_rotation
from physface_blender.simulation.stiffness import elastic_stiffness

from .blocks import block_mesh, jittered, rotation

MU = 0.0017


@pytest.fixture
def tissue():
    """A distorted block with partly filled cells, its energy, and a target some way off."""
    nodes, hexes, _ = block_mesh((4, 3, 3))
    nodes = jittered(nodes, 0.3, 1)
    fill = np.linspace(0.1, 1.0, len(hexes))
    elasticity = ShapeTargeting(nodes, hexes, fill, MU)
    return nodes, elasticity, jittered(nodes, 0.4, 2)


def test_shape_functions_reproduce_points_and_sum_to_one():
    local = np.random.default_rng(0).uniform(size=(20, 3))
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], dtype=float)
    np.testing.assert_allclose(shape_values(local) @ corners, local, atol=1e-14)
    np.testing.assert_allclose(
        np.einsum("pia,ib->pab", shape_gradients(local), corners), np.eye(3)[None].repeat(20, 0), atol=1e-14
    )


@pytest.mark.parametrize("seed", range(20))
def test_polar_rotation_is_the_nearest_proper_rotation(seed):
    matrix = np.random.default_rng(seed).normal(size=(3, 3))
    u, _, vt = np.linalg.svd(matrix)
    expected = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    np.testing.assert_allclose(np.reshape(polar_rotation(*matrix.ravel()), (3, 3)), expected, atol=1e-9)


def test_volume_of_a_skewed_block_is_exact():
    nodes, hexes, _ = block_mesh((3, 2, 2), 2.0)
    shear = np.array([[1.0, 0.3, 0.0], [0.0, 1.2, 0.1], [0.0, 0.0, 0.9]])
    elasticity = ShapeTargeting(nodes @ shear.T, hexes, np.ones(len(hexes)), 1.0)
    assert elasticity.weights.sum() == pytest.approx(6 * 4 * 4 * np.linalg.det(shear))


def test_linear_patch(tissue):
    """An affine deformation has the same deformation gradient everywhere, and its energy is exact."""
    nodes, elasticity, _ = tissue
    deformation = np.array([[1.1, 0.2, 0.0], [0.0, 0.9, 0.1], [0.05, 0.0, 1.2]])
    elasticity.set_target(nodes @ deformation.T + [3.0, 1.0, -2.0])
    _, s, vt = np.linalg.svd(deformation)
    np.testing.assert_allclose(
        elasticity.actuation, np.broadcast_to(vt.T * s @ vt, elasticity.actuation.shape), atol=1e-12
    )
    elasticity.set_actuation(np.eye(3))
    expected = elasticity.weights.sum() * ((s - 1.0) ** 2).sum()
    assert elasticity.energy(nodes @ deformation.T) == pytest.approx(expected, rel=1e-12)
    assert expected > 1e-3


def test_inner_nodes_of_a_patch_are_in_equilibrium(tissue):
    nodes, elasticity, _ = tissue
    elasticity.set_actuation(np.eye(3))
    grid, hexes, _ = block_mesh((4, 3, 3))
    elasticity.weights[:] = elasticity.weights / np.clip(np.linspace(0.1, 1.0, len(hexes)), 0.2, 1.0)[:, None]
    _, gradient = elasticity.energy_and_gradient(nodes @ np.diag([1.2, 0.9, 1.05]))
    inner = ((grid > 0) & (grid < grid.max(axis=0))).all(axis=1)
    assert inner.sum() == 12
    assert np.abs(gradient[inner]).max() < 1e-15
    assert np.abs(gradient[~inner]).max() > 1e-4


@pytest.mark.parametrize("spread", [0.05, 0.5, 3.0])
def test_energy_is_that_of_its_definition(tissue, spread):
    """Point by point with singular values; cells 2 mm wide whose nodes are thrown 3 mm about are turned inside out."""
    nodes, elasticity, target = tissue
    elasticity.set_target(target)
    pose = jittered(nodes, spread, 9)
    reference = np.einsum("eix,qia->eqxa", pose[elasticity.hexes], shape_gradients(gauss_points()))
    gradient = reference @ elasticity.inverse_jacobians
    u, _, vt = np.linalg.svd(gradient @ elasticity.actuation)
    u[..., 2] *= np.linalg.det(u @ vt)[..., None]
    strain = gradient - u @ vt @ elasticity.actuation
    expected = (elasticity.weights * (strain**2).sum(axis=(2, 3))).sum()
    if spread == 3.0:
        assert (np.linalg.det(gradient) < 0.0).mean() > 0.2
    assert expected > 1e-4
    assert elasticity.energy(pose) == pytest.approx(expected, rel=1e-9)


def test_rigid_motion_changes_nothing(tissue):
    nodes, elasticity, target = tissue
    elasticity.set_target(target)
    turn = rotation([1, 2, 3], 70.0)
    pose = jittered(nodes, 0.3, 4)
    energy, gradient = elasticity.energy_and_gradient(pose)
    moved_energy, moved_gradient = elasticity.energy_and_gradient(pose @ turn.T + [5.0, -7.0, 11.0])
    assert energy > 1e-4
    assert moved_energy == pytest.approx(energy, rel=1e-11)
    np.testing.assert_allclose(moved_gradient, gradient @ turn.T, atol=1e-13)


def test_consistent_actuation_makes_the_target_an_exact_minimizer(tissue):
    nodes, elasticity, target = tissue
    elasticity.set_target(target)
    energy, gradient = elasticity.energy_and_gradient(target)
    at_rest, rest_gradient = elasticity.energy_and_gradient(nodes)
    assert energy < 1e-25
    assert np.abs(gradient).max() < 1e-15
    assert at_rest > 1e-3
    assert np.abs(rest_gradient).max() > 1e-4


def test_an_inverted_target_is_an_exact_minimizer_too(tissue):
    nodes, elasticity, _ = tissue
    target = nodes * [1.0, 1.0, -0.8]
    elasticity.set_target(target)
    assert elasticity.energy(target) < 1e-25


def test_gradient_against_central_differences(tissue):
    nodes, elasticity, target = tissue
    elasticity.set_target(target)
    pose, direction = jittered(nodes, 0.5, 5), np.random.default_rng(6).normal(size=nodes.shape)
    step = 1e-5
    _, gradient = elasticity.energy_and_gradient(pose)
    expected = (elasticity.energy(pose + step * direction) - elasticity.energy(pose - step * direction)) / (2 * step)
    assert abs(expected) > 1e-3
    assert np.vdot(gradient, direction) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("stretch", [(1.5, 1.4, 1.6), (0.6, 0.7, 0.5)])
def test_hessian_product_against_central_differences(tissue, stretch):
    """Stretched tissue has no negative curvature, compressed tissue has; the Hessian is exact in both."""
    nodes, elasticity, _ = tissue
    elasticity.set_actuation(np.diag([1.0, 0.9, 1.1]))
    pose = jittered(nodes, 0.05, 7) * stretch
    direction, step = np.random.default_rng(8).normal(size=nodes.shape), 1e-5
    elasticity.linearize(pose)
    product = elasticity.hessian_product(direction)
    _, ahead = elasticity.energy_and_gradient(pose + step * direction)
    _, behind = elasticity.energy_and_gradient(pose - step * direction)
    expected = (ahead - behind) / (2 * step)
    assert np.linalg.norm(expected) > 1e-2
    np.testing.assert_allclose(product, expected, atol=1e-7 * np.linalg.norm(expected))


def dense_hessian(elasticity, nodes):
    return np.stack([elasticity.hessian_product(row.reshape(-1, 3)).ravel() for row in np.eye(nodes.size)])


def test_curvature_of_squeezed_tissue_is_bounded(tissue):
    """The exact Hessian of flattened tissue is unbounded below; ours is symmetric and stays above -4 times K."""
    nodes, elasticity, target = tissue
    elasticity.set_target(target)
    elasticity.linearize(nodes * [0.05, 0.04, 0.06])
    dense = dense_hessian(elasticity, nodes)
    np.testing.assert_allclose(dense, dense.T, atol=1e-12 * np.abs(dense).max())
    stiffest = np.linalg.eigvalsh(elastic_stiffness(elasticity).toarray()).max()
    values = np.linalg.eigvalsh(dense)
    assert -4.0 * stiffest < values.min() < -0.5 * stiffest


def test_cells_without_volume_are_refused():
    nodes, hexes, _ = block_mesh((2, 2, 2))
    nodes[hexes[3]] = nodes[hexes[3]] * [1.0, 1.0, 0.0]
    with pytest.raises(RestShapeError, match="have no volume at rest"):
        ShapeTargeting(nodes, hexes, np.ones(len(hexes)), MU)


def test_gauss_rule_integrates_cubics():
    points = gauss_points()
    assert (points[:, 0] ** 3 * points[:, 1] ** 2).mean() == pytest.approx(1 / 4 / 3)
