"""A slider under the mouse: how often the face follows, with the network and with physics, and what it costs the window."""

import bpy
from stopwatch import Stopwatch

PANELS = ("expression", "expression_jaw")
SECONDS = 6.0


def main(ui):
    from physface_blender.blender import bridge

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    rest = bridge.get_coordinates(skin.data)
    for kind in ("network", "physics"):
        skin.physface.live_physics = kind == "physics"
        skin.physface.expression.jawOpen = 0.0
        yield from ui.settle()
        skin.physface.expression.jawOpen = 0.5  # what is made once is made now
        yield from ui.settle()
        skin.physface.expression.jawOpen = 0.0
        yield from ui.settle()
        point = yield from ui.find("physface.expression.jawOpen")
        left = (ui.region("UI").x + 30, point[1])
        # There and back again, 3 pixels a step, sixty steps a second.
        wave = [(3, 0)] * 60 + [(-3, 0)] * 60
        steps = (wave * 10)[: int(60 * SECONDS)]
        with Stopwatch() as watch:
            yield from ui.drag(left, steps, SECONDS)
        moved = bridge.get_coordinates(skin.data)
        ui.measure(f"{kind}: updates a second in the drag", watch.updates / SECONDS)
        ui.measure(f"{kind}: redraws a second in the drag", watch.redraws / SECONDS)
        ui.measure(f"{kind}: longest of our calls, ms of CPU", 1000.0 * watch.longest_cpu)
        ui.measure(f"{kind}: longest of our calls, ms on the clock", 1000.0 * watch.longest)
        ui.measure(f"{kind}: which call", watch.longest_name)
        assert watch.updates > 3, "the face did not follow"
        assert watch.longest_cpu < 0.05, f"{watch.longest_name} held the window for {watch.longest_cpu:.3f} s"
        yield from ui.settle()
        if kind == "physics":
            skin.physface.expression.jawOpen = 0.6
            yield from ui.settle()
            ui.picture("expression")
    assert abs(moved - rest).max() > 1e-3
    # Undo takes the slider back, and the face follows.
    yield from ui.press("physface.reset_expression")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert skin.physface.expression.jawOpen == 0.0
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    skin = bpy.context.active_object
    assert skin.physface.expression.jawOpen > 0.5, "Ctrl+Z brought the slider back"
