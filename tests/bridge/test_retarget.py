import gzip
import math
from pathlib import Path

import bpy
import numpy as np
import pytest

from physface_blender.blender import animation, bridge, compat, face_objects, new_face, performances
from physface_blender.performance.arkit import ARKIT_NAMES

FRAMES = 90


def capture_lines(*, swapped: bool = False) -> list[str]:
    """A capture of three seconds at 30 frames a second with timecode of 60, as the app writes it."""
    lines = ["Timecode,BlendShapeCount," + ",".join(name[0].upper() + name[1:] for name in ARKIT_NAMES)]
    for frame in range(FRAMES):
        second, tick = divmod(frame * 2, 60)
        turn = 0.5 + 0.4 * math.sin(0.2 * frame)
        weights = dict.fromkeys(ARKIT_NAMES, 0.0) | {
            "jawOpen": frame / FRAMES,
            "mouthStretchLeft": turn,
            "mouthStretchRight": 1.0 - turn,
            "mouthLeft": 1.0 - turn if swapped else turn,
            "mouthRight": turn if swapped else 1.0 - turn,
        }
        lines.append(
            f"10:00:{second:02d}:{tick:02d}.000,52," + ",".join(f"{weights[name]:.6f}" for name in ARKIT_NAMES)
        )
    return lines


@pytest.fixture
def write_capture(tmp_path):
    """Write lines to a CSV and give its path."""

    def write(lines: list[str], name: str = "take.csv") -> str:
        path = Path(tmp_path / name)
        data = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write


def curve(skin, name: str):
    return next(found for found in compat.fcurves(skin) if found.data_path == animation.slider_path(name))


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.0), (60, 1.0), (30, 1.001)])
def test_a_capture_keeps_its_duration_at_any_frame_rate(scene, still_face, write_capture, fps, base) -> None:
    scene.render.fps, scene.render.fps_base = fps, base
    scene.frame_end = 10
    still_face.physface.retarget.start = 101
    assert bpy.ops.physface.import_capture(filepath=write_capture(capture_lines())) == {"FINISHED"}
    points = curve(still_face, "jawOpen").keyframe_points
    seconds = (FRAMES - 1) / 30.0
    assert points[0].co[0] == 101
    assert len(points) == math.floor(seconds * fps / base + 1e-6) + 1
    assert np.allclose(np.diff([point.co[0] for point in points]), 1.0), "one key on every frame of the scene"
    assert points[-1].co[1] == pytest.approx((len(points) - 1) / (fps / base) * 30.0 / FRAMES, abs=1e-4)
    assert scene.frame_end == 101 + len(points) - 1


def test_swapped_sides_are_put_right_and_said(still_face, write_capture, capfd) -> None:
    straight = write_capture(capture_lines(), "straight.csv")
    swapped = write_capture(capture_lines(swapped=True), "swapped.csv.gz")
    bpy.ops.physface.import_capture(filepath=straight)
    expected = [point.co[1] for point in curve(still_face, "mouthLeft").keyframe_points]
    capfd.readouterr()
    bpy.ops.physface.import_capture(filepath=swapped)
    assert np.allclose([point.co[1] for point in curve(still_face, "mouthLeft").keyframe_points], expected, atol=1e-6)
    assert "swapped against the other pairs" in capfd.readouterr().out


def without_column(lines: list[str]) -> list[str]:
    return [",".join(line.split(",")[:-1]) for line in lines]


def with_broken_line(lines: list[str]) -> list[str]:
    return [*lines[:5], lines[5][:40], *lines[6:]]


def with_a_word(lines: list[str]) -> list[str]:
    return [*lines[:5], lines[5].replace("0.000000", "oops", 1), *lines[6:]]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_column, "lacks 1 of the 52 ARKit columns"),
        (with_broken_line, "line 6"),
        (with_a_word, "oops"),
        (lambda lines: lines[:1], "no frames"),
        (lambda lines: [], "is empty"),
        (lambda lines: ["hello"], "Timecode"),
    ],
)
def test_bad_captures_are_one_sentence_and_change_nothing(scene, still_face, write_capture, spoil, sentence) -> None:
    scene.frame_end = 10
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.physface.import_capture(filepath=write_capture(spoil(capture_lines())))
    assert still_face.animation_data is None
    assert scene.frame_end == 10
    assert len(bpy.data.actions) == 0


def test_a_file_that_is_not_there(still_face, tmp_path) -> None:
    with pytest.raises(RuntimeError, match="There is no capture file"):
        bpy.ops.physface.import_capture(filepath=str(tmp_path / "gone.csv"))
    with pytest.raises(RuntimeError, match="No file was named"):
        bpy.ops.physface.import_capture()


def values(skin, name: str) -> np.ndarray:
    return np.array([point.co[1] for point in curve(skin, name).keyframe_points])


