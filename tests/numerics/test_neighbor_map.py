"""t-SNE: what is far apart stays so, and neighbours stay neighbours."""

import numpy as np

from physface_blender.evaluation.neighbor_map import neighbor_map
from physface_blender.training.style.reconstruction import silhouette


def test_clusters_stay_apart_and_mixed_ones_mixed():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    mixed = random.standard_normal((120, 10))
    apart = mixed + 10.0 * np.eye(10)[labels]
    assert silhouette(neighbor_map(apart), labels) > 0.6
    assert silhouette(neighbor_map(mixed), labels) < 0.1


def test_the_same_seed_gives_the_same_places():
    points = np.random.default_rng(1).standard_normal((100, 4))
    assert np.array_equal(neighbor_map(points, seed=3), neighbor_map(points, seed=3))
