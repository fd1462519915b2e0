"""What artists do around the panels: other units, other parents, a render, the end of Blender in mid-bake."""

import math
import os
import subprocess
import sys
import time
from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from physface_blender.backend import cache_folder
from physface_blender.blender import bridge, face_objects, live, preferences, shape_bake


def test_a_scene_in_centimeters_has_the_same_face_a_hundred_times_as_large(scene, add_face, settle, key_jaw) -> None:
    meters = add_face(seed=1)
    settle(meters)
    expected = 100.0 * bridge.get_coordinates(meters.data)
    scene.unit_settings.scale_length = 0.01
    skin = add_face(seed=1)
    settle(skin)
    assert np.allclose(bridge.get_coordinates(skin.data), expected, atol=1e-3)
    key_jaw(skin, 3)
    skin.physface.bake.format = "COMPACT"
    assert bpy.ops.physface.bake() == {"FINISHED"}
    error = shape_bake.read(skin)
    key_jaw(meters, 3)
    bpy.context.view_layer.objects.active = meters
    bpy.ops.physface.bake()
    exact = np.array(shape_bake.read(meters).coordinates["skin"])
    away = np.linalg.norm(np.array(error.coordinates["skin"]) - 100.0 * exact, axis=2)
    assert away.max() <= 0.01, "a tenth of a millimeter is a hundredth of a centimeter"
    for motion, transforms in shape_bake.read(meters).transforms.items():
        assert np.allclose(transforms, error.transforms[motion], atol=1e-3), motion


def test_a_face_on_a_head_bone_that_is_scaled_and_turned_moves_with_it(scene, add_face, settle) -> None:
    skin = add_face(seed=1)
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("head")
    bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, 0.0, 0.2)
    bpy.ops.object.mode_set(mode="OBJECT")
    skin.parent, skin.parent_type, skin.parent_bone = armature, "BONE", "head"
    armature.scale = (2.0, 2.0, 2.0)
    bpy.context.view_layer.objects.active = skin
    settle(skin)
    rest = bridge.get_coordinates(skin.data)
    skin.physface.expression.jawOpen = 0.8
    skin.physface.effects.gravity = skin.physface.live_physics = True
    posed = armature.pose.bones["head"]
    posed.matrix = Matrix.Rotation(math.radians(60.0), 4, "X") @ posed.bone.matrix_local
    bpy.context.view_layer.update()
    settle(skin)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    teeth = face_objects.parts_of(skin)["lower_teeth"].evaluated_get(depsgraph)
    shown = skin.evaluated_get(depsgraph)
    assert teeth.matrix_world.median_scale == pytest.approx(2.0, abs=1e-4)
    local = shown.matrix_world.inverted() @ teeth.matrix_world
    assert local.to_quaternion().angle > 0.1, "the jaw is open in the head's own space"
    assert np.abs(bridge.get_coordinates(skin.data) - rest).max() > 0.005


def test_a_render_with_the_live_preview_on_shows_the_face_as_it_is(scene, add_face, settle, key_jaw, tmp_path) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 5)
    scene.frame_set(5)
    settle(skin)
    before = bridge.get_coordinates(skin.data)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.render.resolution_x, scene.render.resolution_y = 1, 16, 16
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera, camera.location, camera.rotation_euler = camera, (0.0, -1.0, 0.0), (math.pi / 2, 0.0, 0.0)
    scene.render.filepath = str(tmp_path / "shot.png")
    skin.physface.expression.cheekPuff = 0.5
    assert live.is_pending(skin)
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    assert np.array_equal(bridge.get_coordinates(skin.data), before), "nothing is written while a render runs"
    assert (tmp_path / "shot.png").stat().st_size > 0
    settle(skin)


LEAVING = """
import os
import bpy
import physface_blender
from physface_blender.blender import baked_frames, worker_link
physface_blender.register()
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.physface.add_face(seed=1)
skin = bpy.context.active_object
skin.physface.bake.resolution = 6.8
bpy.context.scene.frame_end = 200
for frame, value in ((1, 0.0), (200, 0.8)):
    skin.physface.expression.jawOpen = value
    skin.keyframe_insert("physface.expression.jawOpen", frame=frame)
append = baked_frames.BakedFrames.append
def leave(self, *arguments):
    append(self, *arguments)
    print("worker", worker_link.current().process_id, flush=True)
    os._exit(1)
baked_frames.BakedFrames.append = leave
bpy.ops.physface.bake()
"""


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as status:
        return status.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc to see whether a process has ended")
def test_the_worker_ends_with_a_blender_that_goes_in_mid_bake() -> None:
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        check=False,
    )
    words = ended.stdout.split()
    assert "worker" in words, ended.stdout + ended.stderr
    worker = int(words[words.index("worker") + 1])
    deadline = time.monotonic() + 20.0
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(worker)


def test_a_copied_an_appended_and_a_remaining_face_are_whole(scene, still_face, tmp_path) -> None:
    still_face.physface.expression.jawOpen = 0.4
    whole = set(face_objects.parts_of(still_face))
    for part in face_objects.parts_of(still_face).values():
        part.hide_viewport = False
        part.select_set(True)
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    copy = next(skin for skin in face_objects.skins(scene) if skin != still_face)
    assert set(face_objects.parts_of(copy)) == whole
    assert not set(face_objects.parts_of(copy).values()) & set(face_objects.parts_of(still_face).values())
    copy.physface.expression.jawOpen = 0.9
    assert still_face.physface.expression.jawOpen == pytest.approx(0.4), "each has its own sliders"
    for part in list(face_objects.parts_of(copy).values()):
        bpy.data.objects.remove(part)
    assert set(face_objects.parts_of(still_face)) == whole, "the other one is gone and this one is whole"
    path = str(tmp_path / "character.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(path, link=False) as (_, wanted):
        wanted.collections = ["Face"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    [appended] = face_objects.skins(bpy.context.scene)
    assert set(face_objects.parts_of(appended)) == whole
    assert appended.physface.expression.jawOpen == pytest.approx(0.4)


def test_what_the_backend_keeps_is_counted(add_face) -> None:
    add_face(seed=1)
    folder = preferences.backend_settings().cache_directory
    kept = sum(path.stat().st_size for path in folder.glob("*.npz"))
    assert cache_folder.size_megabytes(folder) >= kept / 1e6 > 0.1


def test_the_cache_is_cleared_and_other_files_stay(monkeypatch, tmp_path) -> None:
    original = preferences.backend_settings
    monkeypatch.setattr(preferences, "backend_settings", lambda: replace(original(), cache_directory=tmp_path))
    (tmp_path / "numba" / "kernels").mkdir(parents=True)
    for name in ("space_0a.npz", "rest_0b.npz", "worker.log", "numba/kernels/a.nbi", "mine.npz", "rest of it.npz"):
        (tmp_path / name).write_bytes(bytes(1000))
    assert cache_folder.size_megabytes(tmp_path) == pytest.approx(0.004)
    assert bpy.ops.physface.clear_cache() == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.npz", "rest of it.npz"]
    assert cache_folder.size_megabytes(tmp_path / "gone") == 0.0
