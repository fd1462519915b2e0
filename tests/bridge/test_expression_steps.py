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


def test_between_leaves_no_larger_gap_and_repeats_no_end() -> None:
    start, end = np.zeros(52), np.linspace(0.0, 1.0, 52)
    passed = expression_steps.between(start, end)
    assert len(passed) == 3
    assert np.abs(np.diff([start, *passed, end], axis=0)).max() <= LARGEST_STEP + 1e-12
    assert expression_steps.between(start, 0.2 * end) == []
    assert expression_steps.between(end, end) == []