def test_after_a_change_of_the_settings_the_same_file_is_keyed_again(scene, still_face, write_capture) -> None:
    scene.render.fps = 30
    bpy.ops.physface.import_capture(filepath=write_capture(capture_lines()))
    before = values(still_face, "jawOpen")
    settings = still_face.physface.retarget
    assert settings.summary == "take: 90 frames at 30 to 90 at 30 fps"
    settings.gain_jaw, settings.speed, settings.start = 0.5, 0.5, 200
    bpy.ops.physface.clear_keys()
    assert bpy.ops.physface.retarget() == {"FINISHED"}
    points = curve(still_face, "jawOpen").keyframe_points
    assert points[0].co[0] == 200
    assert len(points) == 2 * len(before) - 1
    assert values(still_face, "jawOpen").max() == pytest.approx(0.5 * before.max(), abs=1e-5)
    assert scene.frame_end == 200 + len(points) - 1


def test_another_face_plays_the_same(scene, still_face, template, template_rest, write_capture) -> None:
    scene.frame_end = 10
    bpy.ops.physface.import_capture(filepath=write_capture(capture_lines()))
    other = new_face.create(bpy.context, template, template_rest, name="Other")
    other.physface.live = False
    settings = other.physface.retarget
    settings.source = "CHARACTER"
    assert not bpy.ops.physface.retarget.poll(), "no character is chosen yet"
    settings.character = still_face
    assert bpy.ops.physface.retarget() == {"FINISHED"}
    assert np.allclose(values(other, "jawOpen"), values(still_face, "jawOpen"), atol=1e-5)


def test_an_action_of_shape_keys_with_arkit_names_moves_the_sliders(still_face) -> None:
    head = bpy.data.objects.new("Head", bpy.data.meshes.new("Head"))
    head.data.vertices.add(1)
    bpy.context.collection.objects.link(head)
    for name in ("Basis", "JawOpen", "mouth_smile_left", "Nonsense"):
        head.shape_key_add(name=name)
    blocks = head.data.shape_keys.key_blocks
    for frame, value in ((5, 0.0), (15, 1.0)):
        for name in ("JawOpen", "mouth_smile_left", "Nonsense"):
            blocks[name].value = value
            blocks[name].keyframe_insert("value", frame=frame)
    settings = still_face.physface.retarget
    settings.source, settings.action = "ACTION", head.data.shape_keys.animation_data.action
    assert bpy.ops.physface.retarget() == {"FINISHED"}
    assert values(still_face, "jawOpen")[[0, -1]] == pytest.approx([0.0, 1.0])
    assert np.allclose(values(still_face, "mouthSmileLeft"), values(still_face, "jawOpen"))
    assert not values(still_face, "browInnerUp").any()


def test_an_action_of_something_else_is_refused_and_changes_nothing(still_face) -> None:
    cube = bpy.data.objects.new("Cube", None)
    cube.keyframe_insert("location", frame=1)
    settings = still_face.physface.retarget
    settings.source, settings.action = "ACTION", cube.animation_data.action
    with pytest.raises(RuntimeError, match="moves no slider"):
        bpy.ops.physface.retarget()
    assert still_face.animation_data is None


def test_undo_and_clear_take_the_keys_back(still_face, write_capture) -> None:
    assert not bpy.ops.physface.clear_keys.poll()
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.physface.import_capture(filepath=write_capture(capture_lines()))
    bpy.ops.ed.undo_push(message="imported")
    bpy.ops.ed.undo()
    skin = bpy.data.objects["Face"]
    assert skin.animation_data is None or not list(compat.fcurves(skin))
    bpy.ops.ed.redo()
    skin = bpy.data.objects["Face"]
    assert len(list(compat.fcurves(skin))) == 52
    assert bpy.ops.physface.clear_keys() == {"FINISHED"}
    assert not list(compat.fcurves(skin))


def test_what_a_slider_is_moved_by_hand_is_added_to_all_its_keyframes(scene, still_face, write_capture) -> None:
    assert not bpy.ops.physface.offset_keys.poll()
    bpy.ops.physface.import_capture(filepath=write_capture(capture_lines()))
    scene.frame_set(2)
    assert not bpy.ops.physface.offset_keys.poll(), "all sliders are where their keyframes put them"
    before, others = values(still_face, "browInnerUp"), values(still_face, "jawOpen")
    still_face.physface.expression.browInnerUp = still_face.physface.expression.browInnerUp + 0.25
    assert bpy.ops.physface.offset_keys() == {"FINISHED"}
    assert np.allclose(values(still_face, "browInnerUp"), np.clip(before + 0.25, 0.0, 1.0), atol=1e-5)
    assert np.array_equal(values(still_face, "jawOpen"), others)
    assert not bpy.ops.physface.offset_keys.poll()


