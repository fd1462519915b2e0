"""A slider under the mouse: how often the face follows, with the network and with physics, and what it costs the window.

The window is small, so that a software renderer does not hide what is measured; the renderer's own share is reported too.
"""

import os

import bpy
from stopwatch import Stopwatch

PANELS = ("expression", "expression_jaw")
SIZE = (800, 640)
SECONDS = 6.0
LONGEST = 0.05
"""Seconds of CPU that a call of ours may hold the window."""


def main(ui):
    from physface_blender.blender import bridge, live

    for area in bpy.context.screen.areas:
        if area.type == "VIEW_3D":
            area.spaces.active.overlay.show_overlays = False
    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    rest = bridge.get_coordinates(skin.data)
    for kind in ("network", "physics"):
        skin.physface.live_physics = kind == "physics"
        for warming in (0.5, 0.0):  # what is made once is made now
            skin.physface.expression.jawOpen = warming
            yield from ui.settle()
        bpy.context.window_manager.physface_search = "jawOpen"
        point = yield from ui.find("physface.expression.jawOpen")
        left = (ui.region("UI").x + 40, point[1])
        # There and back again, 3 pixels a step, fifty steps a second.
        wave = [(3, 0)] * 40 + [(-3, 0)] * 40
        steps = (wave * 10)[: int(50 * SECONDS)]
        with Stopwatch() as watch:
            yield from ui.drag(left, steps, SECONDS)
        ui.measure(f"{kind}: updates a second in the drag", watch.updates / watch.seconds)
        ui.measure(f"{kind}: redraws a second in the drag", watch.redraws / watch.seconds)
        ui.measure(f"{kind}: the panel says", live.sentence(skin))
        ui.measure(f"{kind}: processes that were ready to run", os.getloadavg()[0])
        ui.measure(f"{kind}: longest of our calls, ms of CPU", 1000.0 * watch.longest_cpu)
        ui.measure(f"{kind}: longest of our calls, ms on the clock", 1000.0 * watch.longest)
        ui.measure(f"{kind}: which call", watch.longest_name)
        # How often depends on what else the machine does; that the network follows at all does not.
        assert watch.updates > 0 or kind == "physics", "the face did not follow"
        assert watch.longest_cpu < LONGEST, f"{watch.longest_name} held the window for {watch.longest_cpu:.3f} s"
        yield from ui.settle()
    skin.physface.expression.jawOpen = 0.6
    yield from ui.settle()
    assert abs(bridge.get_coordinates(skin.data) - rest).max() > 1e-3
    ui.undo_step("open")
    # Undo takes the slider back, and the face follows.
    yield from ui.press("physface.reset_expression")
    yield from ui.settle()
    assert bpy.context.active_object.physface.expression.jawOpen == 0.0
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert bpy.context.active_object.physface.expression.jawOpen > 0.5, "Ctrl+Z brought the slider back"
