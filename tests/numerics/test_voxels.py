"""Sub-voxels: exact crossings, whatever the alignment of surface and grid."""

import numpy as np

from physface_blender.anatomy.voxels import Surface, classify
from tests.numerics.bodies import block_surface, slotted_block, sphere_surface


def surface(mesh, solid=False):
    return Surface(mesh.vertices, mesh.triangles, solid)


def test_volume_of_sphere_converges():
    mesh = sphere_surface(10.0)
    corners = mesh.vertices[mesh.triangles]
    volume = np.einsum("tx,tx->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    errors = []
    for edge in (1.0, 0.25):
        count = int(24 / edge)
        voxels = classify([surface(mesh)], np.full(3, -12.0), edge, (count,) * 3)
        errors.append(abs(np.count_nonzero(voxels.states & 8) * edge**3 / volume - 1.0))
    assert 0.0 < errors[0] < 0.02
    assert errors[1] < 0.002


def test_faces_edges_and_vertices_exactly_on_grid_lines():
    # Every plane of the box runs through centers of sub-voxels.
    mesh = block_surface((np.array([0.5, 2.5, 4.5]),) * 3, np.ones((2, 2, 2), dtype=bool))
    voxels = classify([surface(mesh)], np.zeros(3), 1.0, (6, 6, 6))
    tissue = voxels.states >> 3
    # 4 centers per edge of the box without its far end: half open, none counted twice, none leaking along its line.
    assert tissue.sum() == 4**3
    assert np.ptp(np.argwhere(tissue), axis=0).tolist() == [3, 3, 3]


def test_rotated_box_is_closed_along_every_line():
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    mesh = block_surface((np.linspace(-4, 4, 9),) * 3, np.ones((8, 8, 8), dtype=bool))
    mesh = mesh.with_vertices(mesh.vertices @ rotation.T)
    edge = 0.37
    voxels = classify([surface(mesh)], np.full(3, -8.1), edge, (44, 44, 44))
    centers = voxels.centers(np.stack(np.meshgrid(*[np.arange(44)] * 3, indexing="ij"), axis=3).reshape(-1, 3))
    expected = (np.abs(centers @ rotation) < 4.0).all(axis=1).reshape(44, 44, 44)
    tissue = (voxels.states >> 3).astype(bool)
    assert np.array_equal(tissue, expected)
    for axis in range(3):
        crossed = np.take((voxels.states >> axis & 1).astype(bool), np.arange(43), axis=axis)
        low = np.take(tissue, np.arange(43), axis=axis)
        high = np.take(tissue, np.arange(1, 44), axis=axis)
        assert (low != high).any()
        assert crossed[low != high].all()
        assert not crossed[low & high].any()


def test_gap_far_thinner_than_a_sub_voxel_is_seen():
    mesh = slotted_block(gap=0.004)
    voxels = classify([surface(mesh)], np.array([-1.0, -5.0, -1.0]), 0.5, (36, 20, 20))
    low, high = voxels.states[:, 10], voxels.states[:, 11]
    both = (low & 8).astype(bool) & (high & 8).astype(bool)
    x = -1.0 + (np.arange(36) + 0.5) * 0.5
    crossed = (low >> 1 & 1).astype(bool)
    assert both[(x > 0) & (x < 16)].sum() == 32 * 16
    assert crossed[(x > 0) & (x < 10.3)][:, 2:-2].all()
    assert not crossed[(x > 10.3) & (x < 16)].any()


def test_solids_and_overlaps():
    skin = block_surface((np.array([0.0, 8.0]),) * 3, np.ones((1, 1, 1), dtype=bool))
    other = skin.with_vertices(skin.vertices + np.array([4.0, 0.0, 0.0]))
    solid = skin.with_vertices(skin.vertices * 0.25 + 1.0)
    both = [surface(skin), surface(other), surface(solid, solid=True)]
    voxels = classify(both, np.full(3, -1.0), 0.5, (28, 20, 20))
    assert np.count_nonzero(voxels.states & 8) * 0.125 == 12 * 8 * 8 - 2**3
