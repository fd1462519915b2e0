"""Faces fitted to the landmarks of photos: camera, identity and expression, and what is refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from physface_blender.backend.assets import FaceAssets
from physface_blender.fitting.bone_consistency import BoneConsistency
from physface_blender.fitting.errors import FittingCancelled, NoFaceError, PhotoError
from physface_blender.fitting.face_model import FaceModel
from physface_blender.fitting.parameters import bounded_minimum
from physface_blender.fitting.photo_fit import Camera, checked_landmarks, fit_photo
from physface_blender.fitting.similarity import apply, similarity_between
from physface_blender.performance.arkit import expression

SIZE = (800, 1000)


@pytest.fixture(scope="module")
def assets():
    return FaceAssets.load()


@pytest.fixture(scope="module")
def model(assets):
    skin = assets.template.meshes["skin"]
    return FaceModel.at(assets.model.network, skin.vertices, assets.space(6.0).skin_parting).subset(
        assets.template.landmarks68
    )


@pytest.fixture(scope="module")
def bones(assets):
    return BoneConsistency.of(assets.template, assets.model.network)


@pytest.fixture(scope="module")
def truth(model):
    return model.performed(np.random.default_rng(5).standard_normal(100), expression(jawOpen=0.4))


def _camera(yaw: float = 20.0, roll: float = 0.0) -> Camera:
    turn = Rotation.from_euler("zyx", [roll, yaw, 5.0], degrees=True)
    return Camera(turn.as_rotvec(), np.array([15.0, -10.0, -700.0]), np.log(1400.0), np.array([400.0, 500.0]))


def test_a_camera_projects_like_a_pinhole():
    camera = Camera(np.zeros(3), np.array([0.0, 0.0, -500.0]), np.log(1000.0), np.array([400.0, 500.0]))
    np.testing.assert_allclose(camera.project(np.array([[50.0, 25.0, 0.0]])), [[500.0, 450.0]])


@pytest.mark.parametrize(("yaw", "roll"), [(0.0, 0.0), (28.0, 0.0), (-15.0, 170.0)])
def test_landmarks_are_met_and_the_face_comes_nearer_than_the_mean(yaw, roll, model, bones, truth):
    """Also for a photo upside down."""
    noise = 0.5 * np.random.default_rng(1).standard_normal((68, 2))
    given = checked_landmarks([_camera(yaw, roll).project(truth) + noise], SIZE)
    fit = fit_photo(given, SIZE, model, bones)
    assert fit.error_pixels < 0.01 * fit.face_pixels
    found = model.performed(fit.parameters.identity, fit.parameters.expression)
    mean = model.performed(np.zeros(100), fit.parameters.expression)
    errors = [
        np.linalg.norm(apply(similarity_between(points, truth), points) - truth, axis=1).mean()
        for points in (found, mean)
    ]
    assert errors[0] < 0.8 * errors[1]
    assert fit.parameters.expression @ expression(jawOpen=1.0) > 0.2
    assert fit.bone_error_mm < 1.0


def test_unknown_landmarks_are_left_out(model, bones, truth):
    given = _camera().project(truth)
    given[:17] = np.nan
    fit = fit_photo(checked_landmarks([given], SIZE), SIZE, model, bones)
    assert np.isfinite(fit.landmarks).all()
    assert fit.error_pixels < 0.01 * fit.face_pixels


def test_the_derivative_of_the_bone_loss_matches_differences(bones):
    identity = np.random.default_rng(2).standard_normal(100)
    derivative, step = bones.derivative(identity), np.zeros(100)
    step[7] = 0.02
    difference = (bones.errors(identity + step) - bones.errors(identity - step)) / 0.04
    # float32 networks: 1e-5 mm of rounding over 0.04.
    np.testing.assert_allclose(derivative[7], difference, atol=3e-3)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda points: [], NoFaceError, "No face"),
        (lambda points: [points] * 3, NoFaceError, "3 faces"),
        (lambda points: [points * 0.1], PhotoError, "pixels large"),
        (lambda points: [points + 900.0], PhotoError, "outside the photo"),
        (lambda points: [np.where(np.arange(68)[:, None] < 60, np.nan, points)], PhotoError, "8 landmarks are known"),
    ],
)
def test_faces_that_cannot_be_used_get_one_sentence(change, error, sentence, truth):
    with pytest.raises(error, match=sentence):
        checked_landmarks(change(_camera().project(truth)), SIZE)


def test_landmarks_of_no_face_are_refused(model, bones):
    points = np.random.default_rng(0).uniform(100.0, 700.0, (68, 2))
    with pytest.raises(NoFaceError, match="not those of a face"):
        fit_photo(points, SIZE, model, bones)


def test_a_fit_is_cancelled_at_once(model, bones, truth):
    with pytest.raises(FittingCancelled):
        fit_photo(_camera().project(truth), SIZE, model, bones, lambda share, text: False)


def test_a_bounded_minimum_meets_its_conditions():
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(80, 40))
    matrix, right = rows.T @ rows, 30.0 * generator.normal(size=40)
    low, high = np.full(40, -0.3), np.full(40, 0.5)
    found = bounded_minimum(matrix, right, low, high)
    slope = matrix @ found - right
    inside = (found > low) & (found < high)
    assert 0 < inside.sum() < 40
    np.testing.assert_allclose(slope[inside], 0.0, atol=1e-9)
    assert (slope[found == low] > 0.0).all()
    assert (slope[found == high] < 0.0).all()
