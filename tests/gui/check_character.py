"""The panel Character: a face by its button, another person by a slider and by the dice, landmarks before a photo."""

from pathlib import Path

import bpy
import numpy as np
from stopwatch import Stopwatch

PANELS = ("character", "identity")
PORTRAIT = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "neutral_front.png"


def main(ui):
    from physface_blender.blender import bridge, face_objects

    with Stopwatch() as watch:
        yield from ui.press("physface.add_face")
        yield from ui.wait(lambda: bpy.context.active_object is not None, "the face", 500.0)
    watch.tell(ui, "add")
    yield from ui.look()
    yield from ui.settle()
    skin = bpy.context.active_object
    before = bridge.get_coordinates(skin.data)
    eye = bridge.get_coordinates(face_objects.parts_of(skin)["eye_left"].data)
    ui.undo_step("a face")
    point = yield from ui.find("physface.identity_0")
    yield from ui.drag((ui.region("UI").x + ui.region("UI").width // 2, point[1]), [(4, 0)] * 20, 1.0)
    yield from ui.settle()
    skin = bpy.context.active_object
    assert any(abs(value) > 0.05 for value in skin.physface.identity_0), "the mouse moved a mode"
    assert np.abs(bridge.get_coordinates(skin.data) - before).max() > 1e-4
    yield from ui.press("physface.random_identity")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert np.abs(bridge.get_coordinates(face_objects.parts_of(skin)["eye_left"].data) - eye).max() > 1e-5
    ui.picture("character")
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z", "ctrl+z")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert np.abs(bridge.get_coordinates(skin.data) - before).max() < 1e-6, "Ctrl+Z brings the person back"
    for part in face_objects.parts_of(skin).values():
        part.hide_set(True)
    with ui.override():
        bpy.ops.physface.place_landmarks(filepath=str(PORTRAIT))
        bpy.ops.view3d.view_selected()
        bpy.ops.object.mode_set(mode="EDIT")
    yield 0.5
    ui.picture("landmarks")
