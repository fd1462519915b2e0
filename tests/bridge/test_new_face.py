"""Characters in the making: whatever ends it half-way, the file is as it was."""

import bpy
import pytest

from physface_blender.blender import new_face
from physface_blender.blender.face_objects import FaceObjectError


def _contents() -> dict[str, set[str]]:
    kinds = ("objects", "meshes", "materials", "collections", "node_groups")
    return {kind: {found.name for found in getattr(bpy.data, kind)} for kind in kinds}


def _steps(making: new_face.NewFace, count: int) -> None:
    for _, _ in zip(range(count), making.make(), strict=False):
        pass


def _whole(scene, template, rest, *, between=lambda: None, after=lambda: None) -> None:
    with new_face.NewFace(scene, template, rest) as making:
        _steps(making, 99)
        between()
        making.place(bpy.context)
        after()


@pytest.mark.parametrize("steps", [1, 4])
def test_a_face_given_up_half_way_leaves_nothing(scene, template, template_rest, steps) -> None:
    before = _contents()

    def job():
        with new_face.NewFace(scene, template, template_rest) as making:
            _steps(making, steps)
            yield

    running = job()
    next(running)
    assert _contents() != before
    running.close()
    assert _contents() == before


def test_a_face_that_fails_after_it_was_placed_leaves_nothing(scene, template, template_rest) -> None:
    def fail() -> None:
        raise ValueError("too late")

    before = _contents()
    with pytest.raises(ValueError, match="too late"):
        _whole(scene, template, template_rest, after=fail)
    assert _contents() == before


def test_materials_of_another_face_stay(still_face, scene, template, template_rest) -> None:
    before = _contents()
    with new_face.NewFace(scene, template, template_rest) as making:
        _steps(making, 5)
    assert _contents() == before
    assert still_face.data.materials[0].users > 0


def test_meshes_that_were_undone_meanwhile_are_one_sentence(scene, template, template_rest) -> None:
    before = _contents()
    with pytest.raises(FaceObjectError, match="undone meanwhile"):
        _whole(scene, template, template_rest, between=lambda: bpy.data.meshes.remove(bpy.data.meshes["Face Skull"]))
    assert _contents() == before


def test_object_mode_left_meanwhile_is_one_sentence(still_face, scene, template, template_rest) -> None:
    before = _contents()
    with pytest.raises(FaceObjectError, match="Object Mode"):
        _whole(scene, template, template_rest, between=lambda: bpy.ops.object.mode_set(mode="EDIT"))
    bpy.ops.object.mode_set(mode="OBJECT")
    assert _contents() == before
