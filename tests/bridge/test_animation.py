import numpy as np
import pytest

from physface_blender.blender import animation, compat, sampling
from physface_blender.performance.arkit import ARKIT_INDEX, ARKIT_NAMES


def curve_of(skin, name: str):
    return next(curve for curve in compat.fcurves(skin) if curve.data_path == animation.slider_path(name))


def test_keys_are_linear_and_at_their_frames(still_face) -> None:
    weights = np.random.default_rng(0).uniform(size=(5, 52))
    animation.write_expression_keys(still_face, np.arange(10, 15), weights)
    assert len(list(compat.fcurves(still_face))) == 52
    for column, name in enumerate(ARKIT_NAMES):
        curve = curve_of(still_face, name)
        assert [point.co[0] for point in curve.keyframe_points] == [10, 11, 12, 13, 14]
        assert {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}
        assert curve.evaluate(11.5) == pytest.approx(weights[1:3, column].mean(), abs=1e-6)


def test_keys_outside_the_written_range_stay_as_they_were(still_face) -> None:
    for frame, value in ((1, 0.1), (12, 0.9), (30, 0.3)):
        still_face.physface.expression.jawOpen = value
        still_face.keyframe_insert("physface.expression.jawOpen", frame=frame)
    curve_of(still_face, "jawOpen").keyframe_points[2].interpolation = "CONSTANT"
    animation.write_expression_keys(still_face, np.arange(10, 15), np.full((5, 52), 0.5))
    points = curve_of(still_face, "jawOpen").keyframe_points
    assert [point.co[0] for point in points] == [1, 10, 11, 12, 13, 14, 30]
    assert [round(point.co[1], 3) for point in points] == [0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3]
    assert points[-1].interpolation == "CONSTANT"


def test_sampling_own_curves_does_not_move_the_scene(scene, still_face) -> None:
    scene.frame_set(7)
    weights = np.random.default_rng(1).uniform(size=(4, 52))
    animation.write_expression_keys(still_face, np.arange(1, 5), weights)
    still_face.physface.expression.tongueOut = 0.25
    sampled = sampling.sample_expression(scene, still_face, range(1, 5))
    assert np.allclose(sampled, weights, atol=1e-6)
    assert scene.frame_current == 7


def test_drivers_are_sampled_through_the_scene(scene, still_face) -> None:
    scene.frame_set(3)
    driver = still_face.driver_add("physface.expression.jawOpen").driver
    driver.type = "SCRIPTED"
    driver.expression = "frame / 10"
    sampled = sampling.sample_expression(scene, still_face, range(2, 6))
    assert np.allclose(sampled[:, ARKIT_INDEX["jawOpen"]], [0.2, 0.3, 0.4, 0.5], atol=1e-6)
    assert scene.frame_current == 3


def test_curves_that_overshoot_are_clamped(scene, still_face) -> None:
    for frame, value in ((1, 1.0), (10, 0.0), (20, 1.0)):
        still_face.physface.expression.jawOpen = value
        still_face.keyframe_insert("physface.expression.jawOpen", frame=frame)
    for point in curve_of(still_face, "jawOpen").keyframe_points:
        point.interpolation = "BACK"
    sampled = sampling.sample_expression(scene, still_face, range(1, 21))[:, ARKIT_INDEX["jawOpen"]]
    assert sampled.min() == 0.0
    assert sampled.max() <= 1.0
