"""The geometry that the template is built with, against shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from physface_blender.anatomy.mesh import Mesh
from physface_blender.anatomy.nearest_surface import nearest_on_surface
from physface_blender.anatomy.surface_binding import SurfaceBinding
from physface_blender.training.template.clearance import cleared_contact
from physface_blender.training.template.distance_field import DistanceField
from physface_blender.training.template.eyes import PROFILE_DEGREES, Eyeball
from physface_blender.training.template.face_source import mirror_permutation, symmetrized
from physface_blender.training.template.outer_skin import boundary_loops
from physface_blender.training.template.signed_field import Grid, signed_distance
from physface_blender.training.template.surface_nets import extract_surface, without_ambiguity
from physface_blender.training.template.winding import winding_numbers

RADIUS = 9.0


@pytest.fixture(scope="module")
def ball() -> Mesh:
    """A ball of known radius from the eye's own mesh maker: closed, with triangles at its poles."""
    mesh, _ = Eyeball(np.zeros(3), np.array([0.0, 0.0, 1.0]), np.full(len(PROFILE_DEGREES), RADIUS)).mesh()
    return mesh


def sheet(height: float, facing: float, count: int = 13, size: float = 12.0) -> Mesh:
    """A square of quads at a height, its normal up or down."""
    place = np.linspace(-size / 2, size / 2, count)
    x, z = np.meshgrid(place, place, indexing="ij")
    number = np.arange(count * count).reshape(count, count)
    faces = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=-1).reshape(-1, 4)
    faces = faces if facing > 0 else faces[:, ::-1]
    return Mesh(np.column_stack([x.ravel(), np.full(x.size, height), z.ravel()]), faces.astype(np.int32))


def test_signed_distance_of_a_ball(ball):
    grid = Grid.around(ball.vertices, 0.5, 2.0)
    field = signed_distance(ball.vertices, ball.triangles, grid, 1.5)
    expected = np.linalg.norm(grid.points(), axis=-1) - RADIUS
    near = np.abs(expected) < 1.2
    # The polyhedron lies inside the ball by its sagitta, at most 0.2 mm here.
    assert np.abs(field - expected)[near].max() < 0.25
    assert np.abs(field[~near]).min() > 0.9


def test_overlapping_bodies_are_one_body(ball):
    vertices = np.concatenate([ball.vertices, ball.vertices + np.array([3.0, 0.0, 0.0])])
    triangles = np.concatenate([ball.triangles, ball.triangles + len(ball.vertices)])
    field = signed_distance(vertices, triangles, Grid(np.array([1.4, 0.1, 0.1]), 0.1, (2, 2, 2)), 2.0)
    assert (field < 0).all()


def test_surface_of_a_field_is_closed_and_lies_on_it():
    grid = Grid(np.full(3, -12.0), 0.75, (33, 33, 33))
    field = np.linalg.norm(grid.points(), axis=-1) - RADIUS
    vertices, triangles = extract_surface(field, grid)
    mesh = Mesh(vertices, np.column_stack([triangles, np.full(len(triangles), -1)]).astype(np.int32))
    assert len(mesh.boundary_edges) == 0
    assert len(vertices) - len(mesh.edges) + len(triangles) == 2
    assert np.abs(np.linalg.norm(vertices, axis=1) - RADIUS).max() < 0.08
    assert (np.einsum("vx,vx->v", mesh.vertex_normals, vertices) > 0).all()


def test_pinched_cells_are_opened():
    generator = np.random.default_rng(3)
    grid = Grid(np.zeros(3), 1.0, (14, 14, 14))
    field = np.ones(grid.shape)
    field[2:-2, 2:-2, 2:-2] = generator.choice([-1.0, 1.0], (10, 10, 10))

    def edge_counts(values):
        _, triangles = extract_surface(values, grid)
        sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        return np.unique(np.unique(sides, axis=0, return_counts=True)[1])

    assert edge_counts(field).max() > 2
    assert edge_counts(without_ambiguity(field, 1.0)).tolist() == [2]


def test_nearest_points_agree_with_trying_every_triangle(ball):
    points = np.random.default_rng(1).normal(size=(60, 3)) * 8
    hits = nearest_on_surface(points, ball.vertices, ball.triangles)
    foot = hits.interpolate(ball.vertices, ball.triangles)
    assert np.allclose(np.linalg.norm(points - foot, axis=1), hits.distances)
    corners = ball.vertices[ball.triangles]
    share = np.random.default_rng(2).dirichlet(np.ones(3), size=200)
    dense = np.einsum("sc,tcx->tsx", share, corners).reshape(-1, 3)
    for point, distance in zip(points, hits.distances, strict=True):
        sampled = np.linalg.norm(dense - point, axis=1).min()
        assert distance <= sampled + 1e-9
        assert sampled - distance < 0.3


