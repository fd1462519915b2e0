"""The panel Bones: a handle of the mandible under the mouse, before and after, reset, undo."""

import bpy
import numpy as np

PANELS = ("bones",)


def main(ui):
    from physface_blender.blender import bridge

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    skin.physface.live_physics = True
    yield from ui.settle()
    own = bridge.get_coordinates(skin.data)
    ui.undo_step("own bones")
    point = yield from ui.find("effects.jaw_length")
    region = ui.region("UI")
    yield from ui.drag((region.x + int(0.7 * region.width), point[1]), [(-4, 0)] * 30, 1.5)
    yield from ui.settle()
    skin = bpy.context.active_object
    assert skin.physface.effects.jaw_length < 1.0, "the mouse moved the handle"
    skin.physface.effects.jaw_length = 0.88
    yield from ui.settle()
    edited = bridge.get_coordinates(skin.data)
    assert np.abs(edited - own).max() > 2e-3, "the chin went back with the bone"
    ui.picture("bones")
    ui.undo_step("shorter")
    yield from ui.press("effects.edited_bones")
    yield from ui.settle()
    before = bridge.get_coordinates(bpy.context.active_object.data)
    assert np.abs(before - own).max() < 5e-4, "Before shows the person's own bones"
    yield from ui.press("effects.edited_bones")
    yield from ui.settle()
    yield from ui.press("physface.reset_bones")
    yield from ui.settle()
    assert bpy.context.active_object.physface.effects.jaw_length == 1.0
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert bpy.context.active_object.physface.effects.jaw_length < 0.9, "Ctrl+Z brings the handle back"
