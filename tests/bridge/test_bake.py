import os
import signal

import bpy
import numpy as np
import pytest

from physface_blender.blender import baked_frames, bridge, face_objects, jobs, live, worker_link


def key_names(skin) -> list[str]:
    keys = skin.data.shape_keys
    return [] if keys is None else [key.name for key in keys.key_blocks]


@pytest.fixture
def after_frame(monkeypatch):
    """Do something as soon as a certain number of frames is finished."""

    def arrange(count: int, action) -> None:
        original = baked_frames.BakedFrames.append

        def append(self, *arguments) -> None:
            original(self, *arguments)
            if len(self.frames) == count:
                action()

        monkeypatch.setattr(baked_frames.BakedFrames, "append", append)

    return arrange


def test_a_bake_plays_what_the_preview_with_physics_shows(scene, add_face, settle, key_jaw, evaluated) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 4)
    skin.physface.bake.physics = True
    assert bpy.ops.physface.bake() == {"FINISHED"}
    assert key_names(skin) == ["PF Rest", "PF 1", "PF 2", "PF 3", "PF 4"]
    assert not skin.physface.live
    scene.frame_set(1)
    first = evaluated(skin)
    scene.frame_set(4)
    last = evaluated(skin)
    opening = np.linalg.norm(last - first, axis=1).max()
    assert opening > 0.0001
    bpy.ops.physface.clear_bake()
    skin.physface.live_physics = True
    for frame in range(1, 5):  # the state that a pose starts from is part of the answer, so go the same way
        scene.frame_set(frame)
        live.mark(skin)
        settle(skin)
    live_pose = bridge.get_coordinates(skin.data)
    assert np.linalg.norm(live_pose - last, axis=1).max() < 0.02 * opening + 1e-4


def test_without_physics_the_bake_is_the_networks_face(scene, add_face, settle, key_jaw, evaluated) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 3)
    scene.frame_set(3)
    settle(skin)
    shown = bridge.get_coordinates(skin.data)
    teeth = face_objects.parts_of(skin)["lower_teeth"]
    place = teeth.matrix_basis.copy()
    bpy.ops.physface.bake()
    assert np.allclose(evaluated(skin), shown, atol=1e-6)
    assert np.allclose(np.array(teeth.matrix_basis), np.array(place), atol=1e-5)


def test_a_bake_that_begins_in_a_wide_open_mouth_arrives(add_face, capfd) -> None:
    skin = add_face(seed=1)
    skin.physface.expression.jawOpen = 0.8
    skin.physface.bake.physics = True
    assert bpy.ops.physface.bake(frame_start=7, frame_end=7) == {"FINISHED"}
    assert key_names(skin) == ["PF Rest", "PF 7"]
    assert "did not converge" not in capfd.readouterr().out
    teeth = face_objects.parts_of(skin)["lower_teeth"]
    assert teeth.matrix_basis.to_quaternion().angle > 0.1


@pytest.mark.parametrize(("first", "last"), [(5, 4), (1, 0), (100, -100)])
def test_a_range_of_no_frames_is_refused(add_face, first, last) -> None:
    skin = add_face(seed=1)
    with pytest.raises(RuntimeError, match="holds no frame"):
        bpy.ops.physface.bake(frame_start=first, frame_end=last)
    assert key_names(skin) == []
    skin.physface.bake.range, skin.physface.bake.start, skin.physface.bake.end = "CUSTOM", 9, 8
    with pytest.raises(RuntimeError, match="holds no frame"):
        bpy.ops.physface.bake()


def test_cancelled_in_the_middle_the_finished_frames_stay_and_play(
    scene, add_face, key_jaw, after_frame, evaluated, capfd
) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 6)
    after_frame(3, lambda: bpy.ops.physface.cancel_job(job=skin.session_uid))
    assert bpy.ops.physface.bake() == {"FINISHED"}
    assert key_names(skin) == ["PF Rest", "PF 1", "PF 2", "PF 3"]
    assert "3 of 6" in capfd.readouterr().out
    scene.frame_set(2)
    second = evaluated(skin)
    scene.frame_set(6)
    assert not np.array_equal(evaluated(skin), second)
    assert jobs.running(skin.session_uid) is None


