import math

import bpy
import numpy as np
import pytest
from mathutils.kdtree import KDTree

from physface_blender.blender import bridge, compact_keys, face_objects, shape_bake
from physface_blender.blender.baked_frames import BakedFrames
from physface_blender.blender.face_objects import FaceObjectError
from physface_blender.blender.point_cache import PointCacheError

FRAMES = [10, 11, 12, 13, 14, 15]


@pytest.fixture
def baked(template_rest) -> BakedFrames:
    """Six frames from 10 on: two motions mixed, and a turning jaw and eye."""
    frames = BakedFrames({part: template_rest[part] for part in face_objects.DEFORMED_PARTS})
    for step, frame in enumerate(FRAMES):
        cosine, sine = math.cos(0.1 * step), math.sin(0.1 * step)
        jaw, eye = np.eye(4), np.eye(4)
        jaw[1:3, 1:3] = [[cosine, -sine], [sine, cosine]]
        eye[:3, :3] = [[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]]
        center = template_rest["eye_left_center"]
        eye[:3, 3] = center - eye[:3, :3] @ center
        arrays = {
            part: template_rest[part] * (1.0 + 0.01 * step) + [0.0, 3.0 * math.sin(step), 0.0]
            for part in face_objects.DEFORMED_PARTS
        }
        frames.append(frame, arrays | {"jaw": jaw, "eye_left": eye, "eye_right": np.eye(4)}, 0.001)
    return frames


def written(skin, baked, chosen: str, tmp_path) -> None:
    skin.physface.bake.format = chosen
    skin.physface.bake.folder = str(tmp_path)
    basis = None
    if chosen == "COMPACT":
        fitting = compact_keys.fit(
            baked,
            skin.physface.bake.tolerance,
            dict.fromkeys(face_objects.DEFORMED_PARTS, skin.physface.units_per_millimeter),
        )
        try:
            while True:
                next(fitting)
        except StopIteration as end:
            basis = end.value
    shape_bake.write(skin, baked, basis)


def error_mm(skin, baked, evaluated) -> float:
    """Largest distance of a vertex of skin or lashes from its place, in millimeters, in all frames."""
    parts = face_objects.parts_of(skin)
    worst = 0.0
    for index, frame in enumerate(baked.frames):
        bpy.context.scene.frame_set(frame)
        for part in face_objects.DEFORMED_PARTS:
            away = np.linalg.norm(evaluated(parts[part]) - baked.coordinates[part][index], axis=1)
            worst = max(worst, 1000.0 * float(away.max()))
    return worst


@pytest.fixture
def evaluated_with_cache():
    """Vertices of an object as the scene shows them, subdivision left out."""

    def read(target) -> np.ndarray:
        for modifier in target.modifiers:
            modifier.show_viewport = modifier.type == "MESH_CACHE"
        mesh = target.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        coordinates = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", coordinates)
        return coordinates.reshape(-1, 3)

    return read


@pytest.mark.parametrize(("chosen", "allowed_mm"), [("ABSOLUTE", 0.001), ("COMPACT", 0.1), ("CACHE", 0.001)])
def test_every_format_plays_reads_back_and_clears(
    still_face, baked, evaluated_with_cache, tmp_path, chosen, allowed_mm
) -> None:
    rest = bridge.get_coordinates(still_face.data)
    written(still_face, baked, chosen, tmp_path)
    assert face_objects.bake_format(still_face) == chosen
    assert error_mm(still_face, baked, evaluated_with_cache) <= allowed_mm
    again = shape_bake.read(still_face)
    assert again.frames == FRAMES
    for part in face_objects.DEFORMED_PARTS:
        assert (
            np.abs(np.array(again.coordinates[part]) - np.array(baked.coordinates[part])).max()
            < 0.001 * allowed_mm + 1e-7
        )
        assert np.allclose(again.rest[part], baked.rest[part], atol=1e-3)
    for motion, transforms in baked.transforms.items():
        assert np.allclose(again.transforms[motion], transforms, atol=1e-3), motion
    assert shape_bake.clear(still_face)
    assert not face_objects.has_bake(still_face)
    assert np.abs(bridge.get_coordinates(still_face.data) - rest).max() < 1e-6
    assert still_face.data.shape_keys is None
    assert not [action.name for action in bpy.data.actions if action.name.startswith("PF ")]


