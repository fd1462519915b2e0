"""Styles on a face: played in preview and bake, keyed, copied, overridden, learned from a mesh with shape keys."""

import bpy
import numpy as np
import pytest

from physface_blender.anatomy.array_store import read_arrays
from physface_blender.backend.style_catalog import shipped_styles
from physface_blender.blender import (
    actor_capture,
    bridge,
    jobs,
    new_face,
    preferences,
    sampling,
    shape_bake,
    styles,
)
from physface_blender.performance.arkit import ARKIT_INDEX


@pytest.fixture
def own_styles(tmp_path, monkeypatch):
    """The user's folder, empty and elsewhere."""
    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / name)
    (tmp_path / "styles").mkdir()
    return tmp_path / "styles"


def smile(skin, amount: float = 0.8) -> None:
    skin.physface.expression.mouthSmileLeft = skin.physface.expression.mouthSmileRight = amount


def test_the_catalog_agrees_with_the_backend() -> None:
    from physface_blender.networks.style import load_style

    assert shipped_styles() == load_style().names
    assert len(shipped_styles()) > 3


def test_added_styles_share_what_is_left_and_are_undone(still_face, own_styles) -> None:
    bpy.ops.ed.undo_push(message="plain")
    first, second = shipped_styles()[:2]
    assert not bpy.ops.physface.key_styles.poll(), "there is nothing to key yet"
    assert bpy.ops.physface.add_style(style=first) == {"FINISHED"}
    assert styles.of(still_face) == {first: 1.0}
    still_face.physface.styles[0].weight = 0.6
    bpy.ops.physface.add_style(style=second)
    assert styles.of(still_face) == {first: 0.6, second: 0.4}
    still_face.physface.styles[1].weight = 1.0
    assert styles.of(still_face) == {first: 0.375, second: 0.625}, "beyond 1 they are shares of a whole"
    with pytest.raises(TypeError):
        bpy.ops.physface.add_style(style=first)  # a style is on a face once
    bpy.ops.ed.undo_push(message="styled")
    bpy.ops.ed.undo()
    assert len(bpy.data.objects["Face"].physface.styles) == 0
    bpy.ops.ed.redo()
    assert [share.name for share in bpy.data.objects["Face"].physface.styles] == [first, second]


def test_preview_and_bake_play_the_style(add_face, settle, scene) -> None:
    skin = add_face(seed=1)
    smile(skin)
    settle(skin)
    plain = bridge.get_coordinates(skin.data)
    name = shipped_styles()[0]
    bpy.ops.physface.add_style(style=name)
    settle(skin)
    styled = bridge.get_coordinates(skin.data)
    assert np.linalg.norm(styled - plain, axis=1).max() > 1e-3, "a style moves the skin by a millimeter and more"
    for frame, weight in ((1, 0.0), (3, 1.0)):
        skin.physface.styles[0].weight = weight
        scene.frame_set(frame)
        skin.physface.styles[0].weight = weight
        bpy.ops.physface.key_styles()
    scene.frame_start, scene.frame_end = 1, 3
    asked = [sampled.style for sampled in sampling.sample(scene, skin, [1, 2, 3])]
    assert asked == [{}, {name: pytest.approx(0.5, abs=0.01)}, {name: 1.0}]
    assert bpy.ops.physface.bake() == {"FINISHED"}
    baked = shape_bake.read(skin).coordinates["skin"]
    assert np.allclose(baked[0], plain, atol=1e-6)
    assert np.allclose(baked[2], styled, atol=1e-6)


def test_a_style_that_is_gone_is_said_and_the_face_stays(add_face, settle, own_styles) -> None:
    from physface_blender.blender import live

    skin = add_face(seed=1)
    settle(skin)
    before = bridge.get_coordinates(skin.data)
    share = skin.physface.styles.add()
    share.name, share.weight = "Grandmother", 1.0
    smile(skin)
    settle(skin)
    assert "There is no style 'Grandmother'" in live.sentence(skin)
    assert np.array_equal(bridge.get_coordinates(skin.data), before)


def test_removing_a_style_keeps_the_keyframes_of_the_others(still_face) -> None:
    for name, weight in zip(shipped_styles()[:3], (0.2, 0.3, 0.5), strict=True):
        bpy.ops.physface.add_style(style=name)
        still_face.physface.styles[-1].weight = weight
    bpy.ops.physface.key_styles()
    bpy.ops.physface.remove_style(index=1)
    assert [share.name for share in still_face.physface.styles] == [shipped_styles()[0], shipped_styles()[2]]
    still_face.physface.styles[1].weight = 0.0
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    assert still_face.physface.styles[1].weight == pytest.approx(0.5), "its own keyframe moves it"


def test_another_face_takes_the_styles_over_with_their_keyframes(still_face, template, template_rest) -> None:
    other = new_face.create(bpy.context, template, template_rest, name="Other")
    other.physface.live = False
    assert not bpy.ops.physface.copy_styles.poll(), "no face has a style yet"
    bpy.context.view_layer.objects.active = still_face
    bpy.ops.physface.add_style(style=shipped_styles()[1])
    for frame, weight in ((1, 0.0), (11, 1.0)):
        still_face.physface.styles[0].weight = weight
        still_face.keyframe_insert(styles.weight_path(0), frame=frame)
    bpy.context.view_layer.objects.active = other
    assert bpy.ops.physface.copy_styles(face=still_face.name) == {"FINISHED"}
    for frame in (1, 4, 11):
        bpy.context.scene.frame_set(frame)
        assert other.physface.styles[0].weight == pytest.approx(still_face.physface.styles[0].weight, abs=1e-6)


