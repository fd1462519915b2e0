"""Whose face it is: sliders and random persons, people between two, a face fitted to a mesh of the scene."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from physface_blender.backend.identity import Identity
from physface_blender.backend.identity_file import load_identity
from physface_blender.blender import bridge, evaluated_mesh, face_objects, identities, live, requests


def shapes(skin) -> dict[str, np.ndarray]:
    """Vertices of all parts, where the scene has them."""
    bpy.context.view_layer.update()
    found = {}
    for part, target in face_objects.parts_of(skin).items():
        placed = np.array(skin.matrix_world.inverted() @ target.matrix_world)
        found[part] = bridge.get_coordinates(target.data) @ placed[:3, :3].T + placed[:3, 3]
    return found


def test_an_identity_slider_makes_all_parts_another_persons(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    before = shapes(skin)
    skin.physface.identity_0[0] = 2.5
    skin.physface.expression.jawOpen = 0.3
    settle(skin)
    after = shapes(skin)
    for part in before:
        assert np.abs(after[part] - before[part]).max() > 1e-4, f"{part} is still that of the other person"
    bpy.context.view_layer.objects.active = skin
    other = add_face(seed=1)
    identities.write(other, identities.of(skin))
    other.physface.expression.jawOpen = 0.3
    settle(other)
    fresh = shapes(other)
    for part, vertices in fresh.items():
        assert np.allclose(vertices, after[part], atol=1e-6), f"{part}: the way to a person leaves no trace"


def test_a_random_person_is_undone(add_face, settle) -> None:
    skin = add_face(seed=1)
    settle(skin)
    eyes = shapes(skin)["eye_left"]
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.physface.random_identity(seed=7, strength=1.0) == {"FINISHED"}
    assert np.allclose(identities.of(skin).coefficients, Identity.from_seed(7, 1.0).coefficients, atol=1e-6)
    settle(skin)
    assert np.abs(shapes(skin)["eye_left"] - eyes).max() > 1e-4
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    skin = bpy.context.active_object
    live.mark(skin)
    settle(skin)
    assert np.allclose(shapes(skin)["eye_left"], eyes, atol=1e-6)


def test_a_person_between_two(still_face, template, template_rest) -> None:
    assert not bpy.ops.physface.blend_identity.poll(), "there is no other face"
    other = face_objects.create(bpy.context, template, template_rest, name="Other")
    other.physface.live = False
    residual = np.zeros((len(other.data.vertices), 3))
    residual[:, 1] = 2.0
    identities.write(still_face, Identity.from_seed(3))
    identities.write(other, Identity(Identity.from_seed(4).coefficients, residual))
    assert bpy.ops.physface.blend_identity(other=still_face.name, share=0.25) == {"FINISHED"}
    expected = 0.75 * Identity.from_seed(4).coefficients + 0.25 * Identity.from_seed(3).coefficients
    found = identities.of(other)
    assert np.allclose(found.coefficients, expected, atol=1e-6)
    assert np.allclose(found.residual, 0.75 * residual, atol=1e-6), "what a fit has added is shared, too"


def test_what_a_fit_has_added_reaches_the_backend_by_a_file(still_face) -> None:
    assert requests.preview_character(still_face).identity_file == ""
    residual = np.full((len(still_face.data.vertices), 3), 0.5)
    identities.write(still_face, Identity.from_seed(3))
    identities.write(still_face, Identity(Identity.from_seed(3).coefficients, residual))
    request = requests.preview_character(still_face)
    assert request.identity == ()
    stored = load_identity(request.identity_file)
    assert np.allclose(stored.residual, residual)
    assert np.allclose(stored.coefficients, Identity.from_seed(3).coefficients, atol=1e-6)
    identities.write(still_face, Identity.from_seed(3))
    assert requests.preview_character(still_face).identity_file == "", "another person has nothing of it"


def test_a_baked_face_does_not_become_another_person(still_face, monkeypatch) -> None:
    monkeypatch.setattr(face_objects, "has_bake", lambda skin: True)
    assert not bpy.ops.physface.random_identity.poll()


def test_no_mesh_of_a_face_is_fitted_to_itself(still_face) -> None:
    assert not bpy.ops.physface.fit_scan.poll()


def test_a_mesh_without_a_face_is_refused_and_changes_nothing(scene) -> None:
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(RuntimeError, match="12 triangles with an area"):
        bpy.ops.physface.fit_scan()
    assert len(face_objects.skins(scene)) == 0


@pytest.mark.slow
def test_a_face_is_fitted_to_a_mesh_in_its_place(scene, template, settle) -> None:
    """The mean face smiling nowhere, in centimeters, lying on its side somewhere else: the new face lies over it."""
    skin = template.meshes["skin"]
    inner = np.any([template.regions[name] > 0.5 for name in ("inner_mouth", "eye_socket_left", "eye_socket_right")], 0)
    faces = skin.faces[~inner[skin.faces].any(axis=1)]
    source = bpy.data.objects.new("Scan", bridge.new_mesh("Scan", bridge.to_blender(skin.vertices, 0.1), faces))
    scene.collection.objects.link(source)
    source.matrix_world = Matrix.Translation((3.0, 1.0, 0.0)) @ Matrix.Rotation(1.2, 4, "Y")
    bpy.context.view_layer.objects.active = source
    assert bpy.ops.physface.fit_scan(at_rest=True) == {"FINISHED"}
    face = bpy.context.active_object
    settle(face)
    assert face.name.startswith("Scan Face")
    bpy.context.view_layer.update()

    def world(owner) -> np.ndarray:
        shown = evaluated_mesh.shown(owner, bpy.context.evaluated_depsgraph_get())
        matrix = np.array(owner.matrix_world)
        return shown @ matrix[:3, :3].T + matrix[:3, 3]

    outer = template.regions["face"] > 0.5
    apart = np.linalg.norm(world(face) - world(source), axis=1)[outer & ~inner]
    assert np.median(apart) < 0.1, "within a millimeter, in centimeters"
    assert identities.of(face).residual is not None
    assert requests.preview_character(face).identity_file
