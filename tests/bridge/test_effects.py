import math

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix

from physface_blender.backend.effects import Effects
from physface_blender.blender import bridge, effects, face_objects, live, masks, sampling
from physface_blender.blender.effect_properties import PARALYSIS_GROUP, STIFFNESS_GROUP
from physface_blender.simulation.gravity import gravity_change, head_rotation


def acting(skin) -> dict:
    bpy.context.view_layer.update()
    return effects.of(skin, bpy.context.evaluated_depsgraph_get())


def positions(skin) -> np.ndarray:
    return bridge.get_coordinates(skin.data)


@pytest.fixture
def physical_face(add_face):
    """A face whose preview simulates at a coarse resolution."""
    skin = add_face(seed=1)
    skin.physface.live_physics = True
    return skin


def test_a_new_face_has_no_effects(still_face) -> None:
    assert acting(still_face) == {}


def test_friction_goes_with_contact(still_face) -> None:
    still_face.physface.effects.friction = 0.3
    assert acting(still_face) == {"friction": 0.3}
    still_face.physface.contact = False
    assert acting(still_face) == {}


@pytest.mark.parametrize("turn", [(1.2, 0.0, 0.0), (-0.7, 0.4, 0.0), (0.3, -0.9, 2.5), (math.pi / 2, 0.0, 0.0)])
def test_gravity_pulls_a_turned_face_toward_the_worlds_ground(still_face, turn) -> None:
    still_face.physface.effects.gravity = True
    still_face.rotation_euler = turn
    pitch, yaw, roll = acting(still_face)["head_degrees"]
    pull = gravity_change(head_rotation(pitch, yaw, roll)) - gravity_change(np.zeros((3, 3)))
    world = np.array(Euler(turn).to_matrix()) @ bridge.AXES @ pull
    assert np.allclose(world / 9.80665, [0.0, 0.0, -1.0], atol=0.003), "a tenth of a degree is 0.002"


def test_a_scaled_face_feels_the_gravity_of_its_turn(still_face) -> None:
    still_face.physface.effects.gravity = True
    still_face.rotation_euler = (0.5, 0.2, 0.0)
    expected = acting(still_face)["head_degrees"]
    still_face.scale = (7.0, 7.0, 7.0)
    assert acting(still_face)["head_degrees"] == expected
    still_face.rotation_euler = (0.0, 0.0, 1.0)
    assert acting(still_face) == {}, "gravity does not see the yaw"


def test_gravity_follows_a_head_bone_from_its_rest(scene, still_face) -> None:
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("head")
    bone.head, bone.tail, bone.roll = (0.0, 0.0, 1.0), (0.0, 0.1, 1.3), 0.7
    bpy.ops.object.mode_set(mode="OBJECT")
    settings = still_face.physface.effects
    settings.gravity, settings.gravity_source = True, "TARGET"
    settings.gravity_target, settings.gravity_bone = armature, "head"
    assert acting(still_face) == {}
    posed = armature.pose.bones["head"]
    posed.matrix = Matrix.Rotation(math.radians(40.0), 4, "X") @ posed.bone.matrix_local
    assert acting(still_face)["head_degrees"] == (40.0, 0.0, 0.0), "a turn about the world's X nods"


def test_what_the_panels_allow_the_backend_takes(still_face) -> None:
    settings = still_face.physface.effects
    for low_or_high in ("hard_min", "hard_max"):
        for name in (
            "head_pitch",
            "head_roll",
            "friction",
            "stiffness_factor",
            "paralysis",
            "jaw_length",
            "jaw_width",
            "jaw_height",
            "jaw_shift",
        ):
            setattr(settings, name, getattr(settings.bl_rna.properties[name], low_or_high))
        still_face.physface.stiffness = getattr(still_face.physface.bl_rna.properties["stiffness"], low_or_high)
        settings.gravity, settings.gravity_source = True, "ANGLES"
        masks.write(still_face, PARALYSIS_GROUP, np.ones(len(still_face.data.vertices)))
        masks.write(still_face, STIFFNESS_GROUP, np.ones(len(still_face.data.vertices)))
        Effects.of(acting(still_face))


def test_keyed_strength_and_a_turning_head_are_sampled_in_every_frame(scene, still_face) -> None:
    masks.write(still_face, PARALYSIS_GROUP, np.ones(len(still_face.data.vertices)))
    settings = still_face.physface.effects
    settings.gravity = True
    for frame, strength, nod in ((1, 0.0, 0.0), (3, 1.0, 1.0)):
        settings.paralysis, still_face.rotation_euler = strength, (nod, 0.0, 0.0)
        still_face.keyframe_insert("physface.effects.paralysis", frame=frame)
        still_face.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_set(1)
    found = [frame.effects for frame in sampling.sample(scene, still_face, [1, 2, 3])]
    assert found[0] == {}
    assert found[1]["painted_paralysis"][0] == pytest.approx(0.5, abs=0.01)
    assert found[2]["painted_paralysis"][0] == 1.0
    assert found[2]["head_degrees"][0] == pytest.approx(math.degrees(1.0), abs=0.1)
    assert scene.frame_current == 1


