"""The panel Style: Learn from Selected Mesh, ended by Esc, then to its end; undo."""

import bpy

PANELS = ("style",)
SHOWN = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "mouthPucker")
GAIN = 1.4
"""The actor does more than is asked for: that is its style."""


def main(ui):
    from physface_blender.blender import bridge, jobs

    yield from ui.add_face(seed=1)
    skin = bpy.context.active_object
    uid, rest = skin.session_uid, bridge.get_coordinates(skin.data)
    actor = bpy.data.objects.new("Actor", skin.data.copy())
    bpy.context.scene.collection.objects.link(actor)
    actor.location.x = 0.3
    actor.shape_key_add(name="Basis")
    for name in SHOWN:
        setattr(skin.physface.expression, name, 1.0)
        yield from ui.settle()
        shape = rest + GAIN * (bridge.get_coordinates(skin.data) - rest)
        bridge.set_key_coordinates(actor.shape_key_add(name=name, from_mix=False), shape)
        setattr(skin.physface.expression, name, 0.0)
    yield from ui.settle()
    actor.select_set(True)
    skin.select_set(True)
    ui.undo_step("an actor")
    yield from begin(ui, jobs, uid)
    yield from ui.key("Escape")
    yield from ui.wait(lambda: jobs.running(uid) is None, "the end of the job", 60.0)
    assert not len(bpy.context.active_object.physface.styles), "Esc adds nothing"
    yield from begin(ui, jobs, uid)
    ui.picture("learning_style")
    yield from ui.wait(lambda: jobs.running(uid) is None, "the style", 500.0)
    skin = bpy.context.active_object
    assert [share.name for share in skin.physface.styles] == ["Actor"]
    yield from ui.settle()
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield 0.5
    assert not len(bpy.context.active_object.physface.styles), "Ctrl+Z takes it off the face"


def begin(ui, jobs, uid):
    """Press the button, accept the name in the dialog, and wait until the learning runs."""
    yield from ui.press("physface.learn_style")
    yield 0.5
    yield from ui.key("Return")
    yield from ui.wait(
        lambda: jobs.running(uid) is not None and jobs.running(uid).fraction > 0.02, "the learning to begin", 120.0
    )
    ui.events("mousemove", *ui.in_viewport())
    yield 0.2
