"""Tests of rigid obstacles and of their motion."""

import numpy as np

from physface_blender.simulation.obstacle import REST_POSE, Carrier, Obstacle, PoseMotion, RigidPose

from .blocks import box_surface


def turned(degrees: float, center) -> np.ndarray:
    """A turn about the vertical axis through a point."""
    angle = np.radians(degrees)
    transform = np.eye(4)
    transform[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    transform[:3, 3] = np.asarray(center) - transform[:3, :3] @ center
    return transform


def test_each_obstacle_moves_with_its_carrier_alone():
    box = box_surface((1.0, 2.0, 3.0), (2.0, 3.0, 5.0))
    jaw, left, right = turned(10.0, [0.0, 0.0, 0.0]), turned(20.0, [30.0, 0.0, 0.0]), turned(-30.0, [-30.0, 0.0, 0.0])
    pose = RigidPose.of(jaw, (left, right))
    wanted = {Carrier.SKULL: np.eye(4), Carrier.MANDIBLE: jaw, Carrier.LEFT_EYE: left, Carrier.RIGHT_EYE: right}
    for carrier, transform in wanted.items():
        obstacle = Obstacle(*box, carrier)
        np.testing.assert_allclose(
            obstacle.posed(pose), box[0] @ transform[:3, :3].T + transform[:3, 3], rtol=0.0, atol=1e-12
        )
        np.testing.assert_array_equal(obstacle.posed(REST_POSE), box[0])


def test_an_eye_turns_about_its_center_on_the_way():
    """Halfway the center has not moved and the turn is half as far; straight lines would shrink the eye."""
    center = np.array([32.0, 40.0, 75.0])
    end = RigidPose.of(np.eye(4), (turned(40.0, center), np.eye(4)))
    halfway = PoseMotion(REST_POSE, end).at(0.5)
    np.testing.assert_allclose(halfway.left_eye, turned(20.0, center), atol=1e-10)
    np.testing.assert_array_equal(halfway.right_eye, np.eye(4))
    np.testing.assert_array_equal(PoseMotion(REST_POSE, end).at(1.0).left_eye, end.left_eye)
