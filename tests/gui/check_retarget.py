"""The panel Retarget: the example by its button, keyframes on the timeline, the bin, undo."""

import bpy

PANELS = ("retarget",)


def main(ui):
    from physface_blender.blender import compat

    yield from ui.add_face(seed=1)
    bpy.context.active_object.physface.retarget.source = "EXAMPLE"
    ui.undo_step("chosen")
    yield from ui.press("physface.retarget()")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert len(list(compat.fcurves(skin))) == 52
    bpy.context.scene.frame_set(24)
    yield from ui.settle()
    ui.picture("retarget", whole=True)
    yield from ui.press("physface.clear_keys")
    assert not list(compat.fcurves(bpy.context.active_object))
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield 0.5
    assert len(list(compat.fcurves(bpy.context.active_object))) == 52, "Ctrl+Z brings the keyframes back"
