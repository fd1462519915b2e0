import bpy
import numpy as np
import pytest

from physface_blender.backend.identity import Identity
from physface_blender.blender import bridge, face_objects, properties


def test_a_face_at_the_cursor_with_the_identity_of_its_seed(scene, add_face) -> None:
    scene.cursor.location = (1.0, 2.0, 3.0)
    skin = add_face(seed=5, strength=0.8, shape_2=1.5)
    assert tuple(skin.location) == (1.0, 2.0, 3.0)
    expected = Identity.from_seed(5, 0.8).coefficients.copy()
    expected[1] = np.clip(expected[1] + 1.5, -4.0, 4.0)
    assert np.allclose(properties.read_identity(skin), expected, atol=1e-6)
    assert skin.physface.seed == 5
    assert bpy.context.selected_objects == [skin]
    assert 0.2 < skin.dimensions.z < 0.5, "a head with its shoulders is some 30 cm high"


def test_other_seeds_are_other_faces_and_the_same_seed_the_same_face(add_face) -> None:
    first, second, again = (bridge.get_coordinates(add_face(seed=seed).data) for seed in (1, 2, 1))
    assert np.abs(first - second).max() > 0.001
    assert np.array_equal(first, again)


def test_two_faces_have_their_own_collections_and_objects(add_face) -> None:
    one, two = add_face(seed=1), add_face(seed=2)
    assert one.users_collection != two.users_collection
    assert face_objects.parts_of(one).keys() == face_objects.parts_of(two).keys()
    assert not {part.name for part in face_objects.parts_of(one).values()} & {
        part.name for part in face_objects.parts_of(two).values()
    }
    assert one.data.materials[0] == two.data.materials[0]


def test_outside_object_mode_the_button_is_off(still_face) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.physface.add_face.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.physface.add_face.poll()


def test_a_backend_that_cannot_start_is_one_sentence_and_no_objects(scene, monkeypatch, tmp_path) -> None:
    from dataclasses import replace

    from physface_blender.blender import preferences, worker_link

    broken = replace(preferences.backend_settings(), python=tmp_path / "no-python")
    worker_link.close()
    monkeypatch.setattr(preferences, "backend_settings", lambda: broken)
    with pytest.raises(RuntimeError, match="no-python"):
        bpy.ops.physface.add_face()
    assert len(scene.objects) == 0
    assert len(bpy.data.meshes) == 0


def test_missing_weights_are_one_sentence_and_no_objects(scene, monkeypatch, tmp_path) -> None:
    from dataclasses import replace

    from physface_blender.blender import preferences

    broken = replace(preferences.backend_settings(), weights_path=tmp_path / "gone.safetensors")
    monkeypatch.setattr(preferences, "backend_settings", lambda: broken)
    with pytest.raises(RuntimeError, match=r"gone\.safetensors"):
        bpy.ops.physface.add_face()
    assert len(scene.objects) == 0
