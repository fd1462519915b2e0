"""Making a face: Esc while its objects are made leaves nothing, Ctrl+Z takes the face away, redo brings it back alive."""

import bpy
from stopwatch import Stopwatch

PANELS = ("character",)


def main(ui):
    from physface_blender.blender import jobs

    nothing = _counts()
    yield from ui.press("physface.add_face")
    yield from ui.wait(lambda: len(bpy.data.meshes) > nothing["meshes"], "the first of its meshes", 500.0)
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("Escape")
    yield from ui.wait(lambda: jobs.running(0) is None, "the job to end", 20.0)
    assert _counts() == nothing, f"Esc leaves nothing of a face, but there is {_counts()}"
    yield from ui.leave()
    with Stopwatch() as watch:
        yield from ui.press("physface.add_face")
        yield from ui.wait(lambda: bpy.context.active_object is not None, "the face", 500.0)
    watch.tell(ui, "add again")
    yield from ui.look()
    yield from ui.settle()
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield 1.0
    assert not bpy.data.objects, "Ctrl+Z takes the face away"
    ui.picture("add_face_undone")
    yield from ui.key("ctrl+shift+z")
    yield 1.0
    skin = next(iter(found for found in bpy.data.objects if found.physface.part == "skin"))
    bpy.context.view_layer.objects.active = skin
    before = skin.bound_box[0][2]
    skin.physface.expression.jawOpen = 1.0
    yield from ui.settle()
    skin = bpy.context.active_object
    ui.picture("add_face_redone")
    assert skin.physface.expression.jawOpen == 1.0
    assert skin.bound_box[0][2] != before or _moved(skin), "the face that came back follows its sliders"


def _counts() -> dict[str, int]:
    return {name: len(getattr(bpy.data, name)) for name in ("objects", "meshes", "armatures")}


def _moved(skin) -> bool:
    from physface_blender.blender import face_objects

    return face_objects.parts_of(skin)["lower_teeth"].location.length > 0.0