def actor_mesh(source: bpy.types.Object, **moved: tuple[float, float, float]) -> bpy.types.Object:
    """A copy of a face's skin as an artist's own mesh, with shape keys that move parts of it."""
    actor = bpy.data.objects.new("Actor", source.data.copy())
    bpy.context.collection.objects.link(actor)
    actor.shape_key_add(name="Basis")
    rest = bridge.get_coordinates(source.data)
    for name, motion in moved.items():
        key = actor.shape_key_add(name=name, from_mix=False)
        key.value = 0.0  # 1 in Blender 5.0
        share = np.clip((0.05 - np.linalg.norm(rest - rest[0], axis=1)) / 0.05, 0.0, 1.0)[:, None]
        bridge.set_key_coordinates(key, rest + (share * motion).astype(np.float32))
    return actor


def test_the_capture_of_a_mesh_holds_its_arkit_keys_in_millimeters(scene, still_face, template, tmp_path) -> None:
    actor = actor_mesh(still_face, JawOpen=(0.0, 0.0, -0.01), mouth_smile_left=(0.004, 0.0, 0.0), Nonsense=(1, 1, 1))
    scene.frame_start, scene.frame_end = 1, 2
    key = actor.data.shape_keys.key_blocks["JawOpen"]
    for frame, value in ((1, 0.0), (2, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    path = tmp_path / "actor.npz"
    assert actor_capture.write(actor, [1, 2], scene, path) == 2
    arrays = read_arrays(path)
    assert np.array_equal(arrays["faces"], template.meshes["skin"].faces)
    assert np.allclose(arrays["neutral"], template.meshes["skin"].vertices, atol=1e-3)
    assert arrays["shape_weights"].argmax(axis=1).tolist() == [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthSmileLeft"]]
    assert arrays["shapes"][0][0] == pytest.approx([0.0, -10.0, 0.0], abs=1e-3), "Blender's -z is the numerics' -y"
    assert np.allclose(arrays["sequence/scene"][1] - arrays["neutral"], arrays["shapes"][0], atol=1e-3)


def test_a_mesh_without_arkit_keys_is_refused(still_face, own_styles) -> None:
    assert not bpy.ops.physface.learn_style.poll(), "nothing is selected beside the face"
    actor = actor_mesh(still_face, Nonsense=(0.0, 0.0, 0.01))
    actor.select_set(True)
    with pytest.raises(RuntimeError, match="no relative shape key with an ARKit name"):
        bpy.ops.physface.learn_style()
    with pytest.raises(RuntimeError, match="is one of the styles that PhysFace brings"):
        bpy.ops.physface.learn_style(name=shipped_styles()[0])
    assert len(still_face.physface.styles) == 0


def test_learning_a_style_can_be_canceled(still_face, own_styles, monkeypatch) -> None:
    actor_mesh(still_face, jawOpen=(0.0, 0.0, -0.01)).select_set(True)
    monkeypatch.setattr(jobs.Job, "cancel_requested", property(lambda job: job.fraction > 0.2, lambda job, value: None))
    assert bpy.ops.physface.learn_style(name="Mine") == {"CANCELLED"}
    assert list(own_styles.iterdir()) == []
    assert len(still_face.physface.styles) == 0


@pytest.mark.slow
def test_a_style_is_learned_from_a_mesh_and_played(add_face, settle, own_styles) -> None:
    """The actor is the face itself, whose smile is half a pucker: afterwards a smile puckers on the face."""
    skin = add_face(seed=1)
    shown = {}
    for name, sliders in {"rest": {}, "smile": {"mouthSmileLeft": 1.0}, "pucker": {"mouthPucker": 1.0}}.items():
        bpy.ops.physface.reset_expression()
        for slider, value in sliders.items():
            setattr(skin.physface.expression, slider, value)
        settle(skin)
        shown[name] = bridge.get_coordinates(skin.data)
    actor = bpy.data.objects.new("Actor", skin.data.copy())
    bpy.context.collection.objects.link(actor)
    bridge.set_coordinates(actor.data, shown["rest"])
    actor.shape_key_add(name="Basis")
    bridge.set_key_coordinates(actor.shape_key_add(name="mouthSmileLeft", from_mix=False), shown["pucker"])
    actor.select_set(True)
    assert bpy.ops.physface.learn_style(name="Mine") == {"FINISHED"}
    assert [(share.name, share.weight) for share in skin.physface.styles] == [("Mine", 1.0)]
    bpy.ops.physface.reset_expression()
    skin.physface.expression.mouthSmileLeft = 1.0
    settle(skin)
    styled = bridge.get_coordinates(skin.data)
    distance = np.linalg.norm(styled - shown["pucker"], axis=1).mean()
    assert distance < 0.5 * np.linalg.norm(shown["smile"] - shown["pucker"], axis=1).mean()


def test_a_linked_face_takes_a_style_through_an_override(still_face, tmp_path) -> None:
    path, shot = str(tmp_path / "library.blend"), str(tmp_path / "shot.blend")
    still_face.users_collection[0].name = "Hero"
    bpy.ops.physface.add_style(style=shipped_styles()[0])
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Hero"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    wanted.collections[0].override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)

    def overridden() -> bpy.types.Object:
        return next(entry for entry in bpy.data.objects if entry.physface.part == "skin" and entry.override_library)

    bpy.context.view_layer.objects.active = overridden()
    overridden().physface.styles[0].weight = 0.25
    assert bpy.ops.physface.add_style(style=shipped_styles()[1]) == {"FINISHED"}
    assert bpy.ops.physface.key_styles() == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    shares = [(share.name, share.weight) for share in overridden().physface.styles]
    assert shares == [(shipped_styles()[0], pytest.approx(0.25)), (shipped_styles()[1], pytest.approx(0.75))]
