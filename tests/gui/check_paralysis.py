"""The panel Paralysis: a stroke of the brush, the preview while painting, undo and redo, a region by its button."""

import bpy
import numpy as np

PANELS = ("paralysis",)


def main(ui):
    from physface_blender.blender import bridge, masks
    from physface_blender.blender.effect_properties import PARALYSIS_GROUP

    def painted() -> float:
        values = masks.read(bpy.context.active_object, PARALYSIS_GROUP)
        return 0.0 if values is None else float(values.sum())

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    skin.physface.expression.mouthSmileLeft = skin.physface.expression.mouthSmileRight = 0.9
    skin.physface.live_physics = True
    yield from ui.settle()
    smiling = bridge.get_coordinates(skin.data)
    yield from ui.press("physface.paint_mask")
    yield 0.5
    assert bpy.context.mode == "PAINT_WEIGHT"
    ui.undo_step("painting")
    # Over the character's left cheek, which is to the right of who looks at it.
    rest = bridge.get_coordinates(skin.data)
    front = rest[:, 1] < np.quantile(rest[:, 1], 0.2)
    middle = rest[front].mean(axis=0)
    x, y = ui.project((middle[0] + 0.035, middle[1], middle[2]))
    yield from ui.drag((x, y - 40), [(0, 4)] * 20, 1.5)
    yield 0.5
    stroke = painted()
    assert stroke > 1.0, "the brush painted"
    yield from ui.wait(lambda: np.abs(bridge.get_coordinates(skin.data) - smiling).max() > 1e-4, "the preview", 300.0)
    ui.picture("painting")
    yield from ui.key("ctrl+z")
    yield 0.5
    assert painted() < 0.5 * stroke, "Ctrl+Z takes the stroke back"
    yield from ui.key("ctrl+shift+z")
    yield 0.5
    assert abs(painted() - stroke) < 1e-3, "and redo brings it back"
    yield from ui.press("physface.finish_painting")
    yield 0.3
    assert bpy.context.mode == "OBJECT"
    yield from ui.press("region='left'")
    yield from ui.settle()
    skin = bpy.context.active_object
    moved = np.abs(bridge.get_coordinates(skin.data) - smiling).max(axis=1)
    left = smiling[:, 0] > 0.02
    right = smiling[:, 0] < -0.02
    assert moved[left].max() > 3.0 * moved[right].max(), "the left half went passive, the right one smiles on"
    ui.picture("paralysis")