def test_a_compact_bake_has_few_keys(still_face, baked, tmp_path) -> None:
    written(still_face, baked, "COMPACT", tmp_path)
    assert len(face_objects.compact_keys(still_face)) == 3, "two motions were mixed, and one key is always on"
    assert still_face.data.shape_keys.use_relative


def test_a_compact_bake_adds_to_the_artists_keys_and_leaves_them(still_face, baked, evaluated, tmp_path) -> None:
    still_face.shape_key_add(name="Basis", from_mix=False)
    own = still_face.shape_key_add(name="Bump", from_mix=False)
    bump = bridge.get_key_coordinates(own)
    bump[7] += [0.0, 0.0, 0.05]
    bridge.set_key_coordinates(own, bump)
    own.value = 1.0
    own.keyframe_insert("value", frame=3)
    action = still_face.data.shape_keys.animation_data.action
    written(still_face, baked, "COMPACT", tmp_path)
    bpy.context.scene.frame_set(12)
    away = evaluated(still_face) - baked.coordinates["skin"][2]
    assert np.allclose(away[7], [0.0, 0.0, 0.05], atol=2e-4)
    assert np.abs(np.delete(away, 7, axis=0)).max() < 1e-4
    shape_bake.clear(still_face)
    keys = still_face.data.shape_keys
    assert [key.name for key in keys.key_blocks] == ["Basis", "Bump"]
    assert keys.animation_data.action == action
    assert keys.key_blocks["Bump"].value == 1.0


def test_absolute_keys_refuse_the_artists_and_name_the_way_out(still_face, baked, tmp_path) -> None:
    still_face.shape_key_add(name="Basis", from_mix=False)
    with pytest.raises(FaceObjectError, match="only a bake to compact keys can mix"):
        written(still_face, baked, "ABSOLUTE", tmp_path)
    assert still_face.physface.live is False


def test_a_cache_beside_an_unsaved_file_is_refused(still_face, baked) -> None:
    with pytest.raises(FaceObjectError, match="has not been saved"):
        written(still_face, baked, "CACHE", "//cache")