def test_face_down_the_tissue_hangs_and_upright_it_is_as_before(physical_face, settle) -> None:
    settle(physical_face)
    upright = positions(physical_face)
    settings = physical_face.physface.effects
    settings.gravity = True
    physical_face.rotation_euler = (math.pi / 2, 0.0, 0.0)
    bpy.context.view_layer.update()  # what follows in a window by itself
    live.look(physical_face)
    settle(physical_face)
    sagged = positions(physical_face) - upright
    assert -sagged[:, 1].min() > 0.0005, "half a millimeter toward the front, which is down"
    physical_face.physface.stiffness = 10.0
    settle(physical_face)
    stiff = positions(physical_face) - upright
    assert -stiff[:, 1].min() < 0.7 * -sagged[:, 1].min()
    settings.gravity = False
    settle(physical_face)
    assert np.abs(positions(physical_face) - upright).max() < 1e-4


def test_an_edited_mandible_moves_chin_and_teeth_and_comes_back(physical_face, settle, tmp_path) -> None:
    settle(physical_face)
    parts = face_objects.parts_of(physical_face)
    before = {part: positions(parts[part]) for part in ("skin", "lower_teeth", "mandible", "upper_teeth")}
    settings = physical_face.physface.effects
    settings.jaw_length = 0.85
    settle(physical_face)
    moved = {part: np.abs(positions(parts[part]) - before[part]).max() for part in before}
    assert min(moved["skin"], moved["lower_teeth"], moved["mandible"]) > 0.003
    assert moved["upper_teeth"] == 0.0
    settings.edited_bones = False
    settle(physical_face)
    assert np.array_equal(positions(parts["lower_teeth"]), before["lower_teeth"])
    settings.edited_bones = True
    settle(physical_face)
    path = str(tmp_path / "osteotomy.blend")
    shown = positions(parts["mandible"])
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    skin = bpy.data.objects["Face"]
    assert np.array_equal(positions(face_objects.parts_of(skin)["mandible"]), shown)
    assert bpy.ops.physface.reset_bones() == {"FINISHED"}
    assert not bpy.ops.physface.reset_bones.poll()
    settle(skin)
    assert np.array_equal(positions(face_objects.parts_of(skin)["mandible"]), before["mandible"])


def test_the_mandible_is_shifted_aside_and_reset(physical_face, settle) -> None:
    settle(physical_face)
    parts = face_objects.parts_of(physical_face)
    before = {part: positions(parts[part]) for part in ("skin", "lower_teeth", "upper_teeth")}
    physical_face.physface.effects.jaw_shift = 5.0
    settle(physical_face)
    teeth = positions(parts["lower_teeth"]) - before["lower_teeth"]
    assert teeth[:, 0].max() == pytest.approx(0.005, abs=1e-4), "the character's left is +X"
    assert np.abs(teeth[:, 1:]).max() < 1e-6
    assert (positions(parts["skin"]) - before["skin"])[:, 0].max() > 0.003
    assert np.array_equal(positions(parts["upper_teeth"]), before["upper_teeth"])
    assert bpy.ops.physface.reset_bones() == {"FINISHED"}
    settle(physical_face)
    assert np.array_equal(positions(parts["lower_teeth"]), before["lower_teeth"])


def test_a_baked_osteotomy_keeps_its_bones(physical_face, key_jaw) -> None:
    physical_face.physface.effects.jaw_length = 0.9
    key_jaw(physical_face, 2)
    physical_face.physface.bake.physics = True
    mandible = face_objects.parts_of(physical_face)["mandible"]
    before = positions(mandible)
    assert bpy.ops.physface.bake() == {"FINISHED"}
    assert np.abs(positions(mandible) - before).max() > 0.003


def test_quality_sets_both_resolutions(still_face) -> None:
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.physface.set_quality(quality="FINE")
    assert still_face.physface.preview_resolution == 5.0
    assert still_face.physface.bake.resolution == 3.0
    bpy.ops.ed.undo_push(message="fine")
    bpy.ops.ed.undo()
    assert bpy.data.objects["Face"].physface.bake.resolution == 4.0


def displace(bone, offset_mm) -> None:
    """Move the chin of a mandible, smoothly, as a brush does; the offset is in Blender's axes."""
    shape = positions(bone)
    chin = shape[(-shape[:, 1] - 0.5 * shape[:, 2]).argmax()]
    share = np.exp(-np.sum((shape - chin) ** 2, axis=1) / (2.0 * 0.014**2))
    share[share < 0.01] = 0.0
    bridge.set_coordinates(bone.data, shape + share[:, None] * 0.001 * np.asarray(offset_mm, dtype=np.float32))


