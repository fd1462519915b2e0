"""The warp of the bones: what it reproduces exactly."""

import numpy as np

from physface_blender.anatomy.parametric_bones import ParametricBones, spread_control_points


def _points(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-80, 80, (count, 3))


def test_affine_motions_are_exact():
    """An affine displacement of the controls moves the bones by the same affine map."""
    controls, bones = _points(40, 0), _points(100, 1)
    linear, offset = 0.1 * np.random.default_rng(2).standard_normal((3, 3)), np.array([3.0, -2.0, 5.0])
    moved = ParametricBones.build(controls, bones).displacement(controls @ linear + offset)
    np.testing.assert_allclose(moved, bones @ linear + offset, atol=1e-9)


def test_controls_are_interpolated():
    """A bone point at a control moves with it."""
    controls = _points(40, 0)
    displacement = _points(40, 3)
    moved = ParametricBones.build(controls, controls).displacement(displacement)
    np.testing.assert_allclose(moved, displacement, atol=1e-8)


def test_spread_control_points_are_distinct_and_cover():
    """Farthest-point samples are distinct and leave no point farther than the samples are from each other."""
    points = _points(500, 4)
    chosen = spread_control_points(points, 30)
    assert len(set(chosen.tolist())) == 30
    distance = np.linalg.norm(points[:, None] - points[chosen][None], axis=2)
    between = distance[chosen] + 1e9 * np.eye(30)
    assert distance.min(axis=1).max() <= between.min()
