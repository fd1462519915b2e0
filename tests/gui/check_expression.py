"""The panel Expression: a slider under the mouse moves the network's face; reset, undo."""

import bpy
from dragged_slider import measure

PANELS = ("expression",)
SIZE = (800, 640)


def main(ui):
    yield from measure(ui, physics=False)
    bpy.context.active_object.physface.expression.jawOpen = 0.6
    yield from ui.settle()
    ui.undo_step("open")
    yield from ui.press("physface.reset_expression")
    yield from ui.settle()
    assert bpy.context.active_object.physface.expression.jawOpen == 0.0
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert bpy.context.active_object.physface.expression.jawOpen > 0.5, "Ctrl+Z brought the slider back"