def test_a_sculpted_chin_moves_the_skin_and_can_be_undone_compared_and_reset(physical_face, settle, tmp_path) -> None:
    settle(physical_face)
    mandible = face_objects.parts_of(physical_face)["mandible"]
    own_skin, own_bone = positions(physical_face), positions(mandible)
    with pytest.raises(RuntimeError, match="No bone was sculpted"):
        bpy.ops.physface.update_anatomy()
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.physface.sculpt_bone(bone="mandible") == {"FINISHED"}
    assert bpy.context.active_object == mandible
    assert mandible.mode == "SCULPT"
    bpy.ops.object.mode_set(mode="OBJECT")
    displace(mandible, [0.0, -6.0, 0.0])
    sculpted = positions(mandible)
    physical_face.physface.expression.jawOpen = 0.05
    settle(physical_face)
    assert np.array_equal(positions(mandible), sculpted), "a pose does not take the artist's work away"
    physical_face.physface.expression.jawOpen = 0.0
    assert bpy.ops.physface.update_anatomy() == {"FINISHED"}
    settle(physical_face)
    forward = own_skin[:, 1] - positions(physical_face)[:, 1]
    assert 0.003 < forward.max() < 0.007, "meters, of six millimeters of bone"
    assert np.allclose(positions(mandible), sculpted, atol=2e-6), (
        "to what counts as sculpted, a thousandth of a millimeter"
    )
    settings = physical_face.physface.effects
    settings.edited_bones = False
    settle(physical_face)
    assert np.allclose(positions(mandible), own_bone, atol=1e-7)
    assert np.abs(positions(physical_face) - own_skin).max() < 2e-4
    settings.edited_bones = True
    settle(physical_face)
    assert np.allclose(positions(mandible), sculpted, atol=2e-6)
    path = str(tmp_path / "sculpted.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    skin = bpy.data.objects["Face"]
    assert "sculpted_mandible" in acting(skin)
    assert bpy.ops.physface.reset_bones() == {"FINISHED"}
    settle(skin)
    assert np.allclose(positions(face_objects.parts_of(skin)["mandible"]), own_bone, atol=1e-7)
    assert acting(skin) == {}


def test_a_bone_through_the_skin_is_refused_with_the_place_and_nothing_is_lost(physical_face, settle) -> None:
    settle(physical_face)
    mandible = face_objects.parts_of(physical_face)["mandible"]
    displace(mandible, [0.0, -30.0, 0.0])
    sculpted = positions(mandible)
    with pytest.raises(RuntimeError, match="comes through the skin below the mouth"):
        bpy.ops.physface.update_anatomy()
    assert np.array_equal(positions(mandible), sculpted)
    assert acting(physical_face) == {}


def test_a_sculpted_skull_lifts_the_brow_and_is_refused_where_it_comes_out(physical_face, settle) -> None:
    settle(physical_face)
    skull = face_objects.parts_of(physical_face)["skull"]
    own_skin, own_bone = positions(physical_face), positions(skull)
    front = own_bone[:, 1] < np.quantile(own_bone[:, 1], 0.3)
    brow = own_bone[np.flatnonzero(front & (np.abs(own_bone[:, 0]) < 0.03))]
    brow = brow[brow[:, 2].argsort()[int(0.8 * len(brow))]]
    share = np.exp(-np.sum((own_bone - brow) ** 2, axis=1) / (2.0 * 0.012**2))[:, None]
    share[share < 0.01] = 0.0
    forward = np.array([0.0, -0.001, 0.0], dtype=np.float32)
    bridge.set_coordinates(skull.data, own_bone + 2.0 * share * forward)
    assert bpy.ops.physface.update_anatomy() == {"FINISHED"}
    settle(physical_face)
    moved = own_skin[:, 1] - positions(physical_face)[:, 1]
    assert 0.001 < moved.max() < 0.003, "the skin over two millimeters of bone"
    assert np.linalg.norm(own_skin[moved.argmax()] - brow) < 0.03, "there, and not elsewhere"
    bridge.set_coordinates(skull.data, own_bone + 25.0 * share * forward)
    with pytest.raises(RuntimeError, match="The sculpted skull comes through the skin at"):
        bpy.ops.physface.update_anatomy()
    assert bpy.ops.physface.reset_bones() == {"FINISHED"}


def test_the_handles_of_the_chin_move_bone_and_skin_and_leave_teeth_and_joint(physical_face, settle) -> None:
    settle(physical_face)
    parts = face_objects.parts_of(physical_face)
    own_skin, own_bone, own_teeth = (positions(parts[part]) for part in ("skin", "mandible", "lower_teeth"))
    physical_face.physface.effects.chin_forward = 5.0
    settle(physical_face)
    moved = own_bone[:, 1] - positions(parts["mandible"])[:, 1]
    assert moved.max() == pytest.approx(0.005, abs=1e-5), "five millimeters at the tip, in meters"
    condyles = own_bone[:, 2] > np.quantile(own_bone[:, 2], 0.9)
    assert np.abs(moved[condyles]).max() < 1e-6, "the joint stays"
    assert np.allclose(positions(parts["lower_teeth"]), own_teeth, atol=1e-6)
    forward = own_skin[:, 1] - positions(physical_face)[:, 1]
    assert 0.003 < forward.max() < 0.007, "the skin of the chin goes with it"
    assert bpy.ops.physface.reset_bones() == {"FINISHED"}
    settle(physical_face)
    assert physical_face.physface.effects.chin_forward == 0.0
    assert np.allclose(positions(parts["mandible"]), own_bone, atol=1e-7)
    assert acting(physical_face) == {}
