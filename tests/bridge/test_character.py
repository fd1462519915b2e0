"""Whose face it is: sliders and random persons, people between two, a face fitted to a mesh of the scene."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from physface_blender.anatomy.template import load_template
from physface_blender.backend.identity import Identity
from physface_blender.backend.identity_file import load_identity
from physface_blender.blender import bridge, evaluated_mesh, face_objects, identities, live, new_face, photo, requests


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
    other = new_face.create(bpy.context, template, template_rest, name="Other")
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


@pytest.fixture
def scan(scene, template) -> bpy.types.Object:
    """The mean face as an artist's mesh in centimeters, lying on its side somewhere else; active."""
    skin = template.meshes["skin"]
    faces = skin.faces[~inner(template)[skin.faces].any(axis=1)]
    source = bpy.data.objects.new("Scan", bridge.new_mesh("Scan", bridge.to_blender(skin.vertices, 0.1), faces))
    scene.collection.objects.link(source)
    source.matrix_world = Matrix.Translation((3.0, 1.0, 0.0)) @ Matrix.Rotation(1.2, 4, "Y")
    bpy.context.view_layer.objects.active = source
    return source


def inner(template) -> np.ndarray:
    """Which vertices of the skin no scanner sees."""
    return np.any([template.regions[name] > 0.5 for name in ("inner_mouth", "eye_socket_left", "eye_socket_right")], 0)


def artists_parts(scene, scan, template) -> dict[str, bpy.types.Object]:
    """Lower teeth, the right eye, and a patch of skin as brow, in millimeters, where the scan has them."""
    made = {}
    skin = template.meshes["skin"]
    above = skin.vertices - skin.vertices[template.landmarks68[19]]
    near = np.linalg.norm(above, axis=1) < 8.0
    brow = skin.faces[near[skin.faces].all(axis=1)]
    used, corners = np.unique(brow, return_inverse=True)
    sources = {
        "teeth": (template.meshes["lower_teeth"].vertices, template.meshes["lower_teeth"].faces),
        "eye": (template.meshes["eye_right"].vertices, template.meshes["eye_right"].faces),
        "brow": (skin.vertices[used] + [0.0, 0.0, 1.0], corners.reshape(brow.shape)),
    }
    for name, (vertices, faces) in sources.items():
        made[name] = bpy.data.objects.new(name, bridge.new_mesh(name, bridge.to_blender(vertices, 1.0), faces))
        scene.collection.objects.link(made[name])
        made[name].matrix_world = scan.matrix_world @ Matrix.Scale(0.1, 4)
    bpy.context.view_layer.update()
    return made


@pytest.mark.slow
def test_the_artists_mesh_rides_on_the_face_and_keeps_what_is_its_own(scene, scan, template, settle, evaluated) -> None:
    own = bridge.get_coordinates(scan.data)
    scan.shape_key_add(name="Basis")
    ears = scan.shape_key_add(name="Pointed Ears", from_mix=False)
    ears.data[0].co.z += 1.0
    ears.value = 0.0
    assert bpy.ops.physface.fit_scan(bind=True) == {"FINISHED"}
    assert bpy.context.active_object == scan, "the artist goes on with the own mesh"
    face = face_objects.skin_of(scan)
    assert face_objects.bound_to(face) == scan
    assert not face.visible_get()
    assert not bpy.ops.physface.fit_scan.poll(), "it has a face already"
    settle(face)
    # Centimeters. Bound to the simulated rest, whose lips part by up to 0.3 mm; the preview is the network's.
    assert np.abs(evaluated(scan) - own).max() < 0.04
    parts = artists_parts(scene, scan, template)
    for part in parts.values():
        part.select_set(True)
    assert bpy.ops.physface.bind_parts() == {"FINISHED"}
    assert [part.physface.bound_kind for part in parts.values()] == ["TEETH", "EYE_RIGHT", "LASHES"]
    assert all(face_objects.skin_of(part) == face for part in parts.values()), "they show the panels of the face"
    own_parts = {name: bridge.get_coordinates(part.data) for name, part in parts.items()}
    settle(face)
    assert np.allclose(evaluated(parts["teeth"]), own_parts["teeth"], atol=0.3), "millimeters"
    face.physface.expression.jawOpen, face.physface.expression.eyeLookDownRight = 0.7, 0.8
    face.physface.expression.browInnerUp = 1.0
    settle(face)
    opened = evaluated(scan)
    # Millimeters, up is Z: teeth below, the eye's pupil down, brows up.
    moved = {name: evaluated(part) - own_parts[name] for name, part in parts.items()}
    assert moved["teeth"][:, 2].max() < -3.0
    assert moved["eye"][own_parts["eye"][:, 1].argmin(), 2] < -1.0
    assert moved["brow"][:, 2].mean() > 0.5
    face.physface.expression.eyeLookDownRight = face.physface.expression.browInnerUp = 0.0
    settle(face)
    opened = evaluated(scan)
    teeth_opened = evaluated(parts["teeth"])
    chin = template.landmarks68[8]
    assert (opened[chin] - own[chin])[2] < -0.5, "the chin went down by more than 5 mm"
    assert ears.value == 0.0
    assert ears.data[0].co.z == pytest.approx(own[0, 2] + 1.0), "the artist's keys stay"
    face.physface.bake.resolution, face.physface.bake.physics = 6.8, False
    scene.frame_start, scene.frame_end = 1, 3
    for frame, value in ((1, 0.0), (3, 0.7)):
        face.physface.expression.jawOpen = value
        face.keyframe_insert("physface.expression.jawOpen", frame=frame)
    assert bpy.ops.physface.bake() == {"FINISHED"}
    scene.frame_set(3)
    # Bound at the bake's own rest; the tolerance of the compact keys is 0.1 mm.
    assert np.abs(evaluated(scan) - opened).max() < 0.03
    assert np.abs(evaluated(parts["teeth"]) - teeth_opened).max() < 0.3
    assert not bpy.ops.physface.bind_parts.poll(), "a bake keeps its parts"
    assert [key.name for key in scan.data.shape_keys.key_blocks][:2] == ["Basis", "Pointed Ears"]
    assert bpy.ops.physface.clear_bake() == {"FINISHED"}
    assert [key.name for key in scan.data.shape_keys.key_blocks] == ["Basis", "Pointed Ears"]
    settle(face)
    assert np.allclose(evaluated(parts["teeth"]), teeth_opened, atol=0.3), "the sliders stand at the last frame"
    bpy.context.view_layer.objects.active = scan
    assert bpy.ops.physface.release_part(part=parts["eye"].name) == {"FINISHED"}
    assert face_objects.skin_of(parts["eye"]) is None
    assert np.allclose(evaluated(parts["eye"]), own_parts["eye"], atol=1e-5)
    assert bpy.ops.physface.release_mesh() == {"FINISHED"}
    assert np.allclose(evaluated(parts["teeth"]), own_parts["teeth"], atol=1e-5)
    assert np.allclose(evaluated(scan), own, atol=1e-6)
    assert face.visible_get()


