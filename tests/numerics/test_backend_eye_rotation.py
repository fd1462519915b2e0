"""Where the eyes look."""

import numpy as np
import pytest

from physface_blender.backend.eye_rotation import eye_rotation
from physface_blender.performance.arkit import expression

DEGREES = {
    f"eyeLook{direction}{side}": angle
    for direction, angle in (("Up", 20.0), ("Down", 25.0), ("In", 30.0), ("Out", 28.0))
    for side in ("Left", "Right")
}
CENTER = np.array([31.0, 30.0, 70.0])


def gaze(part, **weights):
    return eye_rotation(part, CENTER, expression(**weights), DEGREES)[:3, 2]  # where +z goes


@pytest.mark.parametrize(
    ("part", "name", "axis", "sign", "degrees"),
    [
        ("eye_left", "eyeLookUpLeft", 1, 1, 20.0),
        ("eye_left", "eyeLookDownLeft", 1, -1, 25.0),
        ("eye_left", "eyeLookInLeft", 0, -1, 30.0),  # the character's left is +x, his nose is toward -x
        ("eye_left", "eyeLookOutLeft", 0, 1, 28.0),
        ("eye_right", "eyeLookUpRight", 1, 1, 20.0),
        ("eye_right", "eyeLookDownRight", 1, -1, 25.0),
        ("eye_right", "eyeLookInRight", 0, 1, 30.0),
        ("eye_right", "eyeLookOutRight", 0, -1, 28.0),
    ],
)
def test_each_weight_turns_its_eye_its_way_by_its_angle(part, name, axis, sign, degrees):
    expected = np.zeros(3)
    expected[axis] = sign * np.sin(np.radians(degrees))
    expected[2] = np.cos(np.radians(degrees))
    np.testing.assert_allclose(gaze(part, **{name: 1.0}), expected, atol=1e-12)


def test_the_other_eye_does_not_move():
    np.testing.assert_array_equal(eye_rotation("eye_right", CENTER, expression(eyeLookUpLeft=1.0), DEGREES), np.eye(4))


def test_opposite_weights_cancel_and_the_center_stays():
    turned = eye_rotation("eye_left", CENTER, expression(eyeLookInLeft=0.28, eyeLookOutLeft=0.3), DEGREES)
    np.testing.assert_allclose(turned, np.eye(4), atol=1e-12)
    turned = eye_rotation("eye_left", CENTER, expression(eyeLookUpLeft=0.7, eyeLookOutLeft=0.3), DEGREES)
    np.testing.assert_allclose(turned[:3, :3] @ CENTER + turned[:3, 3], CENTER, atol=1e-12)
