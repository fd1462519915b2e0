"""The shipped template: closed, symmetric, complete; and the loader's sentences for bad files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from physface_blender.anatomy.template import (
    PARTS,
    REGIONS,
    Template,
    TemplateError,
    default_template_path,
    load_template,
)
from physface_blender.simulation.intersections import count_intersections, intersecting_pairs
from physface_blender.training.template.outer_skin import boundary_loops, outer_skin
from physface_blender.training.template.topology.relaxation import scaled_jacobians
from physface_blender.training.template.winding import winding_numbers


@pytest.fixture(scope="module")
def template() -> Template:
    return load_template()


@pytest.mark.parametrize("part", [part for part in PARTS if part != "lashes"])
def test_every_edge_has_at_most_two_faces_that_agree_in_direction(template, part):
    mesh = template.meshes[part]
    sides = mesh.directed_edges
    assert len(np.unique(sides, axis=0)) == len(sides)
    assert set(np.unique(mesh.faces[mesh.faces >= 0])) == set(range(len(mesh.vertices)))


@pytest.mark.parametrize("part", ["upper_teeth", "lower_teeth", "eye_left", "eye_right", "skull", "mandible"])
def test_bodies_are_closed_and_turned_outward(template, part):
    mesh = template.meshes[part]
    assert len(mesh.boundary_edges) == 0
    corners = mesh.vertices[mesh.triangles]
    assert np.einsum("ti,ti->", np.cross(corners[:, 0], corners[:, 1]), corners[:, 2]) > 0


def test_skin_is_quads_with_one_opening_at_the_neck(template):
    skin = template.meshes["skin"]
    assert (skin.faces >= 0).all()
    loops = boundary_loops(skin)
    assert len(loops) == 1
    assert template.regions["neck"][loops[0]].min() > 0.99


def test_skin_is_a_regular_mesh_of_sound_quads(template):
    skin = template.meshes["skin"]
    assert 8_000 < len(skin.vertices) < 15_000
    inside = np.setdiff1d(np.arange(len(skin.vertices)), skin.boundary_edges)
    valence = np.bincount(np.bincount(skin.edges.ravel(), minlength=len(skin.vertices))[inside])
    assert np.flatnonzero(valence).tolist() == [3, 4, 5]
    assert valence[3] + valence[5] < 80
    jacobians = scaled_jacobians(skin.vertices[skin.faces])
    assert jacobians.min() > 0.0
    assert (jacobians < 0.3).mean() < 0.003
    # No quad looks the other way than those around it, save where a lid or lip ends in an edge.
    corners = skin.vertices[skin.faces]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    assert (np.einsum("fx,fcx->fc", normals, skin.vertex_normals[skin.faces]) > 0).mean() > 0.995


def test_skin_is_its_own_mirror_image(template):
    vertices = template.meshes["skin"].vertices
    distance, partner = cKDTree(vertices).query(vertices * [-1, 1, 1])
    assert distance.max() < 1e-4
    assert np.array_equal(partner[partner], np.arange(len(vertices)))
    for name in REGIONS:
        twin = name.replace("left", "@").replace("right", "left").replace("@", "right")
        assert np.allclose(template.regions[name], template.regions[twin][partner]), name


def test_regions_lie_where_their_names_say(template):
    vertices = template.meshes["skin"].vertices
    for name in REGIONS:
        weight = template.regions[name]
        assert weight.shape == (len(vertices),)
        assert weight.min() >= 0
        assert weight.max() == 1

    def middle(name):
        return vertices[template.regions[name] > 0.5].mean(axis=0)

    assert middle("upper_lip")[1] > middle("lower_lip")[1]
    assert middle("upper_lid_left")[1] > middle("lower_lid_left")[1]
    assert middle("eye_socket_left")[0] > 0 > middle("eye_socket_right")[0]
    assert middle("scalp")[1] > middle("forehead")[1] > middle("nostril")[1] > middle("neck")[1]
    assert not (template.regions["upper_lip"] * template.regions["lower_lip"]).any()


def test_landmarks_pair_up(template):
    points = template.meshes["skin"].vertices[template.landmarks68]
    assert np.allclose(points[36], points[45] * [-1, 1, 1], atol=0.6)
    assert np.allclose(points[48], points[54] * [-1, 1, 1], atol=0.6)
    assert points[8, 1] < points[57, 1] < points[33, 1] < points[27, 1]


def test_bones_stay_inside_the_outer_skin(template):
    vertices, triangles = outer_skin(template.meshes["skin"], template.regions)
    for part in ("skull", "mandible"):
        bone = template.meshes[part].vertices
        nearest = cKDTree(vertices).query(bone)[0].argsort()
        doubtful = np.concatenate([nearest[:400], nearest[400::60]])
        assert winding_numbers(bone[doubtful], vertices, triangles).min() > 0.5


def test_bones_leave_room_for_the_eyes(template):
    for eye in ("eye_left", "eye_right"):
        center = template.eye_centers[eye]
        distance = np.linalg.norm(template.meshes["skull"].vertices - center, axis=1)
        assert distance.min() > 16.8


def test_sockets_and_lids_lie_outside_the_eyes(template):
    skin = template.meshes["skin"].vertices
    for side in ("left", "right"):
        eye = template.meshes[f"eye_{side}"]
        region = np.flatnonzero((template.regions[f"eye_socket_{side}"] + template.regions[f"upper_lid_{side}"]) > 0.5)
        assert (winding_numbers(skin[region], eye.vertices, eye.triangles) < 0.5).all()


def test_contact_region_keeps_a_gap_to_the_teeth(template):
    skin = template.meshes["skin"]
    lining = skin.vertices[template.regions["contact"] > 0.5]
    for part in ("upper_teeth", "lower_teeth"):
        teeth = template.meshes[part]
        near = lining[cKDTree(teeth.vertices).query(lining)[0].argsort()[:250]]
        assert (winding_numbers(near, teeth.vertices, teeth.triangles) < 0.5).all()
        assert cKDTree(lining).query(teeth.vertices)[0].min() > 0.3


def test_lips_mouth_and_teeth_rest_without_intersection(template):
    skin = template.meshes["skin"]
    takes_part = np.max([template.regions[name] for name in ("upper_lip", "lower_lip", "inner_mouth")], axis=0) > 0.5
    patch = skin.triangles[takes_part[skin.triangles].all(axis=1)]
    bodies = [
        (template.meshes[part].vertices, template.meshes[part].triangles) for part in ("upper_teeth", "lower_teeth")
    ]
    assert count_intersections(skin.vertices, patch, *bodies).total == 0


def test_upper_and_lower_teeth_do_not_overlap(template):
    upper, lower = template.meshes["upper_teeth"], template.meshes["lower_teeth"]
    count = len(upper.triangles)
    pairs = intersecting_pairs(
        np.concatenate([upper.vertices, lower.vertices]),
        np.concatenate([upper.triangles, lower.triangles + len(upper.vertices)]),
        groups=np.repeat([0, 1], [count, len(lower.triangles)]),
        counted=np.array([[False, True], [True, False]]),
    )
    assert len(pairs) == 0


def test_lashes_ride_on_the_skin(template):
    skin = template.meshes["skin"].vertices
    lashes = template.meshes["lashes"].vertices
    assert np.allclose(template.lash_binding.apply(skin), lashes, atol=1e-3)
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = template.lash_binding.apply(skin @ turn.T + [1, 2, 3])
    assert np.allclose(moved, lashes @ turn.T + [1, 2, 3], atol=1e-3)


def test_eye_look_has_all_eight_shapes(template):
    assert len(template.eye_look_degrees) == 8
    assert all(20 < value < 40 for value in template.eye_look_degrees.values())
    assert template.eye_look_degrees["eyeLookDownLeft"] > template.eye_look_degrees["eyeLookUpLeft"]


def test_equal_contents_have_equal_hashes(template, tmp_path):
    with np.load(default_template_path()) as archive:
        arrays = dict(archive)
    copy = tmp_path / "copy.npz"
    np.savez(copy, **arrays)
    assert load_template(copy).content_hash == template.content_hash
    arrays["landmarks68"] = arrays["landmarks68"][::-1]
    np.savez(copy, **arrays)
    assert load_template(copy).content_hash != template.content_hash


def test_missing_file_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"no template at .*absent\.npz"):
        load_template(tmp_path / "absent.npz")


@pytest.mark.parametrize("kept", [0, 10, 5000, -200])
def test_truncated_file_is_reported(tmp_path, kept):
    whole = default_template_path().read_bytes()
    broken = tmp_path / "broken.npz"
    broken.write_bytes(whole[:kept])
    with pytest.raises(TemplateError, match="damaged"):
        load_template(broken)


def test_flipped_bytes_are_reported(tmp_path):
    content = bytearray(default_template_path().read_bytes())
    content[len(content) // 2] ^= 0xFF
    broken = tmp_path / "broken.npz"
    broken.write_bytes(content)
    with pytest.raises(TemplateError, match="damaged"):
        load_template(broken)


def test_other_version_is_reported(tmp_path):
    other = tmp_path / "other.npz"
    np.savez(other, format_version=np.int32(99))
    with pytest.raises(TemplateError, match="version 99"):
        load_template(other)


def test_missing_array_is_named(tmp_path):
    with np.load(default_template_path()) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "region_contact"}
    partial = tmp_path / "partial.npz"
    np.savez(partial, **arrays)
    with pytest.raises(TemplateError, match="region_contact is missing"):
        load_template(partial)
