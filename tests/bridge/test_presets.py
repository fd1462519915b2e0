import json

import bpy
import numpy as np
import pytest

from physface_blender.blender import expression_presets, preferences, properties
from physface_blender.blender.expression_presets import PresetError
from physface_blender.performance.arkit import ARKIT_INDEX


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of the presets, for this test alone."""
    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / name)
    (tmp_path / "expressions").mkdir()
    return tmp_path / "expressions"


@pytest.mark.parametrize("name", ["Smile", "Grüß Gott 笑", "a (2)"])
def test_a_saved_expression_comes_back_on_another_face(still_face, folder, name) -> None:
    sliders = still_face.physface.expression
    sliders.jawOpen, sliders.mouthSmileLeft = 0.5, 0.25
    saved = properties.read_expression(still_face)
    assert bpy.ops.physface.save_preset(name=name) == {"FINISHED"}
    assert expression_presets.names(folder) == [name]
    bpy.ops.physface.reset_expression()
    assert bpy.ops.physface.apply_preset(preset=name) == {"FINISHED"}
    assert np.allclose(properties.read_expression(still_face), saved, atol=1e-4)
    assert bpy.ops.physface.delete_preset(preset=name) == {"FINISHED"}
    assert expression_presets.names(folder) == []
    assert not bpy.ops.physface.apply_preset.poll()


def test_strength_blends_or_adds(still_face) -> None:
    sliders = still_face.physface.expression
    sliders.jawOpen = 1.0
    bpy.ops.physface.save_preset(name="Open")
    sliders.jawOpen, sliders.cheekPuff = 0.5, 0.5
    bpy.ops.physface.apply_preset(preset="Open", strength=0.5)
    assert (sliders.jawOpen, sliders.cheekPuff) == pytest.approx((0.75, 0.25))
    bpy.ops.physface.apply_preset(preset="Open", strength=0.5, operation="ADD")
    assert (sliders.jawOpen, sliders.cheekPuff) == pytest.approx((1.0, 0.25))


@pytest.mark.parametrize("name", ["", "a/b", "../up", "x" * 61, "what?"])
def test_names_that_are_no_file_names_are_refused(still_face, folder, name) -> None:
    with pytest.raises(RuntimeError, match="cannot be named"):
        bpy.ops.physface.save_preset(name=name)
    assert list(folder.parent.rglob("*.json")) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no expression"),
        ("[]", "is no expression"),
        (json.dumps({"format": "physface expression 2", "weights": {}}), "is no expression"),
        (json.dumps({"format": "physface expression 1", "weights": {"jawClosed": 1}}), "names jawClosed"),
        (json.dumps({"format": "physface expression 1", "weights": {"jawOpen": 2}}), "the weight 2"),
        (json.dumps({"format": "physface expression 1", "weights": {"jawOpen": "1"}}), "the weight 1"),
    ],
)
def test_a_broken_file_is_one_sentence_and_changes_nothing(still_face, folder, content, sentence) -> None:
    still_face.physface.expression.jawOpen = 0.5
    (folder / "Broken.json").write_text(content, encoding="utf-8")
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.physface.apply_preset(preset="Broken")
    assert still_face.physface.expression.jawOpen == 0.5


def test_spelling_of_the_names_does_not_matter(folder) -> None:
    (folder / "Mine.json").write_text('{"format": "physface expression 1", "weights": {"JawOpen": 0.5}}')
    assert expression_presets.load(folder, "Mine")[ARKIT_INDEX["jawOpen"]] == 0.5
    with pytest.raises(PresetError, match="cannot be read"):
        expression_presets.load(folder, "Other")
