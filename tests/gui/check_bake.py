"""The panel Bake: Esc in the middle keeps what is finished, Resume goes on, Ctrl+Z takes a bake back."""

import bpy
from stopwatch import Stopwatch

PANELS = ("bake",)
FRAMES = 30


def main(ui):
    from physface_blender.blender import face_objects, jobs, shape_bake

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    skin.physface.bake.resolution = 6.8
    for frame, value in ((1, 0.0), (FRAMES // 2, 0.7), (FRAMES, 0.1)):
        skin.physface.expression.jawOpen = value
        skin.keyframe_insert("physface.expression.jawOpen", frame=frame)
    yield from ui.settle()
    ui.undo_step("animated")
    uid = skin.session_uid
    with Stopwatch() as watch:
        yield from ui.press("physface.bake")
        yield from ui.wait(
            lambda: jobs.running(uid) is not None and jobs.running(uid).fraction > 0.1, "some frames", 500.0
        )
        ui.picture("bake")
        x, y = ui.in_viewport()
        ui.events("mousemove", x, y)
        yield from ui.key("Escape")
        yield from ui.wait(lambda: jobs.running(uid) is None, "the end of the job", 60.0)
    watch.tell(ui, "bake")
    skin = bpy.context.active_object
    kept = len(shape_bake.read(skin).frames)
    assert 0 < kept < FRAMES, f"Esc keeps the finished frames; there are {kept}"
    ui.measure("frames kept by Esc", kept)
    yield from ui.press("mode='MISSING'")
    yield from ui.wait(lambda: jobs.running(uid) is None, "the rest of the frames", 580.0)
    skin = bpy.context.active_object
    assert shape_bake.read(skin).frames == list(range(1, FRAMES + 1)), "Resume baked the others"
    assert not skin.physface.live, "the preview is off after a bake"
    scene.frame_set(FRAMES // 2)
    yield 0.3
    ui.picture("baked")
    ui.events("mousemove", x, y)
    yield from ui.key("ctrl+z")
    yield 1.0
    skin = bpy.context.active_object
    assert len(shape_bake.read(skin).frames) == kept, "Ctrl+Z takes back what Resume baked"
    yield from ui.key("ctrl+z")
    yield 1.0
    skin = bpy.context.active_object
    assert not face_objects.has_bake(skin), "and again, the first bake"
    yield from ui.key("ctrl+shift+z", "ctrl+shift+z")
    yield 1.0
    skin = bpy.context.active_object
    assert len(shape_bake.read(skin).frames) == FRAMES, "redo brings both back"
