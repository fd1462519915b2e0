import bpy
import numpy as np
import pytest

from physface_blender.blender import bridge


def test_the_face_looks_toward_minus_y_and_stands_upright() -> None:
    left, up, forward = np.eye(3)
    assert np.allclose(bridge.to_blender(left, 1.0), [1, 0, 0])
    assert np.allclose(bridge.to_blender(up, 1.0), [0, 0, 1])
    assert np.allclose(bridge.to_blender(forward, 1.0), [0, -1, 0])


def test_back_and_forth_is_the_identity() -> None:
    points = np.random.default_rng(0).normal(scale=100.0, size=(50, 3))
    assert np.allclose(bridge.to_millimeters(bridge.to_blender(points, 0.001), 0.001), points, atol=1e-4)


@pytest.mark.parametrize(("scale_length", "height"), [(1.0, 0.2), (0.01, 20.0), (0.001, 200.0)])
def test_two_hundred_millimeters_in_scenes_of_several_units(scene, scale_length, height) -> None:
    scene.unit_settings.scale_length = scale_length
    scale = bridge.units_per_millimeter(scene)
    assert bridge.to_blender(np.array([0.0, 200.0, 0.0]), scale)[2] == pytest.approx(height, rel=1e-6)


def test_a_rigid_transform_moves_blender_coordinates_as_it_moves_points() -> None:
    generator = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    transform = np.eye(4)
    transform[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    transform[:3, 3] = generator.normal(scale=30.0, size=3)
    points = generator.normal(scale=80.0, size=(20, 3))
    moved = bridge.to_blender(points @ transform[:3, :3].T + transform[:3, 3], 0.001)
    converted = bridge.rigid_to_blender(transform, 0.001)
    assert np.allclose(bridge.to_blender(points, 0.001) @ converted[:3, :3].T + converted[:3, 3], moved, atol=1e-6)


def test_quaternions_take_the_short_way() -> None:
    angles = np.linspace(0.0, 4.0 * np.pi, 40)
    rotations = np.zeros((40, 3, 3))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(angles)
    rotations[:, 1, 0], rotations[:, 0, 1] = np.sin(angles), -np.sin(angles)
    rotations[:, 2, 2] = 1.0
    found = bridge.quaternions(rotations)
    assert np.all(np.sum(found[1:] * found[:-1], axis=1) > 0.9)
    assert found[20, 0] < 0.0, "a full turn ends on the other side, so the test does see sides"


def test_a_mesh_of_quads_and_triangles() -> None:
    coordinates = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0]], dtype=np.float32)
    faces = np.array([[0, 1, 2, 3], [1, 4, 2, -1]], dtype=np.int32)
    mesh = bridge.new_mesh("m", coordinates, faces)
    assert [list(polygon.vertices) for polygon in mesh.polygons] == [[0, 1, 2, 3], [1, 4, 2]]
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    assert not mesh.validate(verbose=True), "Blender had to repair the mesh"
    bridge.set_texture_coordinates(mesh, coordinates[:, :2], faces.clip(0), faces)
    assert np.allclose(mesh.uv_layers[0].uv[5].vector, [2, 0])


def test_coordinates_of_another_mesh_are_refused() -> None:
    mesh = bridge.new_mesh("m", np.zeros((3, 3), np.float32), np.array([[0, 1, 2, -1]], dtype=np.int32))
    with pytest.raises(ValueError, match="m has 3 vertices"):
        bridge.set_coordinates(mesh, np.zeros((4, 3), np.float32))
    assert bpy.data.meshes["m"] == mesh
