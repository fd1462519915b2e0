"""Cells split by connected material."""

import numpy as np
import pytest

from physface_blender.anatomy.pieces import split_cells
from tests.numerics.bodies import SLOT_Y, block_surface, slotted_block, sphere_surface, tissue_of


@pytest.mark.parametrize("gap", [0.3, 0.01])
@pytest.mark.parametrize(("edge", "division"), [(2.0, 4), (3.0, 6)])
def test_slot_splits_cells_and_only_its_end_joins_them(gap, edge, division):
    tissue = tissue_of(slotted_block(gap), edge, division)
    split = tissue.split
    center = _tissue_centers(tissue)
    upper, lower = center[:, 1] > SLOT_Y, center[:, 1] < SLOT_Y
    before = (split.cells[:, 0] + 1) * edge + tissue.voxels.origin[0] < 10.3
    at_slot = np.abs((split.cells[:, 1] + 0.5) * edge + tissue.voxels.origin[1] - SLOT_Y) < edge / 2
    # Above and below the slot are two hexes at one place ...
    cells, counts = np.unique(split.cells[before & at_slot], axis=0, return_counts=True)
    assert len(cells) > 0
    assert (counts == 2).all()
    # ... that share no node before the slot ends.
    shared = np.intersect1d(split.hexes[upper & before], split.hexes[lower & before])
    positions = tissue.node_positions[shared]
    assert (positions[:, 0] > 10.3 - edge).all()
    # One body all the same.
    behind = split.cells[:, 0] * edge + tissue.voxels.origin[0] >= 10.3
    joined = np.intersect1d(split.hexes[upper & behind], split.hexes[lower & behind])
    assert len(joined) > 0


def test_block_without_slot_is_a_plain_grid():
    body = block_surface((np.linspace(0.0, 8.0, 5),) * 3, np.ones((4, 4, 4), dtype=bool))
    split = tissue_of(body, 2.0, 4).split
    assert len(split.hexes) == 4**3
    assert len(split.node_cells) == 5**3
    assert (split.fill == 1.0).all()
    offset = split.node_cells[split.hexes] - split.cells[:, None]
    assert np.array_equal(offset, np.broadcast_to([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], offset.shape))


def test_volume_by_fill_converges():
    exact = 4.0 / 3.0 * np.pi * 10.0**3
    errors = []
    for edge in (5.0, 2.0):
        split = tissue_of(sphere_surface(10.0), edge, int(2 * edge)).split
        errors.append(abs(split.fill.sum() * edge**3 / exact - 1.0))
    assert errors[1] < errors[0] < 0.05
    assert errors[1] < 0.01


def test_islands_are_left_out():
    xs = np.array([0.0, 8.0, 9.0, 12.0])
    occupied = np.ones((3, 1, 1), dtype=bool)
    occupied[1] = False
    body = block_surface((xs, np.array([0.0, 8.0]), np.array([0.0, 8.0])), occupied)
    split = tissue_of(body, 2.0, 4).split
    assert split.cells[:, 0].max() * 2.0 < 12.0
    assert len(split.hexes) == 4**3


def test_slivers_are_left_out():
    body = block_surface((np.array([0.0, 8.01]), np.array([0.0, 8.0]), np.array([0.0, 8.0])), np.ones((1, 1, 1), bool))
    split = tissue_of(body, 2.0, 4).split
    assert len(split.hexes) == 4**3


def test_nothing_to_split_is_an_error():
    tissue = tissue_of(sphere_surface(5.0, rings=10), 2.0, 4)
    with pytest.raises(ValueError, match="no soft tissue"):
        split_cells(tissue.voxels, 4, np.zeros_like(tissue.beyond))


def _tissue_centers(tissue):
    """The mean of the sub-voxels of every hex."""
    split, division = tissue.split, tissue.division
    index = np.argwhere(split.labels > 0)
    cell = tuple((index // division).T)
    hexes = split.piece_hexes[split.first_piece[cell] + split.labels[tuple(index.T)] - 1]
    centers = tissue.voxels.centers(index)[hexes >= 0]
    hexes = hexes[hexes >= 0]
    count = np.bincount(hexes, minlength=len(split.hexes))
    return np.stack([np.bincount(hexes, weights=centers[:, a]) for a in range(3)], axis=1) / count[:, None]
