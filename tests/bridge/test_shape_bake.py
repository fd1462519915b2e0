import bpy
import numpy as np
import pytest

from physface_blender.blender import bridge, face_objects, shape_bake
from physface_blender.blender.baked_frames import BakedFrames
from physface_blender.blender.face_objects import FaceObjectError


@pytest.fixture
def baked(template_rest) -> BakedFrames:
    """Four frames from 10 on in which everything moves."""
    frames = BakedFrames({part: template_rest[part] for part in face_objects.DEFORMED_PARTS})
    for step in range(4):
        jaw = np.eye(4)
        jaw[1:3, 1:3] = [[np.cos(0.1 * step), -np.sin(0.1 * step)], [np.sin(0.1 * step), np.cos(0.1 * step)]]
        arrays = {part: template_rest[part] * (1.0 + 0.01 * step) for part in face_objects.DEFORMED_PARTS}
        frames.append(10 + step, arrays | {"jaw": jaw, "eye_left": np.eye(4), "eye_right": np.eye(4)}, 0.001)
    return frames


def test_every_frame_and_the_middle_between_two_play_back(scene, still_face, baked, evaluated) -> None:
    shape_bake.write(still_face, baked)
    lashes = face_objects.parts_of(still_face)["lashes"]
    for index, frame in enumerate(baked.frames):
        scene.frame_set(frame)
        assert np.abs(evaluated(still_face) - baked.coordinates["skin"][index]).max() < 1e-6
        assert np.abs(evaluated(lashes) - baked.coordinates["lashes"][index]).max() < 1e-6
        angle = face_objects.parts_of(still_face)["lower_teeth"].matrix_world.to_quaternion().angle
        assert angle == pytest.approx(0.1 * index, abs=1e-4)
    scene.frame_set(11, subframe=0.5)
    middle = 0.5 * (baked.coordinates["skin"][1] + baked.coordinates["skin"][2])
    assert np.abs(evaluated(still_face) - middle).max() < 1e-6
    scene.frame_set(500)
    assert np.abs(evaluated(still_face) - baked.coordinates["skin"][3]).max() < 1e-6


def test_our_keys_carry_our_prefix_and_the_live_preview_goes_off(still_face, baked) -> None:
    still_face.physface.live = True
    shape_bake.write(still_face, baked)
    keys = still_face.data.shape_keys
    assert not keys.use_relative
    assert [key.name for key in keys.key_blocks] == ["PF Rest", "PF 10", "PF 11", "PF 12", "PF 13"]
    assert not still_face.physface.live
    assert face_objects.has_bake(still_face)


def test_a_second_bake_replaces_the_first_and_leaves_nothing_behind(still_face, baked) -> None:
    shape_bake.write(still_face, baked)
    counts = len(bpy.data.actions), len(bpy.data.shape_keys)
    shape_bake.write(still_face, baked)
    assert (len(bpy.data.actions), len(bpy.data.shape_keys)) == counts
    assert len(still_face.data.shape_keys.key_blocks) == 5


def test_clearing_brings_the_rest_back(scene, still_face, baked, template_rest) -> None:
    shape_bake.write(still_face, baked)
    scene.frame_set(13)
    assert shape_bake.clear(still_face)
    assert still_face.data.shape_keys is None
    assert len(bpy.data.actions) == len(bpy.data.shape_keys) == 0
    assert (
        np.abs(bridge.get_coordinates(still_face.data) - bridge.to_blender(template_rest["skin"], 0.001)).max() < 1e-7
    )
    teeth = face_objects.parts_of(still_face)["lower_teeth"]
    assert teeth.rotation_quaternion.angle == pytest.approx(0.0, abs=1e-6)
    assert not shape_bake.clear(still_face)


def test_the_artists_shape_keys_are_never_touched(still_face, baked) -> None:
    still_face.shape_key_add(name="Basis", from_mix=False)
    still_face.shape_key_add(name="My Smile", from_mix=False)
    with pytest.raises(FaceObjectError, match="My Smile"):
        shape_bake.write(still_face, baked)
    assert [key.name for key in still_face.data.shape_keys.key_blocks] == ["Basis", "My Smile"]
    shape_bake.clear(still_face)
    assert [key.name for key in still_face.data.shape_keys.key_blocks] == ["Basis", "My Smile"]


def test_the_artists_keyframes_on_the_eyes_are_never_touched(still_face, baked) -> None:
    eye = face_objects.parts_of(still_face)["eye_left"]
    eye.keyframe_insert("rotation_quaternion", frame=1)
    name = eye.animation_data.action.name
    with pytest.raises(FaceObjectError, match="has an action of its own"):
        shape_bake.write(still_face, baked)
    assert still_face.data.shape_keys is None
    assert eye.animation_data.action.name == name


def test_a_bake_before_frame_zero(scene, still_face, baked, evaluated) -> None:
    baked.frames = [-12, -11, -10, -9]
    shape_bake.write(still_face, baked)
    scene.frame_set(-11)
    assert np.abs(evaluated(still_face) - baked.coordinates["skin"][1]).max() < 1e-6
