"""Tests of the minimizers: one minimizer for all of them, energies that never rise, bounded work."""

import numpy as np
import pytest

from physface_blender.simulation.conjugate_gradients import conjugate_gradients
from physface_blender.simulation.settings import Method, SettingsError, SimulationSettings
from physface_blender.simulation.simulator import Simulator
from physface_blender.simulation.state import Status

from .blocks import EMPTY, BlockSpace, block_mesh, embed, rotation


@pytest.fixture(scope="module")
def bent():
    """A slab on skull and mandible whose jaw turns by 20 degrees, with a bulging target; the space, target and jaw."""
    nodes, hexes, cells = block_mesh((8, 4, 3), 3.0)
    bottom = nodes[nodes[:, 2] == 0.0]
    space = BlockSpace(
        3.0, nodes, hexes, cells, np.ones(len(hexes)),
        embed(nodes[nodes[:, 2] == 9.0], nodes, hexes, 3.0),
        embed(bottom[bottom[:, 0] < 12.0], nodes, hexes, 3.0),
        embed(bottom[bottom[:, 0] > 12.0], nodes, hexes, 3.0),
        EMPTY,
    )  # fmt: skip
    jaw = np.eye(4)
    jaw[:3, :3] = rotation([0, 1, 0], -20.0)
    jaw[:3, 3] = [12.0, 0.0, 0.0] - jaw[:3, :3] @ [12.0, 0.0, 0.0]
    target = nodes + nodes[:, 2:] / 9.0 * np.array([0.0, 0.0, 0.8]) * np.sin(nodes[:, :1] / 4.0)
    return space, target, jaw


def solve(bent, method, **settings):
    space, target, jaw = bent
    simulator = Simulator(
        space, space.node_positions, settings=SimulationSettings(method=method, max_iterations=500, **settings)
    )
    return simulator, simulator.solve(target, jaw)


def test_all_methods_reach_the_same_minimizer(bent):
    results = {method: solve(bent, method, tolerance_mm=1e-7, linear_tolerance=1e-3)[1] for method in Method}
    reference = results[Method.LOCAL_GLOBAL]
    assert np.abs(reference.state.positions - bent[1]).max() > 1.0
    for method, result in results.items():
        assert result.status is Status.CONVERGED, method
        np.testing.assert_allclose(result.state.positions, reference.state.positions, atol=2e-5)
        assert result.energies[-1] == pytest.approx(reference.energies[-1], rel=1e-9)


@pytest.mark.parametrize("method", Method)
def test_energy_never_rises(bent, method):
    _, result = solve(bent, method, tolerance_mm=1e-5)
    assert len(result.energies) > 3
    assert result.energies[0] > 1.1 * result.energies[-1]
    assert (np.diff(result.energies) <= 1e-12 * result.energies[0]).all()


def test_newton_needs_fewer_factor_uses_than_the_reference(bent):
    uses = {method: solve(bent, method, tolerance_mm=1e-5)[1].linear_iterations for method in Method}
    assert uses[Method.NEWTON] < uses[Method.LOCAL_GLOBAL]


def test_bone_slips_less_than_a_hundredth_of_a_millimeter(bent):
    simulator, result = solve(bent, Method.NEWTON)
    assert 0.0 < simulator.bone_slip(result.state) < 0.01


def test_converged_means_that_the_skin_stays(bent):
    """Started again from where it stopped, with a hundredth of the tolerance, the skin moves less than the tolerance."""
    space, _, _ = bent
    _, result = solve(bent, Method.NEWTON)
    exact = solve(bent, Method.NEWTON, tolerance_mm=1e-7, linear_tolerance=1e-3)[1]
    moved = space.skin.apply(exact.state.positions - result.state.positions)
    assert np.linalg.norm(moved, axis=1).max() < 0.02


def test_one_frame_may_ask_for_less(bent):
    space, target, jaw = bent
    simulator = Simulator(space, space.node_positions)
    exact = simulator.solve(target, jaw)
    rough = simulator.solve(target, jaw, tolerance_mm=0.5)
    assert rough.iterations < exact.iterations
    assert exact.step_mm < 0.01 < rough.step_mm <= 0.5
    with pytest.raises(SettingsError, match="tolerance_mm"):
        simulator.solve(target, jaw, tolerance_mm=0.0)


def test_work_is_bounded(bent):
    space, target, jaw = bent
    simulator = Simulator(
        space, space.node_positions, settings=SimulationSettings(method=Method.LOCAL_GLOBAL, max_iterations=3)
    )
    result = simulator.solve(target, jaw)
    assert result.status is Status.NOT_CONVERGED
    assert result.iterations == 3
    assert result.step_mm > 0.01


def test_conjugate_gradients_against_a_direct_solution():
    generator = np.random.default_rng(0)
    root = generator.normal(size=(12, 12))
    matrix = root @ root.T + np.eye(12)
    right = generator.normal(size=12)
    diagonal = np.diag(matrix)
    solution, norm, iterations = conjugate_gradients(
        lambda d: matrix @ d, lambda r: r / diagonal, right, np.linalg.norm, 0.0, 1e-12, 100
    )
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right), rtol=1e-8)
    assert norm == pytest.approx(np.sqrt((right**2 / diagonal).sum()))
    assert 3 < iterations <= 30


def test_conjugate_gradients_stop_at_negative_curvature_with_a_descent_direction():
    matrix, right = np.diag([2.0, 1.0, -1.0]), np.array([1.0, 1.0, 0.5])
    solution, _, _ = conjugate_gradients(lambda d: matrix @ d, lambda r: r, right, np.linalg.norm, 0.0, 1e-10, 50)
    assert solution @ right > 0.1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("young_modulus_mpa", 0.0),
        ("poisson_ratio", 0.5),
        ("tolerance_mm", float("nan")),
        ("max_iterations", 0),
        ("threads", 0),
    ],
)
def test_settings_without_meaning_are_refused(name, value):
    with pytest.raises(SettingsError):
        SimulationSettings(**{name: value})
