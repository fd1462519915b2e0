"""Meshes of the user on a posed skin: exactly themselves in the reference, and smooth beyond the skin."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from physface_blender.anatomy.mesh import Mesh
from physface_blender.anatomy.template import load_template
from physface_blender.fitting.binding import MouthBinding, SkinBinding, follow_eye, sphere_center
from physface_blender.fitting.errors import BindingError
from physface_blender.fitting.scan import Scan


@pytest.fixture(scope="module")
def template():
    return load_template()


@pytest.fixture(scope="module")
def bound(template):
    """The template's own frontal skin, moved outward by half a millimeter, with a tail that leaves the skin."""
    skin = template.meshes["skin"]
    face = template.regions["face"] > 0.5
    triangles = skin.triangles[face[skin.triangles].all(axis=1)]
    used, triangles = np.unique(triangles, return_inverse=True)
    vertices = skin.vertices[used] + 0.5 * skin.vertex_normals[used]
    triangles = triangles.reshape(-1, 3)
    tail = vertices[triangles[0]] + [[0.0, 0.0, 30.0]]
    count = len(vertices)
    join = [[triangles[0, 0], triangles[0, 1], count], [count, count + 1, count + 2]]
    mesh = Scan(np.concatenate([vertices, tail]), np.concatenate([triangles, join]))
    return mesh, SkinBinding.bind(mesh, Mesh(skin.vertices, skin.faces)), used


def test_the_reference_is_the_mesh_itself(bound, template):
    mesh, binding, _ = bound
    # To the rounding of the frames.
    np.testing.assert_allclose(binding.apply(template.meshes["skin"].vertices), mesh.vertices, atol=1e-12)


def test_a_rigid_motion_of_the_skin_moves_the_mesh_rigidly(bound, template):
    mesh, binding, _ = bound
    turn = Rotation.from_rotvec([0.2, 0.4, -0.3]).as_matrix()
    moved = binding.apply(template.meshes["skin"].vertices @ turn.T + np.array([5.0, 0.0, 1.0]))
    wanted = mesh.vertices @ turn.T + [5.0, 0.0, 1.0]
    np.testing.assert_allclose(moved[binding.held], wanted[binding.held], atol=1e-9)


def test_what_leaves_the_skin_follows_what_rides_on_it(bound, template):
    mesh, binding, used = bound
    assert binding.held[: len(used)].mean() > 0.9  # all but the rims of eyes, lips and nostrils
    assert not binding.held[len(used) :].any()
    moved = binding.apply(template.meshes["skin"].vertices + np.array([0.0, 7.0, 0.0]))
    np.testing.assert_allclose(moved[len(used) :] - mesh.vertices[len(used) :], [[0.0, 7.0, 0.0]] * 3, atol=1e-6)


def test_a_mesh_elsewhere_is_refused(bound, template):
    mesh, _, _ = bound
    skin = template.meshes["skin"]
    with pytest.raises(BindingError, match="lie on the fitted skin"):
        SkinBinding.bind(Scan(mesh.vertices + 500.0, mesh.triangles), Mesh(skin.vertices, skin.faces))


def test_teeth_go_with_their_bones(template):
    upper, lower = (template.meshes[part] for part in ("upper_teeth", "lower_teeth"))
    both = Scan(
        np.concatenate([upper.vertices, lower.vertices]) + 0.1,
        np.concatenate([upper.triangles, lower.triangles + len(upper.vertices)]),
    )
    binding = MouthBinding.bind(both, upper.vertices, lower.vertices)
    jaw = np.eye(4)
    jaw[1, 3] = -10.0
    moved = binding.apply(jaw) - both.vertices
    np.testing.assert_allclose(moved[: len(upper.vertices), 1], 0.0)
    np.testing.assert_allclose(moved[len(upper.vertices) :, 1], -10.0)


def test_an_eye_turns_about_its_own_center():
    points = np.random.default_rng(0).normal(size=(200, 3))
    points = 12.0 * points / np.linalg.norm(points, axis=1, keepdims=True) + [30.0, 5.0, 80.0]
    np.testing.assert_allclose(sphere_center(points), [30.0, 5.0, 80.0], atol=1e-9)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([0.0, 0.5, 0.0]).as_matrix()
    turn[:3, 3] = [100.0, 0.0, 0.0]
    np.testing.assert_allclose(sphere_center(follow_eye(points, turn)), [30.0, 5.0, 80.0], atol=1e-9)
