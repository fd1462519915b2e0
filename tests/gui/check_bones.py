"""The panel Bones: handles of the mandible under the mouse, before and after, reset, undo; a stroke on the bone."""

import bpy
import numpy as np
from mathutils import Vector

PANELS = ("bones",)


def main(ui):
    from physface_blender.blender import bones, bridge, face_objects, jobs

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
    yield from ui.leave()
    yield from ui.press("effects.edited_bones")
    yield from ui.settle()
    assert bpy.context.active_object.physface.effects.edited_bones, "After again"
    yield from ui.press("physface.reset_bones")
    yield from ui.settle()
    assert bpy.context.active_object.physface.effects.jaw_length == 1.0
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert bpy.context.active_object.physface.effects.jaw_length < 0.9, "Ctrl+Z brings the handle back"
    yield from ui.leave()
    yield from ui.press("physface.reset_bones")
    yield from ui.settle()
    bpy.context.active_object.physface.effects.jaw_shift = 7.0
    yield from ui.settle()
    shifted = bridge.get_coordinates(bpy.context.active_object.data)
    assert (shifted - own)[:, 0].max() > 4e-3, "the chin went to the character's left"
    ui.picture("bones_shift")
    yield from ui.leave()
    yield from ui.press("physface.reset_bones")
    yield from ui.settle()
    skin = bpy.context.active_object
    with ui.override():
        bpy.ops.physface.sculpt_bone(bone="mandible")
    ui.undo_step("sculpting")
    yield 0.5
    bone = bridge.get_coordinates(bpy.context.active_object.data)
    chin = bone[bone[:, 1].argmin()]
    x, y = ui.project(bpy.context.active_object.matrix_world @ Vector(chin))
    yield from ui.drag((x - 12, y), [(2, 0)] * 12, 1.0)
    assert bones.sculpted(skin), "the brush moved the bone"
    ui.picture("sculpting_bone")
    yield from ui.press("physface.update_anatomy")
    yield from ui.wait(lambda: jobs.running(skin.session_uid) is None, "the update", 300.0)
    yield from ui.settle()
    skin = face_objects.skin_of(bpy.context.active_object)
    assert bones.taken_over(skin), "the face took the bone over"
    assert bpy.context.mode == "OBJECT"
