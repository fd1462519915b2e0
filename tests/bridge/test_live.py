import bpy
import numpy as np
import pytest

from physface_blender.blender import bridge, face_objects, live


def positions(skin) -> np.ndarray:
    return bridge.get_coordinates(skin.data)


def test_the_face_follows_a_slider_and_comes_back(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    neutral = positions(skin)
    skin.physface.expression.jawOpen = 0.8
    assert np.array_equal(positions(skin), neutral), "nothing is written before the timer"
    settle(skin)
    assert np.abs(positions(skin) - neutral).max() > 0.0001
    teeth = face_objects.parts_of(skin)["lower_teeth"]
    assert teeth.location.length > 0.0
    skin.physface.expression.jawOpen = 0.0
    settle(skin)
    assert np.allclose(positions(skin), neutral, atol=1e-7)


def test_with_physics_the_face_is_another_and_says_so(add_face, settle) -> None:
    skin = add_face(seed=1)
    skin.physface.expression.jawOpen = 0.5
    settle(skin)
    network = positions(skin)
    assert live.sentence(skin).startswith("Network")
    skin.physface.live_physics = True
    settle(skin)
    assert live.sentence(skin).startswith("Physics")
    assert not np.array_equal(positions(skin), network)


def test_a_slider_that_jumps_with_physics_arrives(add_face, settle) -> None:
    skin = add_face(seed=1)
    skin.physface.live_physics = True
    skin.physface.expression.jawOpen = 0.8
    settle(skin)
    assert "not converged" not in live.sentence(skin)
    simulated = positions(skin)
    skin.physface.live_physics = False
    settle(skin)
    assert np.linalg.norm(positions(skin) - simulated, axis=1).max() < 0.015, "the mouth is as open as the network's"


def test_the_preview_off_means_that_nothing_moves(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    before = positions(skin)
    skin.physface.live = False
    skin.physface.expression.jawOpen = 1.0
    settle(skin)
    assert np.array_equal(positions(skin), before)
    skin.physface.live = True
    settle(skin)
    assert not np.array_equal(positions(skin), before), "switched on, it shows what the sliders say"


def test_undo_shows_the_pose_of_the_undone_sliders(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    neutral = positions(skin)
    bpy.ops.ed.undo_push(message="neutral")
    skin.physface.expression.jawOpen = 0.8
    bpy.ops.ed.undo_push(message="slider")
    settle(skin)
    posed = positions(skin)
    bpy.ops.ed.undo()
    skin = bpy.data.objects["Face"]
    settle(skin)
    assert np.allclose(positions(skin), neutral, atol=1e-7)
    bpy.ops.ed.redo()
    skin = bpy.data.objects["Face"]
    settle(skin)
    assert np.allclose(positions(skin), posed, atol=1e-7)


def test_two_characters_do_not_touch_each_other(add_face, settle) -> None:
    one, two = add_face(seed=1), add_face(seed=2)
    settle(one)
    settle(two)
    rest_one, rest_two = positions(one), positions(two)
    one.physface.expression.jawOpen = 0.7
    settle(one)
    settle(two)
    assert not np.array_equal(positions(one), rest_one)
    assert np.array_equal(positions(two), rest_two)
    two.physface.expression.jawOpen = 0.7
    one.physface.expression.jawOpen = 0.0
    settle(one)
    settle(two)
    assert np.allclose(positions(one), rest_one, atol=1e-7)
    assert not np.array_equal(positions(two), rest_two)


def test_the_timeline_moves_an_animated_face(scene, add_face, settle, key_jaw) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 10)
    scene.frame_set(1)
    settle(skin)
    first = positions(skin)
    scene.frame_set(10)
    assert live.is_pending(skin)
    settle(skin)
    assert np.abs(positions(skin) - first).max() > 0.0001


def test_a_saved_face_comes_back_and_goes_on(tmp_path, add_face, settle) -> None:
    skin = add_face(seed=4)
    skin.physface.expression.jawOpen = 0.6
    skin.physface.stiffness = 7.0
    settle(skin)
    posed = positions(skin)
    path = str(tmp_path / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    skin = bpy.data.objects["Face"]
    assert np.array_equal(positions(skin), posed)
    assert skin.physface.stiffness == pytest.approx(7.0)
    assert not live.is_pending(skin), "no run state comes out of a file"
    skin.physface.expression.jawOpen = 0.0
    settle(skin)
    assert not np.array_equal(positions(skin), posed)


def test_a_removed_face_is_forgotten(add_face, settle) -> None:
    skin = add_face(seed=1)
    skin.physface.expression.jawOpen = 0.5
    bpy.data.objects.remove(skin)
    while live.tick() is not None:
        pass
    assert live.tick() is None


def test_in_edit_mode_the_mesh_is_left_alone(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    before = positions(skin)
    bpy.ops.object.mode_set(mode="EDIT")
    skin.physface.expression.jawOpen = 0.5
    for _ in range(5):
        live.tick()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert np.array_equal(positions(skin), before)
    settle(skin)
    assert not np.array_equal(positions(skin), before)
