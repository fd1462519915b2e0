"""The panel Style: a style added from its menu, its weight under the mouse, keyed, taken off, undone."""

import bpy
import numpy as np

PANELS = ("style",)


def main(ui):
    from physface_blender.blender import bridge

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    skin.physface.expression.mouthSmileLeft = skin.physface.expression.mouthSmileRight = 0.9
    yield from ui.settle()
    plain = bridge.get_coordinates(skin.data)
    ui.undo_step("smile")
    yield from ui.choose("physface.key_styles", 0.25)
    yield from ui.settle()
    skin = bpy.context.active_object
    assert len(skin.physface.styles) == 1, "the menu's first style is on the face"
    assert skin.physface.styles[0].weight == 1.0
    styled = bridge.get_coordinates(skin.data)
    assert np.abs(styled - plain).max() > 1e-3
    point = yield from ui.find("styles[0].weight")
    yield from ui.drag((ui.region("UI").x + ui.region("UI").width // 2, point[1]), [(-4, 0)] * 20, 1.0)
    yield from ui.settle()
    assert skin.physface.styles[0].weight < 0.9, "the mouse moved the weight"
    between = bridge.get_coordinates(skin.data)
    assert np.abs(between - styled).max() > 1e-4
    assert np.abs(between - plain).max() > 1e-4
    yield from ui.press("physface.key_styles")
    assert skin.animation_data.action is not None
    with ui.override():
        bpy.ops.physface.add_style(style="actor_3")
    skin = bpy.context.active_object
    skin.physface.styles[1].weight = 0.4
    yield from ui.settle()
    ui.picture("style")
    ui.undo_step("two styles")
    yield from ui.press("physface.remove_style")
    yield from ui.settle()
    assert len(bpy.context.active_object.physface.styles) == 1
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert len(bpy.context.active_object.physface.styles) == 2, "Ctrl+Z brought the style back"
