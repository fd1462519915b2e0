"""A real character goes through the form of an actor."""

import numpy as np
import pytest

from physface_blender.anatomy.material_space import build_material_space
from physface_blender.anatomy.skin_parting import skin_parting
from physface_blender.anatomy.template import load_template
from physface_blender.fitting.actor_capture import read_actor, write_actor
from physface_blender.performance.arkit import ARKIT_INDEX
from physface_blender.training.style.face_cap import read_face_cap


@pytest.fixture(scope="module")
def actor(shared_data):
    if not (shared_data / "character_facecap").is_dir():
        pytest.skip("the Face Cap character is not among the source data")
    template = load_template()
    space = build_material_space(template, 10.0)
    return read_face_cap(shared_data, template, skin_parting(template.meshes["skin"], space))


@pytest.mark.slow
def test_it_is_placed_in_the_canonical_face(actor):
    """In millimeters, its left on our left, its lips and lids where ours are."""
    assert len(actor.shapes) == 51
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        moved = np.linalg.norm(actor.shapes[actor.shape_names.index(f"eyeBlink{side}")], axis=1)
        assert sign * (moved @ actor.neutral[:, 0]) > 0.0
        assert sign * (moved @ actor.canonical[:, 0]) > 0.0
        assert 5.0 < moved.max() < 20.0
    assert np.array_equal(actor.shape_weights.sum(axis=1), np.ones(51))
    row = actor.shape_names.index("jawOpen")
    assert actor.shape_weights[row, ARKIT_INDEX["jawOpen"]] == 1.0
    lowest = np.argmin(actor.shapes[row][:, 1])
    assert actor.canonical[lowest, 1] < -25.0  # what falls farthest when the jaw opens is the lower lip or the chin
    # An affine map of the head leaves a few millimetres to the nearest skin; a wrong place would leave centimetres.
    extended = np.concatenate([actor.neutral, np.ones((len(actor.neutral), 1))], axis=1)
    solution, *_ = np.linalg.lstsq(extended, actor.canonical, rcond=None)
    assert np.linalg.norm(extended @ solution - actor.canonical, axis=1).mean() < 4.0


@pytest.mark.slow
def test_its_animation_projects_on_its_own_shapes(actor, tmp_path):
    """Its captured animation was made with these shapes, so that nothing is left; also after the file."""
    write_actor(actor, tmp_path / "face_cap.npz")
    again = read_actor(tmp_path / "face_cap.npz")
    positions = again.sequences["training_own"].positions[::10]
    weights = again.blendweights(positions)
    assert weights.max() > 0.3
    assert np.linalg.norm(again.linear_rig(weights) - positions, axis=2).max() < 0.05
