"""Lashes turn about the eye with their lid."""

import numpy as np

from physface_blender.anatomy.surface_binding import SurfaceBinding
from physface_blender.backend.lash_pose import pose_lashes

CENTERS = {"eye_left": np.array([30.0, 0.0, 0.0]), "eye_right": np.array([-30.0, 0.0, 0.0])}


def lid(side: float):
    """A triangle on a ball of 12 mm, 30 degrees above the gaze, with a hair of two vertices that sticks out 5 mm."""
    up, out = np.array([0.0, 0.5, np.sqrt(0.75)]), np.array([1.0, 0.0, 0.0])
    center = np.array([side * 30.0, 0.0, 0.0])
    across = np.cross(up, out)
    skin = center + 12.0 * up + np.array([-out - across, out - across, 2.0 * across]) / 2.0
    root = skin.mean(axis=0)
    return skin, np.stack([root, root + 5.0 * up])


def turned(points, center, degrees):
    angle = np.radians(degrees)
    rotation = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    return center + (points - center) @ rotation.T


def test_a_lid_that_turns_about_the_eye_takes_its_lashes_along():
    for side, name in ((1.0, "eye_left"), (-1.0, "eye_right")):
        skin, hair = lid(side)
        binding = SurfaceBinding.bind(hair, skin, np.array([[0, 1, 2]] * 2), np.full((2, 3), 1.0 / 3.0))
        np.testing.assert_allclose(pose_lashes(binding, hair, skin, skin, CENTERS), hair, atol=1e-12)
        closed = turned(skin, CENTERS[name], 40.0)
        np.testing.assert_allclose(
            pose_lashes(binding, hair, skin, closed, CENTERS), turned(hair, CENTERS[name], 40.0), atol=1e-9
        )


def test_a_lid_that_slides_down_without_turning_points_its_lashes_down():
    skin, hair = lid(1.0)
    binding = SurfaceBinding.bind(hair, skin, np.array([[0, 1, 2]] * 2), np.full((2, 3), 1.0 / 3.0))
    root = skin.mean(axis=0)
    slid = skin + turned(root[None], CENTERS["eye_left"], 45.0)[0] - root
    posed = pose_lashes(binding, hair, skin, slid, CENTERS)
    assert hair[1, 1] - hair[0, 1] > 2.0
    assert posed[1, 1] - posed[0, 1] < -1.0
    assert np.isclose(np.linalg.norm(posed[1] - posed[0]), 5.0)