@pytest.mark.slow
def test_a_face_is_fitted_to_a_mesh_in_its_place(scan, template, settle) -> None:
    """The new face lies over the mesh."""
    source = scan
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
    apart = np.linalg.norm(world(face) - world(source), axis=1)[outer & ~inner(template)]
    assert np.median(apart) < 0.1, "within a millimeter, in centimeters"
    assert identities.of(face).residual is not None
    assert requests.preview_character(face).identity_file


@pytest.fixture
def photo_file(tmp_path) -> str:
    """A picture of 400 x 500 pixels; what it shows does not matter, the landmarks are all that is looked at."""
    image = bpy.data.images.new("Portrait", 400, 500)
    image.filepath_raw, image.file_format = str(tmp_path / "portrait.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return str(tmp_path / "portrait.png")


def test_the_points_lie_on_the_photo_where_its_pixels_are(scene, photo_file) -> None:
    scene.unit_settings.scale_length = 0.01
    assert bpy.ops.physface.place_landmarks(filepath=photo_file) == {"FINISHED"}
    points = bpy.context.active_object
    found, size = photo.read(points)
    assert size == (400, 500)
    pixels = np.array(found)
    assert pixels.mean(axis=0) == pytest.approx([200.0, 250.0], abs=1e-3)
    assert np.ptp(pixels[:, 1]) == pytest.approx(0.45 * 500, abs=1e-3)
    assert pixels[8, 1] > pixels[27, 1], "the chin lies below the nose, and pixels count downward"
    assert pixels[36, 0] < pixels[45, 0], "the character's right eye is on the left"
    # The upper left corner of the photo, where Blender draws it.
    bpy.context.view_layer.update()
    drawn = points.parent.empty_display_size
    corner = points.parent.matrix_world @ Vector((-0.5 * drawn * 0.8, 0.5 * drawn, 0.0))
    points.data.vertices[0].co = points.matrix_world.inverted() @ corner
    points.data.vertices[5].hide = True
    found, _ = photo.read(points)
    assert found[0] == pytest.approx((0.0, 0.0), abs=1e-3)
    assert found[5] is None, "a hidden point is not known"


def test_landmarks_that_were_deleted_are_refused(scene, photo_file) -> None:
    assert not bpy.ops.physface.fit_photo.poll()
    bpy.ops.physface.place_landmarks(filepath=photo_file)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.active_object.data.vertices[3].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.delete(type="VERT")
    with pytest.raises(RuntimeError, match="has 67 points; a face has 68"):
        bpy.ops.physface.fit_photo()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.physface.place_landmarks(filepath=photo_file + ".gone")
    assert len(face_objects.skins(scene)) == 0


def test_a_face_is_made_of_the_landmarks_of_a_photo(scene, photo_file, settle) -> None:
    """Points of a wide mouth, on a face seen from the front."""
    bpy.ops.physface.place_landmarks(filepath=photo_file)
    points = bpy.context.active_object
    for vertex in points.data.vertices[48:68]:
        vertex.co.x *= 1.2
    assert bpy.ops.physface.fit_photo() == {"FINISHED"}
    face = bpy.context.active_object
    assert face_objects.is_skin(face)
    assert face.location.x > points.parent.location.x, "it stands beside the photo"
    assert np.abs(identities.of(face).coefficients).max() > 0.1
    settle(face)
    wide, mean = bridge.get_coordinates(face.data), load_template()
    corners = mean.landmarks68[[48, 54]]
    rest = bridge.to_blender(mean.meshes["skin"].vertices, face.physface.units_per_millimeter)
    assert abs(np.diff(wide[corners, 0])[0]) > 1.03 * abs(np.diff(rest[corners, 0])[0])
