"""Weights of a moving face: found from the skin alone, on a head that moves."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from physface_blender.anatomy.template import load_template
from physface_blender.backend.errors import SettingsError
from physface_blender.backend.solved_performance import read_frames
from physface_blender.fitting.errors import FittingCancelled, ScanError
from physface_blender.fitting.face_model import FaceModel
from physface_blender.fitting.performance_fit import fit_performance
from physface_blender.networks.generalized import load_generalized
from physface_blender.performance.arkit import ARKIT_NAMES, expression

IDENTITY = np.random.default_rng(4).standard_normal(100).clip(-2, 2)
SHOWN = (
    expression(),
    expression(jawOpen=0.7),
    expression(mouthSmileLeft=0.8, mouthSmileRight=0.3, browInnerUp=0.6),
    expression(mouthPucker=0.9, eyeBlinkLeft=1.0),
)


@pytest.fixture(scope="module")
def model() -> FaceModel:
    template = load_template()
    face = np.flatnonzero(template.regions["face"] > 0.5)[::12]
    return FaceModel.at(load_generalized().network, template.meshes["skin"].vertices[face], np.zeros(len(face)))


@pytest.fixture(scope="module")
def frames(model) -> np.ndarray:
    """The expressions on a head that nods, turns and goes away."""
    rest = model.rest(IDENTITY)
    turns = Rotation.from_euler("xyz", [[0, 0, 0], [20, 5, 0], [-10, 30, 5], [0, -40, 10]], degrees=True)
    return np.stack(
        [
            turn.apply(rest + model.displacement(IDENTITY, weights)) + 25.0 * number
            for number, (turn, weights) in enumerate(zip(turns, SHOWN, strict=True))
        ]
    )


def test_the_skin_of_every_frame_is_reached_whatever_the_head_does(model, frames):
    found = fit_performance(model, IDENTITY, model.rest(IDENTITY), frames)
    assert found.weights.shape == (4, 52)
    assert found.weights.min() >= 0.0
    assert found.weights.max() <= 1.0
    assert found.errors.max() < 0.12, "mm; the largest of these expressions moves the skin by 30"
    assert found.weights[0].max() < 0.05, "rest is rest"
    for name, row, wanted in (("jawOpen", 1, 0.7), ("mouthSmileLeft", 2, 0.8), ("browInnerUp", 2, 0.6)):
        assert found.weights[row, expression(**{name: 1.0}).argmax()] == pytest.approx(wanted, abs=0.1), name
    gaze = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith("eyeLook")]
    assert found.weights[:, gaze].max() < 0.1, "eyes that nobody has seen do not look around"


def test_it_stops_when_it_is_told(model, frames):
    with pytest.raises(FittingCancelled):
        fit_performance(model, IDENTITY, model.rest(IDENTITY), frames, lambda share, text: share < 0.2)


def test_files_of_a_sequence_must_fit_each_other(tmp_path):
    def write(number: int, count: int) -> str:
        path = tmp_path / f"head.{number:04d}.obj"
        path.write_text("".join(f"v {i} {number} 0\n" for i in range(count)) + "f 1 2 3\n")
        return str(path)

    first, second, other = write(1, 4), write(2, 4), write(3, 5)
    read = read_frames("", (first, second))
    assert read.sequences["shown"].positions.shape == (2, 4, 3)
    assert read.neutral[0, 1] == 1.0
    with pytest.raises(ScanError, match=r"head\.0003\.obj has 5 vertices and head\.0001\.obj 4"):
        read_frames("", (first, second, other))
    with pytest.raises(SettingsError, match="No file"):
        read_frames("", ())
