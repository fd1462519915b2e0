"""A slider dragged by the mouse for some seconds, with what is measured meanwhile."""

import bpy
from stopwatch import Stopwatch

SECONDS = 6.0


def measure(ui, *, physics: bool):
    """Add a face and drag jawOpen there and back again, three pixels a step, fifty steps a second.

    The window is to be small, so that a software renderer does not hide what is measured; its redraws are reported too.
    """
    from physface_blender.blender import live

    ui.area().spaces.active.overlay.show_overlays = False
    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    skin.physface.live_physics = physics
    for warming in (0.5, 0.0):  # what is made once is made now
        skin.physface.expression.jawOpen = warming
        yield from ui.settle()
    bpy.context.window_manager.physface_search = "jawOpen"
    point = yield from ui.find("physface.expression.jawOpen")
    wave = [(3, 0)] * 40 + [(-3, 0)] * 40
    with Stopwatch() as watch:
        yield from ui.drag((ui.region("UI").x + 40, point[1]), (wave * 10)[: int(50 * SECONDS)], SECONDS)
        yield from ui.wait(lambda: watch.updates > 0, "the face to follow", 60.0)
    kind = "physics" if physics else "network"
    ui.measure(f"{kind}: updates a second", watch.updates / watch.seconds)
    ui.measure(f"{kind}: redraws of the viewport a second", watch.redraws / watch.seconds)
    ui.measure(f"{kind}: the panel says", live.sentence(skin))
    assert skin.physface.expression.jawOpen > 0.0, "the mouse moved the slider"
    watch.tell(ui, kind)
    yield from ui.settle()
