import bpy
import numpy as np
import pytest

from physface_blender.blender import animation, compat, properties, sampling
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


def test_random_is_the_same_again_by_its_seed_and_symmetric_when_asked(still_face) -> None:
    bpy.ops.physface.random_expression(seed=3)
    first = properties.read_expression(still_face)
    assert 0 < np.count_nonzero(first) < 30
    assert first.max() <= 0.8 + 1e-6
    assert np.allclose(first, first[MIRROR_INDEX])
    bpy.ops.physface.random_expression(seed=4)
    assert not np.array_equal(properties.read_expression(still_face), first)
    bpy.ops.physface.random_expression(seed=3)
    assert np.array_equal(properties.read_expression(still_face), first)


def test_random_of_a_group_leaves_the_others(still_face) -> None:
    still_face.physface.expression.browInnerUp = 0.25
    bpy.ops.physface.random_expression(seed=1, group="mouth", share=1.0, symmetric=False)
    sliders = still_face.physface.expression
    assert sliders.browInnerUp == 0.25
    assert sliders.mouthPucker > 0.0


def test_key_changed_keys_what_is_off_its_curves_or_off_zero(scene, still_face, capfd) -> None:
    sliders = still_face.physface.expression
    sliders.jawOpen, sliders.cheekPuff = 0.5, 0.25
    for frame in (1, 9):
        still_face.keyframe_insert("physface.expression.jawOpen", frame=frame)
        still_face.keyframe_insert("physface.expression.noseSneerLeft", frame=frame)
    scene.frame_set(5)
    sliders.noseSneerLeft = 0.75
    assert bpy.ops.physface.key_expression(only_changed=True) == {"FINISHED"}
    frames = {
        curve.data_path.rsplit(".")[-1]: [point.co[0] for point in curve.keyframe_points]
        for curve in compat.fcurves(still_face)
    }
    assert frames == {"jawOpen": [1, 9], "noseSneerLeft": [1, 5, 9], "cheekPuff": [5]}
    assert bpy.ops.physface.key_expression(only_changed=True) == {"CANCELLED"}
    assert "No slider has changed" in capfd.readouterr().out


def test_solo_shows_one_group_and_bakes_all(still_face) -> None:
    sliders = still_face.physface.expression
    sliders.jawOpen, sliders.browInnerUp = 0.5, 0.25
    bpy.ops.physface.solo(group="jaw")
    shown = dict(zip(ARKIT_NAMES, properties.shown_expression(still_face), strict=True))
    assert (shown["jawOpen"], shown["browInnerUp"]) == (0.5, 0.0)
    sampled = sampling.sample_expression(bpy.context.scene, still_face, [1])
    assert np.count_nonzero(sampled) == 2
    bpy.ops.physface.solo(group="ALL")
    assert np.array_equal(properties.shown_expression(still_face), properties.read_expression(still_face))


def test_nla_drives_what_is_sampled(scene, still_face) -> None:
    for frame, value in ((1, 0.0), (5, 0.8)):
        still_face.physface.expression.jawOpen = value
        still_face.keyframe_insert("physface.expression.jawOpen", frame=frame)
    animated = still_face.animation_data
    track = animated.nla_tracks.new()
    strip = track.strips.new("Jaw", 11, animated.action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = animated.action_slot
    animated.action = None
    sampled = sampling.sample_expression(scene, still_face, [11, 15])[:, ARKIT_NAMES.index("jawOpen")]
    assert sampled == pytest.approx([0.0, 0.8], abs=1e-5)


def test_a_linked_face_is_animated_through_an_override(still_face, tmp_path) -> None:
    path = str(tmp_path / "library.blend")
    still_face.users_collection[0].name = "Hero"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Hero"]
    collection = wanted.collections[0]
    bpy.context.scene.collection.children.link(collection)
    collection.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    skin = next(entry for entry in bpy.data.objects if entry.physface.part == "skin" and entry.override_library)
    bpy.context.view_layer.objects.active = skin
    skin.physface.expression.jawOpen = 0.5
    skin.physface.effects.paralysis = 0.5
    assert bpy.ops.physface.key_expression(only_changed=True) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.physface.bake(frame_start=1, frame_end=1)
    shot = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    skin = next(entry for entry in bpy.data.objects if entry.physface.part == "skin" and entry.override_library)
    assert skin.physface.expression.jawOpen == pytest.approx(0.5)
    assert skin.physface.effects.paralysis == pytest.approx(0.5)
    assert [curve.data_path for curve in compat.fcurves(skin)] == [animation.slider_path("jawOpen")]
