"""The ten minutes' guide, docs/guide/first_shot.md, step by step as a newcomer clicks it; makes its pictures."""

import bpy
import numpy as np

SIZE = (1600, 1450)
PANELS = ("character", "retarget", "style", "paralysis", "bake")
LAST = 40
"""The guide bakes all 96 frames; here a part shows the same."""


def main(ui):
    from physface_blender.blender import bridge, compat, face_objects, jobs, shape_bake

    scene = bpy.context.scene
    yield from ui.press("physface.add_face")
    yield from ui.wait(lambda: bpy.context.active_object is not None, "the face", 500.0)
    yield from ui.look()
    yield from ui.settle()
    ui.picture("first_shot_1")

    skin = bpy.context.active_object
    skin.physface.retarget.source = "EXAMPLE"  # a menu
    yield from ui.press("physface.retarget(")
    yield from ui.settle()
    assert len(list(compat.fcurves(skin))) == 52
    scene.frame_set(24)
    yield from ui.settle()
    ui.picture("first_shot_2", whole=True)

    plain = bridge.get_coordinates(skin.data)
    yield from ui.choose("physface.key_styles", 0.25)
    yield from ui.wait(lambda: len(bpy.context.active_object.physface.styles) == 1, "the style", 30.0)
    yield from ui.settle()
    skin = bpy.context.active_object
    skin.physface.styles[0].weight = 0.6
    yield from ui.settle()
    assert np.abs(bridge.get_coordinates(skin.data) - plain).max() > 1e-4
    ui.picture("first_shot_3")

    skin.physface.preview_resolution = skin.physface.bake.resolution = 6.8
    skin.physface.live_physics = True
    yield from ui.press("region='left'")
    yield from ui.settle()
    ui.picture("first_shot_4")

    skin = bpy.context.active_object
    uid = skin.session_uid
    skin.physface.bake.range, skin.physface.bake.start, skin.physface.bake.end = "CUSTOM", 1, LAST
    skin.physface.bake.step = 3
    ui.undo_step("ready")
    yield from ui.press("physface.bake(")
    yield from ui.wait(lambda: jobs.running(uid) is not None and jobs.running(uid).fraction > 0.2, "some frames", 500.0)
    ui.picture("first_shot_5")
    yield from ui.wait(lambda: jobs.running(uid) is None, "the bake", 900.0)
    skin = bpy.context.active_object
    assert face_objects.has_bake(skin)
    assert len(shape_bake.read(skin).frames) == len(range(1, LAST + 1, 3))
    scene.frame_set(24)
    yield 0.3
    ui.picture("first_shot_6")
