"""The layout of the skin's quads and the walk over a surface, without any source data."""

from __future__ import annotations

import numpy as np
import pytest

from physface_blender.anatomy.mesh import Mesh
from physface_blender.training.template.topology.block_layout import BlockLayout
from physface_blender.training.template.topology.face_layout import face_layout
from physface_blender.training.template.topology.flat_map import disk_map, locate
from physface_blender.training.template.topology.relaxation import nearest_rectangles, scaled_jacobians
from physface_blender.training.template.topology.surface_walk import SurfaceWalk


def bowl(count: int = 14, depth: float = 6.0):
    """A square sheet with a deep dent; vertices, triangles and its boundary once around."""
    place = np.linspace(-1, 1, count)
    x, y = np.meshgrid(place, place, indexing="ij")
    z = -depth * np.exp(-6 * (x**2 + y**2))
    number = np.arange(count * count).reshape(count, count)
    quads = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], axis=-1).reshape(-1, 4)
    rim = np.concatenate([number[:-1, 0], number[-1, :-1], number[:0:-1, -1], number[0, :0:-1]])
    triangles = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1), triangles, rim


def test_half_a_face_is_one_disk_of_quads():
    layout = face_layout()
    count = int(layout.quads.max()) + 1
    mesh = Mesh(np.zeros((count, 3)), layout.quads)
    assert len(np.unique(mesh.directed_edges, axis=0)) == len(mesh.directed_edges)
    assert count - len(mesh.edges) + len(layout.quads) == 1
    assert set(mesh.boundary_edges.ravel()) == set(layout.middle) | set(layout.neck)
    inside = np.setdiff1d(np.arange(count), mesh.boundary_edges)
    valence = np.bincount(mesh.edges.ravel(), minlength=count)[inside]
    assert set(valence) == {3, 4, 5}


def test_blocks_that_do_not_fit_are_refused():
    layout = BlockLayout()
    bottom, right = layout.side("a", "b", 3), layout.side("b", "c", 2)
    with pytest.raises(ValueError, match="rows of quads"):
        layout.block(bottom, right, layout.side("d", "c", 4), layout.side("a", "d", 2))
    with pytest.raises(ValueError, match="has 3 edges and not 5"):
        layout.side("b", "a", 5)


def test_the_plane_shows_every_triangle_from_the_same_side():
    vertices, triangles, rim = bowl()
    flat = disk_map(vertices, triangles, rim, np.arange(len(rim)) / len(rim))
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (area > 0).all()
    share = np.random.default_rng(4).dirichlet(np.ones(3), size=len(triangles))
    index, inside = locate(np.einsum("tc,tcx->tx", share, flat[triangles]), flat, triangles, np.zeros(len(triangles)))
    assert np.array_equal(index, np.arange(len(triangles)))
    assert np.allclose(inside, share, atol=1e-6)


def test_a_walk_does_not_jump_to_another_sheet():
    lower, triangles, _ = bowl(depth=0.0)
    vertices = np.concatenate([lower, lower + np.array([0.0, 0.0, 0.1])])
    walk = SurfaceWalk(vertices, np.concatenate([triangles, triangles + len(lower)]))
    target = np.array([[0.7, -0.4, 0.09]])
    index, barycentric = walk.toward(target, np.array([0]))
    assert np.allclose(walk.places(index, barycentric), [[0.7, -0.4, 0.0]])


def test_rectangles_and_their_measure():
    square = np.array([[[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]]], dtype=np.float64)
    assert np.allclose(nearest_rectangles(square), square)
    assert scaled_jacobians(square) == pytest.approx(1.0)
    bent = square.copy()
    bent[0, 2] = [0.3, 0.3, 0]
    assert scaled_jacobians(bent)[0] < 0.0
    assert scaled_jacobians(nearest_rectangles(bent)) == pytest.approx(1.0)
