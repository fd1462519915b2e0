"""Tests of conjugate gradients on systems that are convex and on systems that are not."""

import numpy as np
import pytest

from physface_blender.simulation.conjugate_gradients import conjugate_gradients


def solve(eigenvalues, radius=np.inf):
    """Solve a diagonal system with a right-hand side of ones, without a preconditioner."""
    values = np.asarray(eigenvalues, dtype=float)
    right = np.ones_like(values)
    solution, _, iterations = conjugate_gradients(
        lambda d: values * d, lambda r: r.copy(), right, lambda d: float(np.abs(d).max()), 1e-12, 1e-14, 50, radius
    )
    return solution, iterations, float(solution @ right)


def test_a_convex_system_is_solved_in_as_many_steps_as_it_has_eigenvalues():
    solution, iterations, _ = solve([1.0, 2.0, 5.0, 5.0])
    np.testing.assert_allclose(solution, [1.0, 0.5, 0.2, 0.2], atol=1e-10)
    assert iterations <= 5


@pytest.mark.parametrize("eigenvalues", [[1.0, 2.0, -1.0], [-1.0, -2.0, -3.0]])
def test_where_it_is_not_convex_the_result_still_goes_downhill(eigenvalues):
    solution, _, downhill = solve(eigenvalues)
    assert np.isfinite(solution).all()
    assert downhill > 0.0


def test_a_long_solution_is_cut_off_at_the_radius():
    free, _, _ = solve([1e-4, 1.0])
    assert np.abs(free).max() == pytest.approx(1e4)
    cut, _, downhill = solve([1e-4, 1.0], radius=10.0)
    assert np.abs(cut).max() == pytest.approx(10.0)
    assert downhill > 0.0
