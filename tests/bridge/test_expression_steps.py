import numpy as np

from physface_blender.blender import expression_steps
from physface_blender.blender.expression_steps import LARGEST_STEP


def test_stepping_toward_an_expression_arrives_on_the_straight_line() -> None:
    target = np.random.default_rng(0).uniform(size=52)
    current, count = np.zeros(52), 0
    while not np.array_equal(current, target):
        following = expression_steps.toward(current, target)
        assert np.abs(following - current).max() <= LARGEST_STEP + 1e-12
        assert np.allclose(following / target, (following / target)[0])
        current, count = following, count + 1
    assert count == np.ceil(target.max() / LARGEST_STEP)