def test_a_killed_worker_leaves_the_finished_frames_and_the_next_bake_works(
    add_face, key_jaw, after_frame, monkeypatch, capfd
) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 6)
    with monkeypatch.context():
        after_frame(2, lambda: os.kill(worker_link.current().process_id, signal.SIGKILL))
        assert bpy.ops.physface.bake() == {"FINISHED"}
    baked = key_names(skin)
    assert baked[:3] == ["PF Rest", "PF 1", "PF 2"]
    assert len(baked) < 7
    assert "The backend process ended" in capfd.readouterr().out
    assert bpy.ops.physface.bake(frame_start=1, frame_end=1) == {"FINISHED"}
    assert key_names(skin) == ["PF Rest", "PF 1"]


def test_killed_before_the_first_frame_nothing_is_changed(add_face, key_jaw, monkeypatch) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 3)
    original = worker_link.WorkerLink.ask

    def ask(self, request):
        ticket = original(self, request)
        if type(request).__name__ == "PoseFrame":
            os.kill(self.process_id, signal.SIGKILL)
        return ticket

    with monkeypatch.context() as patch:
        patch.setattr(worker_link.WorkerLink, "ask", ask)
        with pytest.raises(RuntimeError, match="Nothing was baked"):
            bpy.ops.physface.bake()
    worker_link.close()
    assert key_names(skin) == []
    assert skin.physface.live


def test_the_artists_shape_keys_refuse_the_bake_before_any_work(add_face, key_jaw) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 3)
    skin.shape_key_add(name="Basis", from_mix=False)
    skin.shape_key_add(name="Mine", from_mix=False)
    with pytest.raises(RuntimeError, match="has shape keys of its own"):
        bpy.ops.physface.bake()
    assert key_names(skin) == ["Basis", "Mine"]


def test_undo_takes_a_bake_back_in_one_step(add_face, key_jaw) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 3)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.physface.bake()
    bpy.ops.ed.undo_push(message="baked")
    assert key_names(bpy.data.objects["Face"])
    bpy.ops.ed.undo()
    skin = bpy.data.objects["Face"]
    assert key_names(skin) == []
    assert skin.physface.live
    assert not any(action.name.startswith("PF ") for action in bpy.data.actions if action.users > 0)


def test_a_bake_survives_saving_and_plays_without_a_backend(tmp_path, scene, add_face, key_jaw, evaluated) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 3)
    bpy.ops.physface.bake()
    scene.frame_set(3)
    shown = evaluated(skin)
    path = str(tmp_path / "baked.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    worker_link.close()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.context.scene.frame_set(1)
    bpy.context.scene.frame_set(3)
    assert np.array_equal(evaluated(bpy.data.objects["Face"]), shown)
    assert worker_link.current() is None


def test_two_characters_keep_their_bakes_apart(add_face, key_jaw) -> None:
    one, two = add_face(seed=1), add_face(seed=2)
    key_jaw(one, 2)
    bpy.context.view_layer.objects.active = one
    bpy.ops.physface.bake()
    assert key_names(one) == ["PF Rest", "PF 1", "PF 2"]
    assert key_names(two) == []
    assert two.physface.live


def test_clearing_brings_the_live_preview_back(add_face, settle, key_jaw) -> None:
    skin = add_face(seed=1)
    key_jaw(skin, 2)
    bpy.ops.physface.bake()
    assert bpy.ops.physface.clear_bake() == {"FINISHED"}
    assert key_names(skin) == []
    assert skin.physface.live
    settle(skin)
    assert not bpy.ops.physface.clear_bake.poll()
