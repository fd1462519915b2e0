"""Landmarks before a photo, moved with Blender's own keys, and the face that is made of them; undo."""

from pathlib import Path

import bpy
import numpy as np

PANELS = ("character",)
PORTRAIT = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "neutral_front.png"


def main(ui):
    from physface_blender.blender import face_objects, jobs, photo

    with ui.override():
        bpy.ops.physface.place_landmarks(filepath=str(PORTRAIT))
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    yield 0.3
    before = np.array(photo.read(bpy.context.active_object)[0])
    ui.undo_step("landmarks")
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("Tab")
    assert bpy.context.mode == "EDIT_MESH", "Tab edits the points"
    yield from ui.key("a", "g", "x")
    yield from ui.type("0.004")
    yield from ui.key("Return")
    yield from ui.press("physface.fit_photo")
    yield from ui.wait(lambda: jobs.running(0) is None and face_objects.skins(bpy.context.scene), "the face", 300.0)
    points = bpy.data.objects["PF Landmarks"]
    moved = np.array(photo.read(points)[0]) - before
    assert np.ptp(moved, axis=0).max() < 0.01, "all points went the same way"
    assert moved[:, 0].min() > 1.0, "to the right, by more than a pixel"
    yield from ui.settle()
    assert face_objects.is_skin(bpy.context.active_object)
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield 0.5
    assert not face_objects.skins(bpy.context.scene), "Ctrl+Z takes the face away"
    assert bpy.data.objects.get("PF Landmarks") is not None, "and leaves the points"
