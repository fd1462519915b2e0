"""Rigid and similarity transforms."""

import numpy as np
import pytest

from physface_blender.backend.rigid_motion import apply, fit_rigid, fit_similarity, rotation_about

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.standard_normal((40, 3)) * 20.0 + [1.0, -30.0, 80.0]
MOTION = rotation_about(np.array([2.0, 5.0, 1.0]), np.array([0.4, -0.2, 0.3]))


def test_a_rotation_about_a_point_keeps_it_and_turns_by_the_angle():
    center, vector = np.array([2.0, 5.0, 1.0]), np.array([0.4, -0.2, 0.3])
    transform = rotation_about(center, vector)
    np.testing.assert_allclose(apply(transform, center[None])[0], center, atol=1e-12)
    angle = np.arccos((np.trace(transform[:3, :3]) - 1.0) / 2.0)  # trace R = 1 + 2 cos(angle)
    np.testing.assert_allclose(angle, np.linalg.norm(vector), rtol=1e-12)
    np.testing.assert_allclose(transform[:3, :3] @ vector, vector, atol=1e-12)  # the axis stays


def test_a_positive_turn_about_x_lowers_what_looks_forward():
    forward = apply(rotation_about(np.zeros(3), np.array([np.pi / 2, 0.0, 0.0])), np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(forward[0], [0.0, -1.0, 0.0], atol=1e-15)


def test_no_rotation_is_the_identity():
    np.testing.assert_array_equal(rotation_about(np.ones(3), np.zeros(3)), np.eye(4))


def test_a_rigid_motion_is_found_again():
    np.testing.assert_allclose(fit_rigid(POINTS, apply(MOTION, POINTS)), MOTION, atol=1e-10)


def test_a_similarity_is_found_again():
    scaled = MOTION.copy()
    scaled[:3, :3] *= 1.37
    np.testing.assert_allclose(fit_similarity(POINTS, apply(scaled, POINTS)), scaled, atol=1e-10)


def test_a_mirrored_cloud_gives_a_rotation_and_no_mirror():
    fitted = fit_rigid(POINTS, POINTS * [-1.0, 1.0, 1.0])
    assert np.linalg.det(fitted[:3, :3]) == pytest.approx(1.0)


def test_the_fit_is_the_least_squares_one():
    noisy = apply(MOTION, POINTS) + RANDOM.standard_normal(POINTS.shape)

    def error(transform):
        return ((apply(transform, POINTS) - noisy) ** 2).sum()

    best = fit_rigid(POINTS, noisy)
    assert error(best) > 1.0
    for _ in range(20):
        nudge = rotation_about(POINTS.mean(axis=0), RANDOM.standard_normal(3) * 1e-3)
        nudge[:3, 3] += RANDOM.standard_normal(3) * 1e-2
        assert error(nudge @ best) > error(best)
