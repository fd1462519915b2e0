"""The panel Character with a mesh of the artist's: Bind Mesh, teeth and an eye that go with it, release, undo."""

import bpy
import numpy as np
from stopwatch import Stopwatch

PANELS = ("character",)


def main(ui):
    from physface_blender.anatomy.template import load_template
    from physface_blender.blender import bridge, face_objects, jobs, live

    template = load_template()
    skin = template.meshes["skin"]
    hidden = np.any(
        [template.regions[name] > 0.5 for name in ("inner_mouth", "eye_socket_left", "eye_socket_right")], 0
    )
    sources = {"Hero Head": (skin.vertices, skin.faces[~hidden[skin.faces].any(axis=1)])}
    parts = {
        "Hero Teeth": "lower_teeth",
        "Hero Eye": "eye_left",
        "Upper Teeth": "upper_teeth",
        "Other Eye": "eye_right",
    }
    for name, part in parts.items():
        sources[name] = (template.meshes[part].vertices, template.meshes[part].faces)
    made = []
    for name, (vertices, faces) in sources.items():
        mesh = bridge.new_mesh(name, bridge.to_blender(vertices, 0.001), faces)
        made.append(bpy.data.objects.new(name, mesh))
        bpy.context.scene.collection.objects.link(made[-1])
    select(made[0])
    yield from ui.look()
    ui.undo_step("a head of my own")
    with Stopwatch() as watch:
        yield from ui.press("bind=True")
        yield from ui.wait(lambda: jobs.running(0) is not None, "the fit to begin", 60.0)
        yield from ui.wait(lambda: jobs.running(0) is None, "the fit", 500.0)
    watch.tell(ui, "bind")
    head = bpy.data.objects["Hero Head"]
    face = face_objects.skin_of(head)
    assert face is not None, "the mesh rides on a face"
    yield from ui.settle()
    select(*(bpy.data.objects[name] for name in parts), head)
    ui.undo_step("parts chosen")
    yield from ui.press("physface.bind_parts")
    yield from ui.settle()
    head, teeth, eye = (bpy.data.objects[name] for name in ("Hero Head", "Hero Teeth", "Hero Eye"))
    assert (teeth.physface.bound_kind, eye.physface.bound_kind) == ("TEETH", "EYE_LEFT")
    face = face_objects.skin_of(head)
    before = {owner.name: shown(owner) for owner in (head, teeth, eye)}
    face.physface.expression.jawOpen, face.physface.expression.eyeLookUpLeft = 0.6, 0.8
    yield from ui.wait(lambda: live.is_pending(face), "the preview to begin", 30.0)
    yield from ui.settle()
    assert shown(teeth)[:, 2].max() < before["Hero Teeth"][:, 2].max() - 0.002, "the teeth went down with the jaw"
    assert np.abs(shown(eye) - before["Hero Eye"]).max() > 0.001, "the eye turned"
    face.physface.expression.mouthUpperUpLeft = face.physface.expression.mouthUpperUpRight = 0.9
    face.physface.expression.mouthLowerDownLeft = face.physface.expression.mouthLowerDownRight = 0.9
    yield from ui.settle()
    ui.area().spaces.active.shading.color_type = "OBJECT"
    for name in sources:
        bpy.data.objects[name].color = (0.72, 0.56, 0.5, 1.0) if name == "Hero Head" else (0.93, 0.92, 0.86, 1.0)
    select(head)
    ui.picture("bound_parts")
    ui.undo_step("open")
    yield from ui.press('release_part(part="Hero Eye")')
    yield from ui.settle()
    assert face_objects.skin_of(bpy.data.objects["Hero Eye"]) is None, "the cross let it go"
    assert np.abs(shown(bpy.data.objects["Hero Eye"]) - before["Hero Eye"]).max() < 1e-6
    ui.events("mousemove", *ui.in_viewport())
    yield from ui.key("ctrl+z")
    yield from ui.settle()
    assert face_objects.skin_of(bpy.data.objects["Hero Eye"]) is not None, "Ctrl+Z brings it back"


def select(*chosen) -> None:
    """Select objects; the last one is active."""
    for other in bpy.context.selected_objects:
        other.select_set(False)
    for owner in chosen:
        owner.select_set(True)
    bpy.context.view_layer.objects.active = chosen[-1]


def shown(owner) -> np.ndarray:
    """Vertices (V, 3) as they are shown."""
    from physface_blender.blender import evaluated_mesh

    return evaluated_mesh.shown(owner, bpy.context.evaluated_depsgraph_get())