def test_winding_numbers_tell_inside_from_outside(ball):
    inside, outside = np.array([[0.0, 0.0, 0.0], [4.0, 2.0, 1.0]]), np.array([[10.0, 0.0, 0.0], [0.0, -11.0, 3.0]])
    assert np.allclose(winding_numbers(inside, ball.vertices, ball.triangles), 1)
    assert np.allclose(winding_numbers(outside, ball.vertices, ball.triangles), 0, atol=1e-9)


def test_way_out_leads_to_the_gap(ball):
    field = DistanceField(ball)
    points = np.array([[8.5, 0.3, 0.2], [0.2, 9.1, 0.4], [0.0, 0.1, 10.5]])
    moved = points + field.way_out(points, 0.5)
    assert np.allclose(np.linalg.norm(moved[:2], axis=1), RADIUS + 0.5, atol=0.25)
    assert np.array_equal(moved[2], points[2])


def test_crossing_sheets_are_parted_and_moved_off_a_tooth(ball):
    # Air lies between the sheets where they do not cross: the lower looks up, the upper looks down.
    lower, upper = sheet(0.05, 1.0), sheet(-0.05, -1.0)
    vertices = np.concatenate([lower.vertices, upper.vertices])
    mesh = Mesh(vertices, np.concatenate([lower.faces, upper.faces + len(lower.vertices)]).astype(np.int32))
    far = ball.with_vertices(ball.vertices + np.array([0.0, RADIUS + 30.0, 0.0]))
    cleared = cleared_contact(mesh, np.ones(len(vertices), dtype=bool), [far])
    count = len(lower.vertices)
    assert (cleared[count:, 1].min() - cleared[:count, 1].max()) > 0.05

    near = ball.with_vertices(ball.vertices + np.array([0.0, RADIUS - 0.4, 0.0]))
    bent = cleared_contact(lower, np.ones(count, dtype=bool), [near])
    assert np.linalg.norm(bent - [0.0, RADIUS - 0.4, 0.0], axis=1).min() > RADIUS + 0.2
    assert np.abs(bent[:, 1] - 0.05)[np.abs(lower.vertices[:, 0]) > 5.9].max() < 0.2


def test_mirroring_needs_pairs():
    pair = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.02], [0.01, 2.0, 0.0]])
    assert mirror_permutation(pair).tolist() == [1, 0, 2]
    result = symmetrized(pair)
    assert np.array_equal(result[0] * [-1, 1, 1], result[1])
    assert result[2, 0] == 0
    with pytest.raises(ValueError, match="not symmetric"):
        mirror_permutation(np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [-1.4, 0.0, 0.0]]))


def test_boundary_loops_follow_the_faces(ball):
    open_ball = Mesh(ball.vertices, ball.faces[ball.faces[:, 3] >= 0])
    loops = boundary_loops(open_ball)
    assert [len(loop) for loop in loops] == [32, 32]
    sides = {tuple(side) for side in open_ball.directed_edges.tolist()}
    for loop in loops:
        assert all((int(a), int(b)) in sides for a, b in zip(loop, np.roll(loop, -1), strict=True))


def test_a_bound_point_keeps_its_offset_when_the_triangle_grows():
    triangle = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    binding = SurfaceBinding.bind(
        np.array([[0.2, 0.2, 0.5]]), triangle, np.array([[0, 1, 2]]), np.array([[0.6, 0.2, 0.2]])
    )
    assert np.allclose(binding.apply(triangle * 3), [[0.6, 0.6, 0.5]])
    assert np.allclose(binding.apply(np.zeros((3, 3))), 0)


def test_eyeball_has_its_profile_and_rings():
    radii = np.where(PROFILE_DEGREES < 30, 17.0, 15.0)
    eye = Eyeball(np.array([30.0, 36.0, 79.0]), np.array([0.0, 0.0, 1.0]), radii)
    mesh, materials = eye.mesh()
    distance = np.linalg.norm(mesh.vertices - eye.center, axis=1)
    assert np.allclose(distance, eye.radius_toward(mesh.vertices), atol=1e-6)
    aside = np.linalg.norm((mesh.vertices - eye.center)[:, :2], axis=1)
    corners = np.where(mesh.faces < 0, mesh.faces[:, :1], mesh.faces)
    assert aside[corners[materials == 2]].max() < aside[corners[materials == 1]].max() < 7
    assert set(materials.tolist()) == {0, 1, 2}
    assert np.allclose(eye.mirrored().center, [-30, 36, 79])
