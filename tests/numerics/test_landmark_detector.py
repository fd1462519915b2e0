"""The optional detector of landmarks: how it is called, and what is said where it is missing or breaks."""

import sys

import numpy as np
import pytest

from physface_blender.anatomy.template import load_template
from physface_blender.demo import landmark_detector
from physface_blender.demo.landmark_detector import detect_faces, detector_python
from physface_blender.demo.landmark_process import IBUG
from physface_blender.fitting.detected_landmarks import detected_vertices
from physface_blender.fitting.errors import NoFaceError, PhotoError
from physface_blender.fitting.photo_fit import checked_landmarks

PICTURE = np.full((48, 64, 3), 128, dtype=np.uint8)


def test_the_points_are_68_different_ones():
    assert len(set(IBUG)) == 68
    assert max(IBUG) < 468


def test_the_points_lie_near_those_placed_by_hand_and_symmetrically():
    template = load_template()
    chosen = template.meshes["skin"].vertices[detected_vertices(template)]
    by_hand = template.meshes["skin"].vertices[template.landmarks68]
    assert np.linalg.norm(chosen[17:] - by_hand[17:], axis=1).max() < 12.0
    assert np.linalg.norm(chosen[:17] - by_hand[:17], axis=1).max() < 20.0
    for first, second in ((36, 45), (48, 54), (17, 26), (31, 35)):
        np.testing.assert_allclose(chosen[first] * [-1.0, 1.0, 1.0], chosen[second], atol=3.0)


def test_a_detector_that_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv(landmark_detector.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(landmark_detector, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.setattr(landmark_detector.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PhotoError, match="--detect") as error:
        detector_python()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("import sys; sys.exit(3)", "has no mediapipe"),
        ("raise RuntimeError('no memory')", "RuntimeError: no memory"),
        ("pass", "no message"),
    ],
)
def test_a_detector_that_breaks_gets_one_sentence(script, sentence, monkeypatch, tmp_path):
    monkeypatch.setenv(landmark_detector.ENVIRONMENT_VARIABLE, sys.executable)
    monkeypatch.setattr(landmark_detector, "SCRIPT", tmp_path / "detector.py")
    (tmp_path / "detector.py").write_text(script)
    with pytest.raises(PhotoError, match=sentence):
        detect_faces(PICTURE)


def test_a_python_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(landmark_detector.ENVIRONMENT_VARIABLE, str(tmp_path / "python"))
    with pytest.raises(PhotoError, match="cannot be started"):
        detect_faces(PICTURE)


def test_faces_arrive_as_they_were_found(monkeypatch, tmp_path):
    """The picture goes over as it is, and every face comes back."""
    monkeypatch.setenv(landmark_detector.ENVIRONMENT_VARIABLE, sys.executable)
    monkeypatch.setattr(landmark_detector, "SCRIPT", tmp_path / "detector.py")
    (tmp_path / "detector.py").write_text(
        "import json, sys, numpy\npicture = numpy.load(sys.argv[1])\n"
        "assert picture.shape == (48, 64, 3) and picture.dtype == numpy.uint8 and (picture == 128).all()\n"
        "json.dump([[[i, face] for i in range(68)] for face in range(3)], open(sys.argv[2], 'w'))\n"
    )
    faces = detect_faces(PICTURE)
    assert [face.shape for face in faces] == [(68, 2)] * 3
    assert faces[2][67].tolist() == [67.0, 2.0]
    with pytest.raises(NoFaceError, match="3 faces"):
        checked_landmarks(faces, (64, 48))


def test_real_pictures_with_the_real_detector(repository):
    """One face, three faces and none, where the detector is installed."""
    from physface_blender.demo.picture_file import read_picture

    try:
        detector_python()
    except PhotoError as error:
        pytest.skip(str(error))
    one = read_picture(repository / "docs" / "pictures" / "neutral_front.png")
    (face,) = detect_faces(one)
    height, width = one.shape[:2]
    left_eye, right_eye, chin = face[42:48].mean(axis=0), face[36:42].mean(axis=0), face[8]
    assert 0 < right_eye[0] < left_eye[0] < width  # the person's right is left in the picture
    assert left_eye[1] < chin[1] < height
    assert len(detect_faces(np.concatenate([one, one, one], axis=1))) == 3
    assert detect_faces(PICTURE) == []
