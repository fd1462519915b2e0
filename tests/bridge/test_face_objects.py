import bpy
import numpy as np
import pytest

from physface_blender.anatomy.template import PARTS
from physface_blender.blender import bridge, face_objects, new_face
from physface_blender.blender.face_objects import FaceObjectError


def test_all_parts_stand_in_a_collection_of_their_own(still_face, template_rest) -> None:
    parts = face_objects.parts_of(still_face)
    assert set(parts) == set(PARTS)
    assert {part.users_collection for part in parts.values()} == {still_face.users_collection}
    for part, target in parts.items():
        assert part == "skin" or target.parent == still_face
        expected = bridge.to_blender(template_rest[part], 0.001)
        bpy.context.view_layer.update()
        world = np.array(target.matrix_world)
        placed = bridge.get_coordinates(target.data) @ world[:3, :3].T + world[:3, 3]
        assert np.abs(placed - expected).max() < 1e-6, part
    assert parts["mandible"].hide_render
    assert not parts["eye_left"].hide_render


def test_every_face_has_a_material_and_the_skin_has_texture_coordinates(still_face) -> None:
    for target in face_objects.parts_of(still_face).values():
        assert len(target.data.materials) > 0
        assert max(polygon.material_index for polygon in target.data.polygons) < len(target.data.materials)
    coordinates = np.array([entry.vector for entry in still_face.data.uv_layers[0].uv])
    assert np.ptp(coordinates, axis=0).min() > 0.5


def test_a_face_in_a_scene_of_centimeters_has_its_true_size(scene, template, template_rest) -> None:
    scene.unit_settings.scale_length = 0.01
    skin = new_face.create(bpy.context, template, template_rest)
    height = np.ptp(template_rest["skin"][:, 1])
    assert skin.dimensions.z == pytest.approx(height / 10.0, rel=1e-4)


def test_the_skin_is_found_from_every_part_and_from_nothing_else(still_face) -> None:
    for target in face_objects.parts_of(still_face).values():
        assert face_objects.skin_of(target) == still_face
    empty = bpy.data.objects.new("empty", None)
    empty.parent = still_face
    assert face_objects.skin_of(empty) is None
    assert face_objects.skin_of(None) is None


def test_a_pose_moves_skin_teeth_and_eyes(still_face, template_rest) -> None:
    jaw, eye = np.eye(4), np.eye(4)
    jaw[:3, 3] = [0.0, -10.0, 2.0]
    center = template_rest["eye_left_center"]
    cosine, sine = np.cos(0.3), np.sin(0.3)
    eye[:3, :3] = [[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]]
    eye[:3, 3] = center - eye[:3, :3] @ center
    face_objects.pose(still_face, {"skin": template_rest["skin"] + 1.0, "jaw": jaw, "eye_left": eye})
    bpy.context.view_layer.update()
    parts = face_objects.parts_of(still_face)
    assert np.allclose(parts["lower_teeth"].matrix_world.translation, [0.0, -0.002, -0.010], atol=1e-7)
    assert np.allclose(parts["upper_teeth"].matrix_world.translation, 0.0)
    assert np.allclose(parts["eye_left"].matrix_world.translation, bridge.to_blender(center, 0.001), atol=1e-7)
    assert parts["eye_left"].matrix_world.to_quaternion().angle == pytest.approx(0.3, abs=1e-5)
    moved = bridge.to_millimeters(bridge.get_coordinates(still_face.data), 0.001)
    assert np.allclose(moved, template_rest["skin"] + 1.0, atol=1e-3)


def test_an_edited_mesh_is_refused_with_a_sentence(still_face, template_rest) -> None:
    count = len(template_rest["skin"])
    with pytest.raises(FaceObjectError, match=f"has {count} vertices, but the physical face needs the 10"):
        face_objects.pose(still_face, {"skin": template_rest["skin"][:10]})


def test_the_artists_relative_keys_add_to_the_live_pose(still_face, template_rest, evaluated) -> None:
    still_face.shape_key_add(name="Basis", from_mix=False)
    own = still_face.shape_key_add(name="Bump", from_mix=False)
    before = bridge.get_key_coordinates(own)
    bump = before.copy()
    bump[7] += [0.0, 0.0, 0.05]
    bridge.set_key_coordinates(own, bump)
    own.value = 1.0
    face_objects.pose(still_face, {"skin": template_rest["skin"] + [0.0, 10.0, 0.0]})
    shown = evaluated(still_face)
    assert np.allclose(shown[8] - before[8], [0.0, 0.0, 0.01], atol=1e-6)
    assert np.allclose(shown[7] - before[7], [0.0, 0.0, 0.06], atol=1e-6)
    assert np.array_equal(bridge.get_key_coordinates(still_face.data.shape_keys.key_blocks["Bump"]), bump)
