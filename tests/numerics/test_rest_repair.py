"""Tests of freeing the rest shape of intersections."""

import numpy as np
import pytest

from physface_blender.simulation.barrier import SurfaceBarrier
from physface_blender.simulation.obstacle import REST_POSE
from physface_blender.simulation.rest_repair import RestRepairError, repair_rest

from .blocks import block_mesh, box_surface, collision_patch, lips, surface_grid


def barrier_of(geometry, nodes):
    surface = geometry.surface(nodes, REST_POSE)
    return SurfaceBarrier(surface, geometry.faces, len(geometry.skin_vertices), 0.2, 1.0), surface


def test_a_free_shape_is_left_alone():
    space, patches = lips(edge=4.0)
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    assert repair_rest(geometry, space.node_positions) is geometry


def test_teeth_that_touch_the_cheek_are_freed():
    """The corners of two teeth stick 0.4 mm out through the lining."""
    nodes, hexes, _ = block_mesh((5, 2, 5), 4.0)
    patch = surface_grid((0.0, 8.0, 0.0), (0, 0, 20), (20, 0, 0), (13, 14))
    upper = box_surface((3.0, 7.6, 3.0), (8.0, 14.0, 17.0))
    lower = box_surface((12.0, 7.6, 3.0), (17.0, 14.0, 17.0))
    geometry = collision_patch([patch], nodes, hexes, 4.0, upper=upper, lower=lower)
    barrier, surface = barrier_of(geometry, nodes)
    assert barrier.intersects(surface)
    repaired = repair_rest(geometry, nodes)
    freed = repaired.surface(nodes, REST_POSE)
    assert not barrier.intersects(freed)
    assert 1e-3 < barrier.minimum_distance(freed) < 0.2
    moved = np.linalg.norm(repaired.detail - geometry.detail, axis=1)
    assert 0.4 < moved.max() < 0.7
    assert moved.min() < 0.4 < moved.max()
    assert np.array_equal(freed[len(patch[0]) :], surface[len(patch[0]) :])


def test_lips_that_overlap_a_little_are_freed():
    space, patches = lips(edge=4.0)
    patches[0][0][:, 1] += 1.0 + 0.15 * np.sin(patches[0][0][:, 0])
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    barrier, surface = barrier_of(geometry, space.node_positions)
    assert barrier.intersects(surface)
    repaired = repair_rest(geometry, space.node_positions)
    freed = repaired.surface(space.node_positions, REST_POSE)
    assert not barrier.intersects(freed)
    assert freed[: 12 * 18, 1].mean() < freed[12 * 18 :, 1].mean()
    assert np.abs(repaired.detail - geometry.detail).max() < 0.5


def test_what_is_hopeless_is_said():
    nodes, hexes, _ = block_mesh((3, 2, 3), 4.0)
    patch = surface_grid((0.0, 8.0, 0.0), (0, 0, 12), (12, 0, 0), (8, 9))
    across = surface_grid((6.0, 0.0, -4.0), (0, 0, 20), (0, 20, 0), (3, 3))
    geometry = collision_patch([patch, across], nodes, hexes, 4.0)
    with pytest.raises(RestRepairError, match="farther than can be repaired"):
        repair_rest(geometry, nodes)
