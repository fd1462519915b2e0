import bpy
import numpy as np
import pytest

from physface_blender.anatomy.facial_nerve import NERVE_REGIONS, nerve_regions
from physface_blender.blender import bridge, live, masks
from physface_blender.blender.effect_properties import PARALYSIS_GROUP


def mask(skin) -> np.ndarray:
    values = masks.read(skin, PARALYSIS_GROUP)
    return np.zeros(len(skin.data.vertices)) if values is None else values


@pytest.mark.parametrize("region", ["left", "right.buccal"])
def test_a_region_fills_the_mask(still_face, template, region) -> None:
    assert region in NERVE_REGIONS
    assert bpy.ops.physface.fill_mask(region=region) == {"FINISHED"}
    assert np.allclose(mask(still_face), nerve_regions(template)[region], atol=0.0006)


def test_regions_add_up_and_come_off_again(still_face) -> None:
    bpy.ops.physface.fill_mask(region="left.buccal")
    buccal = mask(still_face)
    bpy.ops.physface.fill_mask(region="left.mandibular", operation="ADD")
    both = mask(still_face)
    assert both.sum() > buccal.sum()
    bpy.ops.physface.fill_mask(region="left.mandibular", operation="SUBTRACT")
    assert np.allclose(mask(still_face), buccal, atol=0.002)


def test_mirroring_swaps_or_copies_the_sides(still_face) -> None:
    bpy.ops.physface.fill_mask(region="left.temporal")
    left = mask(still_face)
    bpy.ops.physface.fill_mask(region="right.temporal")
    right = mask(still_face)
    bpy.ops.physface.mirror_mask(direction="SWAP")
    assert np.allclose(mask(still_face), left, atol=0.002)
    bpy.ops.physface.mirror_mask(direction="LEFT_TO_RIGHT")
    assert np.allclose(mask(still_face), np.maximum(left, right), atol=0.52), "both sides, up to the fade in the middle"
    assert mask(still_face)[right > 0.99].min() > 0.98


def test_undo_and_a_saved_file_keep_the_mask(still_face, tmp_path) -> None:
    bpy.ops.physface.fill_mask(region="left")
    filled = mask(still_face)
    bpy.ops.ed.undo_push(message="left")
    bpy.ops.physface.fill_mask(region="right")
    bpy.ops.ed.undo_push(message="right")
    bpy.ops.ed.undo()
    skin = bpy.data.objects["Face"]
    assert np.array_equal(mask(skin), filled)
    path = str(tmp_path / "masked.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert np.array_equal(mask(bpy.data.objects["Face"]), filled)


def test_nothing_painted_is_said(still_face) -> None:
    with pytest.raises(RuntimeError, match="Nothing is painted"):
        bpy.ops.physface.mirror_mask()
    with pytest.raises(RuntimeError, match="no such mask"):
        bpy.ops.physface.clear_mask()


def test_a_mesh_with_other_vertices_is_refused_and_stays_as_it_is(still_face) -> None:
    still_face.data.vertices.add(1)
    with pytest.raises(RuntimeError, match="but the physical face needs the"):
        bpy.ops.physface.fill_mask(region="left")
    assert len(still_face.vertex_groups) == 0


def test_painting_sets_up_mask_brush_and_preview(still_face) -> None:
    teeth = next(child for child in still_face.children if child.physface.part == "upper_teeth")
    bpy.context.view_layer.objects.active = teeth
    assert bpy.ops.physface.paint_mask() == {"FINISHED"}
    assert bpy.context.active_object == still_face
    assert still_face.mode == "WEIGHT_PAINT"
    assert still_face.vertex_groups.active.name == PARALYSIS_GROUP
    assert still_face.physface.live_physics
    assert not bpy.ops.physface.bake.poll()
    assert bpy.ops.physface.finish_painting() == {"FINISHED"}
    assert still_face.mode == "OBJECT"
    assert not bpy.ops.physface.finish_painting.poll()


def test_a_stroke_shows_in_the_preview_while_painting(add_face, settle) -> None:
    skin = add_face(seed=1)
    skin.physface.live_physics = True
    skin.physface.expression.mouthSmileLeft = skin.physface.expression.mouthSmileRight = 0.6
    settle(skin)
    smile = bridge.get_coordinates(skin.data)
    bpy.ops.physface.paint_mask()
    settle(skin)
    left = bridge.get_coordinates(skin.data)[:, 0] > 0.0
    skin.vertex_groups[PARALYSIS_GROUP].add(np.flatnonzero(left).tolist(), 1.0, "REPLACE")  # what a stroke does
    skin.data.update()
    bpy.context.view_layer.update()
    live.look(skin)
    settle(skin)
    change = np.linalg.norm(bridge.get_coordinates(skin.data) - smile, axis=1)
    assert change[left].max() > 0.003, "the corner of the mouth does not rise any more"
    assert change[left].max() > 2.0 * change[~left].max()
    for _ in range(3):
        bpy.context.view_layer.update()
        live.look(skin)
        live.tick()
    assert not live.is_pending(skin), "its own writing does not set it off again"
    bpy.ops.physface.finish_painting()
