"""Pairs of near elements: complete, followed while surfaces move, and never passed through."""

import ipctk
import numpy as np
import pytest

from physface_blender.simulation.closest_points import point_triangle, segment_segment
from physface_blender.simulation.collision_detection import free_fraction
from physface_blender.simulation.near_pairs import NearPairs

OBSTACLE_FACES = 60


@pytest.fixture(scope="module")
def soup():
    """Loose triangles in a box, the last of them obstacles: vertices, faces, edges, number of moving vertices."""
    generator = np.random.default_rng(0)
    count = 240
    vertices = (generator.uniform(0.0, 12.0, (count, 1, 3)) + generator.normal(0.0, 1.2, (count, 3, 3))).reshape(-1, 3)
    faces = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    return vertices, faces, np.asarray(ipctk.edges(faces), dtype=np.int32), 3 * (count - OBSTACLE_FACES)


def all_pairs(vertices, faces, edges, moving, reach):
    """Vertices with faces and edges with edges within reach, by measuring every pair with the reference library."""
    face_pairs, edge_pairs = set(), set()
    for face, corners in enumerate(faces):
        for vertex in range(len(vertices)):
            if vertex in corners or (vertex >= moving and corners[0] >= moving):
                continue
            if ipctk.point_triangle_distance(vertices[vertex], *vertices[corners]) <= reach**2:
                face_pairs.add((face, vertex))
    for first, ends in enumerate(edges):
        for second in range(first + 1, len(edges)):
            others = edges[second]
            if set(ends) & set(others) or (ends[0] >= moving and others[0] >= moving):
                continue
            if ipctk.edge_edge_distance(*vertices[ends], *vertices[others]) <= reach**2:
                edge_pairs.add((first, second))
    return face_pairs, edge_pairs


def as_sets(face_pairs, edge_pairs):
    """Pairs as sets, edges in ascending order; asserts that none comes twice."""
    faces = {tuple(pair) for pair in face_pairs.tolist()}
    edges = {tuple(sorted(pair)) for pair in edge_pairs.tolist()}
    assert len(faces) == len(face_pairs)
    assert len(edges) == len(edge_pairs)
    return faces, edges


def test_search_finds_every_pair_within_reach(soup):
    vertices, faces, edges, moving = soup
    near = NearPairs(faces, edges, moving)
    near.find(vertices, 0.8)
    expected = all_pairs(vertices, faces, edges, moving, 0.5)
    assert min(len(pairs) for pairs in expected) > 100
    assert as_sets(*near.within(vertices, 0.5)) == expected


def test_list_follows_surfaces_that_move(soup):
    vertices, faces, edges, moving = soup
    near = NearPairs(faces, edges, moving)
    near.find(vertices, 1.0)
    moved = vertices + np.array([3.0, 0.0, 0.0]) + np.random.default_rng(1).uniform(-0.12, 0.12, vertices.shape)
    assert near.covers(moved, 0.4)
    assert as_sets(*near.within(moved, 0.4)) == all_pairs(moved, faces, edges, moving, 0.4)
    moved[::7] += 0.4
    assert not near.covers(moved, 0.4)


def test_list_is_not_trusted_before_a_search_nor_after_a_leap(soup):
    vertices, faces, edges, moving = soup
    near = NearPairs(faces, edges, moving)
    assert not near.covers(vertices, 0.1)
    near.find(vertices, 2.0)
    leap = np.zeros_like(vertices)
    leap[:300] = [60.0, 0.0, 0.0]
    assert not near.covers(vertices + leap, 0.1)
    assert not near.covers(vertices, 0.1, leap)


def test_way_never_passes_a_contact_and_stops_near_it(soup):
    vertices, faces, edges, moving = free_of_intersection(*soup)
    way = np.random.default_rng(2).normal(0.0, 0.5, vertices.shape)
    way[moving:] = 0.0
    near = NearPairs(faces, edges, moving)
    near.find(vertices, 6.0)
    pairs = near.within(vertices, 1e-4, way)
    fraction = free_fraction(vertices, way, faces, edges, *pairs, 1e-4)
    mesh = ipctk.CollisionMesh(np.asfortranarray(vertices), np.asfortranarray(edges), np.asfortranarray(faces))
    mesh.can_collide = ipctk.make_static_obstacle_filter(moving)
    candidates = ipctk.Candidates()
    candidates.build(mesh, vertices, vertices + way, 1e-4)
    exact = candidates.compute_collision_free_stepsize(
        mesh, vertices, vertices + way, narrow_phase_ccd=ipctk.TightInclusionCCD()
    )
    assert 0.0 < exact < 1.0
    # A tenth of the gap of the pair that stops the way is kept, and more where elements turn.
    assert 0.5 * exact < fraction <= exact
    assert not ipctk.has_intersections(mesh, vertices + fraction * way)
    assert free_fraction(vertices, np.zeros_like(way), faces, edges, *pairs, 1e-4) == 1.0


def free_of_intersection(vertices, faces, edges, moving):
    """The triangles of a soup that intersect no other."""
    kept = []
    for face in range(len(faces)):
        mesh_faces = np.asfortranarray(np.arange(3 * (len(kept) + 1), dtype=np.int32).reshape(-1, 3))
        trial = np.asfortranarray(vertices[faces[[*kept, face]]].reshape(-1, 3))
        mesh = ipctk.CollisionMesh(trial, np.asfortranarray(ipctk.edges(mesh_faces)), mesh_faces)
        if not ipctk.has_intersections(mesh, trial):
            kept.append(face)
    fixed = sum(faces[face, 0] >= moving for face in kept)
    chosen = np.ascontiguousarray(vertices[faces[kept]].reshape(-1, 3))
    renumbered = np.arange(len(chosen), dtype=np.int32).reshape(-1, 3)
    return chosen, renumbered, np.asarray(ipctk.edges(renumbered), dtype=np.int32), len(chosen) - 3 * fixed


@pytest.mark.parametrize("seed", range(4))
def test_closest_points_against_the_reference(seed):
    generator = np.random.default_rng(seed)
    for _ in range(200):
        x = generator.normal(size=(4, 3))
        if generator.random() < 0.2:
            x[3] = x[2] + 2.0 * (x[1] - x[0])  # parallel edges
        weights = np.empty(4)
        square = point_triangle(x, 0, 1, 2, 3, weights)
        assert square == pytest.approx(ipctk.point_triangle_distance(*x), rel=1e-9)
        assert np.linalg.norm(weights @ x) ** 2 == pytest.approx(square, rel=1e-9)
        assert weights.sum() == pytest.approx(0.0, abs=1e-12)
        square = segment_segment(x, 0, 1, 2, 3, weights)
        assert square == pytest.approx(ipctk.edge_edge_distance(*x), rel=1e-6)
        assert np.linalg.norm(weights @ x) ** 2 == pytest.approx(square, rel=1e-9)
        assert weights[:2].sum() == pytest.approx(1.0, abs=1e-12)
        assert weights[2:].sum() == pytest.approx(-1.0, abs=1e-12)
