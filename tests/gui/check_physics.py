"""The panel Physics: contact and gravity by the mouse, the face leaning forward, undo."""

import math

import bpy
import numpy as np

PANELS = ("physics", "gravity")


def main(ui):
    from physface_blender.blender import bridge

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    skin.physface.live_physics = True
    skin.physface.effects.gravity_source = "ANGLES"
    skin.physface.effects.head_pitch = math.radians(80.0)
    yield from ui.settle()
    upright = bridge.get_coordinates(skin.data)
    ui.undo_step("upright")
    yield from ui.press("effects.gravity$")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert skin.physface.effects.gravity
    hanging = bridge.get_coordinates(skin.data)
    assert np.abs(hanging - upright).max() > 1e-3, "face down the cheeks hang by more than a millimeter"
    yield from ui.press("physface.contact")
    yield from ui.settle()
    assert not bpy.context.active_object.physface.contact
    ui.picture("physics")
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z", "ctrl+z")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert skin.physface.contact
    assert not skin.physface.effects.gravity
    assert np.abs(bridge.get_coordinates(skin.data) - upright).max() < 5e-4, "Ctrl+Z brings the upright face back"