def test_a_cut_off_cache_is_refused_when_it_is_read(still_face, baked, tmp_path) -> None:
    written(still_face, baked, "CACHE", tmp_path)
    path = next(tmp_path.glob("*Face.pc2"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(PointCacheError, match="not complete"):
        shape_bake.read(still_face)
    path.unlink()
    with pytest.raises(PointCacheError, match="cannot be read"):
        shape_bake.read(still_face)


def test_a_bake_converts_without_the_backend_and_in_one_undo(still_face, baked, tmp_path, evaluated, capfd) -> None:
    written(still_face, baked, "ABSOLUTE", tmp_path)
    bpy.ops.ed.undo_push(message="absolute")
    still_face.physface.bake.format = "COMPACT"
    assert bpy.ops.physface.convert_bake() == {"FINISHED"}
    assert "6 frames as 3 shapes within" in capfd.readouterr().out
    assert error_mm(still_face, baked, evaluated) < 0.1
    bpy.ops.ed.undo_push(message="compact")
    bpy.ops.ed.undo()
    assert face_objects.bake_format(bpy.data.objects["Face"]) == "ABSOLUTE"


def test_a_saved_compact_bake_and_a_cache_play_after_loading(still_face, baked, evaluated_with_cache, tmp_path) -> None:
    for chosen in ("COMPACT", "CACHE"):
        skin = bpy.data.objects["Face"]
        path = str(tmp_path / f"{chosen}.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        written(skin, baked, chosen, "//cache")
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=path)
        assert error_mm(bpy.data.objects["Face"], baked, evaluated_with_cache) < 0.1
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["CACHE_Face.pc2", "CACHE_Face_Lashes.pc2"]


def test_every_other_frame_plays_from_a_cache(still_face, baked, evaluated_with_cache, tmp_path) -> None:
    sparse = BakedFrames(
        baked.rest,
        baked.frames[::2],
        {part: values[::2] for part, values in baked.coordinates.items()},
        {motion: values[::2] for motion, values in baked.transforms.items()},
    )
    written(still_face, sparse, "CACHE", tmp_path)
    assert error_mm(still_face, sparse, evaluated_with_cache) < 0.001
    bpy.context.scene.frame_set(11)
    middle = 0.5 * (baked.coordinates["skin"][0] + baked.coordinates["skin"][2])
    assert np.abs(evaluated_with_cache(still_face) - middle).max() < 1e-6


def test_gltf_brings_the_face_back_within_the_tolerance(still_face, baked, tmp_path, evaluated) -> None:
    written(still_face, baked, "COMPACT", tmp_path)
    path = str(tmp_path / "face.glb")
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = FRAMES[0], FRAMES[-1]
    assert bpy.ops.physface.export_gltf(filepath=path) == {"FINISHED"}
    assert bpy.context.view_layer.objects.active == still_face
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 24
    bpy.ops.import_scene.gltf(filepath=path)
    imported = bpy.data.objects["Face"]
    reference = bridge.get_key_coordinates(imported.data.shape_keys.reference_key)
    tree = KDTree(len(baked.rest["skin"]))
    for index, point in enumerate(bridge.to_blender(baked.rest["skin"], 0.001)):
        tree.insert(point, index)
    tree.balance()
    found = [tree.find(point) for point in reference]
    assert max(distance for _, _, distance in found) < 1e-6
    original = np.array([index for _, index, _ in found])
    teeth = bpy.data.objects["Face Lower Teeth"]
    first = imported.data.shape_keys.animation_data.action.frame_range[0]
    for index in (0, 2, 5):
        bpy.context.scene.frame_set(round(first) + index)
        away = np.linalg.norm(evaluated(imported) - baked.coordinates["skin"][index][original], axis=1)
        assert 1000.0 * away.max() < 0.1, "millimeters"
        assert teeth.matrix_world.to_quaternion().angle == pytest.approx(0.1 * index, abs=1e-4)


def test_gltf_of_another_format_is_refused_with_the_way_out(still_face, baked, tmp_path) -> None:
    written(still_face, baked, "ABSOLUTE", tmp_path)
    assert not bpy.ops.physface.export_gltf.poll()


def test_resume_part_and_step_through_the_backend(scene, add_face, key_jaw, evaluated, capfd) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 8)
    settings = skin.physface.bake
    settings.step = 2
    assert bpy.ops.physface.bake(frame_end=4) == {"FINISHED"}
    assert shape_bake.read(skin).frames == [1, 3]
    settings.step = 1
    assert bpy.ops.physface.bake(mode="MISSING") == {"FINISHED"}
    whole = shape_bake.read(skin)
    assert whole.frames == list(range(1, 9))
    assert "Baked frames 2 to 8" in capfd.readouterr().out
    with pytest.raises(RuntimeError, match="baked already"):
        bpy.ops.physface.bake(mode="MISSING")
    skin.physface.expression.jawOpen = 0.1
    skin.keyframe_insert("physface.expression.jawOpen", frame=5)
    settings.part_start, settings.part_end = 5, 6
    assert bpy.ops.physface.bake(mode="PART") == {"FINISHED"}
    again = shape_bake.read(skin)
    same = [np.array_equal(a, b) for a, b in zip(whole.coordinates["skin"], again.coordinates["skin"], strict=True)]
    assert same == [True] * 4 + [False] * 2 + [True] * 2
    settings.part_start = 9
    with pytest.raises(RuntimeError, match="holds no frame"):
        bpy.ops.physface.bake(mode="PART")
    bpy.ops.physface.clear_bake()
    with pytest.raises(RuntimeError, match="no bake to go on from"):
        bpy.ops.physface.bake(mode="MISSING")


def test_a_compact_bake_straight_from_the_backend(add_face, key_jaw) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 8)
    bpy.ops.physface.bake()
    exact = shape_bake.read(skin)
    skin.physface.bake.format, skin.physface.bake.tolerance = "COMPACT", 0.5
    bpy.ops.physface.bake()
    assert 1 <= len(face_objects.compact_keys(skin)) <= 5
    compact = shape_bake.read(skin)
    for part in face_objects.DEFORMED_PARTS:
        away = np.array(compact.coordinates[part]) - np.array(exact.coordinates[part])
        assert np.linalg.norm(away, axis=2).max() <= 0.0005
    bpy.ops.physface.clear_bake()
    skin.animation_data_clear()
    skin.physface.expression.jawOpen = 0.0
    bpy.ops.physface.bake(frame_end=2)
    assert len(face_objects.compact_keys(skin)) >= 1, "a face at rest has a bake too"
    assert shape_bake.read(skin).frames == [1, 2]