def test_the_curves_go_out_as_they_came_in(scene, still_face, write_capture, tmp_path) -> None:
    scene.render.fps, scene.frame_end = 30, 10
    bpy.ops.physface.import_capture(filepath=write_capture(capture_lines()))
    path = tmp_path / "out.csv"
    assert bpy.ops.physface.export_curves(filepath=str(path)) == {"FINISHED"}
    before = values(still_face, "jawOpen")
    bpy.ops.physface.import_capture(filepath=str(path))
    assert np.allclose(values(still_face, "jawOpen"), before, atol=1e-5)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.physface.export_curves(filepath=str(tmp_path / "gone" / "out.csv"))


def test_a_mesh_of_the_scene_moves_the_sliders(scene, add_face, settle, tmp_path) -> None:
    """The mesh is a copy of the face's skin with shape keys that are no ARKit names, on a head that turns.

    It is played once by its keys, and once from an Alembic file that Blender has written and read again.
    """
    skin = add_face(seed=1)
    shown = {}
    for name, value in (("Basis", 0.0), ("Open", 0.8)):
        skin.physface.expression.jawOpen = value
        settle(skin)
        shown[name] = bridge.get_coordinates(skin.data)
    skin.physface.expression.jawOpen = 0.0
    settle(skin)
    head = bpy.data.objects.new("Head", skin.data.copy())
    scene.collection.objects.link(head)
    for name, coordinates in shown.items():
        bridge.set_key_coordinates(head.shape_key_add(name=name, from_mix=False), coordinates)
    scene.frame_start, scene.frame_end = 1, 3
    key = head.data.shape_keys.key_blocks["Open"]
    for frame, value in ((1, 0.0), (3, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
        head.rotation_euler = (0.0, 0.0, 0.2 * frame)
        head.keyframe_insert("rotation_euler", frame=frame)
    settings = skin.physface.retarget
    settings.source = "MESH"
    assert not bpy.ops.physface.retarget_mesh.poll(), "no mesh is chosen yet"
    settings.mesh = head
    scene.frame_set(2)
    bpy.context.view_layer.objects.active = skin
    assert bpy.ops.physface.retarget_mesh() == {"FINISHED"}
    assert scene.frame_current == 2
    opened = values(skin, "jawOpen")
    assert len(opened) == 3
    assert opened[0] == pytest.approx(0.0, abs=0.05)
    assert opened[2] == pytest.approx(0.8, abs=0.1)
    assert np.abs(values(skin, "browInnerUp")).max() < 0.1
    cached = through_alembic(head, str(tmp_path / "head.abc"))
    assert [modifier.type for modifier in cached.modifiers] == ["MESH_SEQUENCE_CACHE"]
    assert cached.data.shape_keys is None
    bpy.context.view_layer.objects.active = skin
    settings.mesh = cached
    assert bpy.ops.physface.clear_keys() == {"FINISHED"}
    assert bpy.ops.physface.retarget_mesh() == {"FINISHED"}
    assert np.allclose(values(skin, "jawOpen"), opened, atol=0.01), "a cache says what the keys said"


def through_alembic(source, path: str) -> bpy.types.Object:
    """A mesh with its animation, written to an Alembic file and imported from it."""
    for other in bpy.context.selected_objects:
        other.select_set(False)
    source.select_set(True)
    assert bpy.ops.wm.alembic_export(filepath=path, selected=True, start=1, end=3) == {"FINISHED"}
    before = set(bpy.data.objects)
    assert bpy.ops.wm.alembic_import(filepath=path, as_background_job=False) == {"FINISHED"}
    return next(found for found in bpy.data.objects if found not in before and found.type == "MESH")


def test_a_mesh_whose_modifiers_change_its_vertices_is_refused(scene, still_face) -> None:
    head = bpy.data.objects.new("Head", still_face.data.copy())
    scene.collection.objects.link(head)
    head.modifiers.new("Subdivision", "SUBSURF").levels = 1
    settings = still_face.physface.retarget
    settings.source, settings.mesh = "MESH", head
    with pytest.raises(RuntimeError, match="switch off modifiers such as Subdivision Surface"):
        bpy.ops.physface.retarget_mesh()
    assert still_face.animation_data is None


def test_the_files_of_a_sequence_are_found_in_their_order(tmp_path) -> None:
    for number in (9, 10, 11, 8):
        (tmp_path / f"head.{number}.obj").write_text("v 0 0 0\n")
    (tmp_path / "other.12.obj").write_text("v 0 0 0\n")
    found = performances.numbered_files(str(tmp_path / "head.9.obj"))
    assert [Path(name).name for name in found] == ["head.9.obj", "head.10.obj", "head.11.obj"]
    with pytest.raises(face_objects.FaceObjectError, match="There is no file"):
        performances.numbered_files(str(tmp_path / "head.7.obj"))


def test_the_example_plays_without_any_file(scene, still_face) -> None:
    scene.render.fps = 24
    still_face.physface.retarget.source = "EXAMPLE"
    assert bpy.ops.physface.retarget() == {"FINISHED"}
    assert len(values(still_face, "jawOpen")) == 96
    assert values(still_face, "jawOpen").max() > 0.5
