"""The built-in performance visits its poses, is smooth, and stays inside 0..1."""

import numpy as np
import pytest

from physface_blender.performance.arkit import ARKIT_INDEX, expression
from physface_blender.performance.range_of_motion import KEY_POSES, key_pose_frames, range_of_motion


def test_at_24_frames_a_second_it_has_96_frames_in_range():
    performance = range_of_motion()
    assert performance.frame_count == 96
    assert performance.frame_rate == pytest.approx(24.0)
    assert performance.weights.min() == 0.0
    assert performance.weights.max() <= 1.0
    assert performance.valid.all()


def test_it_reaches_every_key_pose():
    performance = range_of_motion(1000.0)
    for pose in KEY_POSES[:-1]:
        reached = performance.weights[round(pose.time * 1000)]
        assert np.abs(reached - expression(**pose.weights)).max() < 1e-9, pose.label


@pytest.mark.parametrize("name", ["jawOpen", "jawLeft", "jawRight", "mouthPucker", "mouthRollLower", "cheekPuff"])
def test_it_uses_the_range_of(name):
    assert range_of_motion().weights[:, ARKIT_INDEX[name]].max() > 0.6


def test_weights_and_their_speed_are_continuous():
    rate = 2000.0
    weights = range_of_motion(rate).weights
    speed = np.diff(weights, axis=0) * rate
    assert np.abs(speed).max() < 1.9 / 0.17
    assert np.abs(np.diff(speed, axis=0)).max() * rate < 5.8 / 0.17**2


@pytest.mark.parametrize("rate", [12.0, 24.0, 25.0, 30.0, 60.0])
def test_key_frames_lie_inside_and_are_labelled_in_order(rate):
    frames = key_pose_frames(rate)
    assert max(frames) < range_of_motion(rate).frame_count
    assert list(frames) == sorted(frames)
    assert {"blink", "smile", "lip bite", "jaw open"} <= set(frames.values())


def test_a_rate_of_zero_is_refused():
    with pytest.raises(ValueError, match="positive number"):
        range_of_motion(0.0)
