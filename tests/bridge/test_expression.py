import bpy
import numpy as np
import pytest

from physface_blender.blender import animation, compat, properties
from physface_blender.performance.arkit import ARKIT_NAMES, MIRROR_INDEX


def test_reset_of_a_group_and_of_all(still_face) -> None:
    sliders = still_face.physface.expression
    sliders.jawOpen, sliders.browInnerUp = 0.5, 0.25
    assert bpy.ops.physface.reset_expression(group="jaw") == {"FINISHED"}
    assert (sliders.jawOpen, sliders.browInnerUp) == (0.0, 0.25)
    bpy.ops.physface.reset_expression()
    assert not properties.read_expression(still_face).any()


@pytest.mark.parametrize("direction", ["SWAP", "LEFT_TO_RIGHT", "RIGHT_TO_LEFT"])
def test_mirror(still_face, direction) -> None:
    weights = np.random.default_rng(0).uniform(size=52).astype(np.float32)
    properties.write_expression(still_face, weights)
    bpy.ops.physface.mirror_expression(direction=direction)
    found = dict(zip(ARKIT_NAMES, properties.read_expression(still_face), strict=True))
    given = dict(zip(ARKIT_NAMES, weights, strict=True))
    if direction == "SWAP":
        assert np.allclose(list(found.values()), weights[MIRROR_INDEX])
    for name in ("eyeBlink", "mouthSmile", "jaw"):
        left, right = given[f"{name}Left"], given[f"{name}Right"]
        expected = {"SWAP": (right, left), "LEFT_TO_RIGHT": (left, left), "RIGHT_TO_LEFT": (right, right)}[direction]
        assert (found[f"{name}Left"], found[f"{name}Right"]) == pytest.approx(expected)
    assert found["jawOpen"] == pytest.approx(given["jawOpen"])


def test_key_all(scene, still_face) -> None:
    scene.frame_set(9)
    still_face.physface.expression.cheekPuff = 0.5
    bpy.ops.physface.key_expression()
    curves = {curve.data_path: curve for curve in compat.fcurves(still_face)}
    assert set(curves) == {animation.slider_path(name) for name in ARKIT_NAMES}
    assert tuple(curves[animation.slider_path("cheekPuff")].keyframe_points[0].co) == (9.0, 0.5)


def test_with_nothing_selected_the_buttons_are_off(scene) -> None:
    for name in ("reset_expression", "mirror_expression", "key_expression", "import_capture", "bake", "clear_bake"):
        assert not getattr(bpy.ops.physface, name).poll(), name


def test_undo_brings_the_sliders_back(still_face) -> None:
    still_face.physface.expression.jawOpen = 0.5
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.physface.reset_expression()
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert bpy.data.objects["Face"].physface.expression.jawOpen == pytest.approx(0.5)
