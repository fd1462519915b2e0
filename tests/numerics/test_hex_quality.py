"""Volume ratios of deformed hexes."""

import numpy as np

from physface_blender.anatomy.hex_quality import smallest_volume_ratio

CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], dtype=float)
HEX = np.arange(8)[None]


def test_linear_maps_have_their_determinant():
    matrix = np.array([[1.2, 0.3, 0.0], [0.1, 0.8, -0.2], [0.0, 0.4, 1.5]])
    nodes = 2.5 * CORNERS @ matrix.T + 7.0
    assert np.allclose(smallest_volume_ratio(nodes, HEX, 2.5), np.linalg.det(matrix))
    assert np.allclose(smallest_volume_ratio(nodes * [-1, 1, 1], HEX, 2.5), -np.linalg.det(matrix))


def test_one_pushed_in_corner_is_seen():
    nodes = CORNERS.copy()
    nodes[0] = [0.5, 0.5, 0.5]
    dented = smallest_volume_ratio(nodes, HEX, 1.0)[0]
    nodes[0] = [1.2, 1.2, 1.2]
    folded = smallest_volume_ratio(nodes, HEX, 1.0)[0]
    assert 0.0 < dented < 1.0
    assert folded < 0.0
