"""What counts as an expression."""

import numpy as np
import pytest

from physface_blender.backend.errors import ExpressionError
from physface_blender.backend.expression_input import validated_expression


def test_good_weights_pass_unchanged():
    weights = np.random.default_rng(0).uniform(0, 1, 52)
    np.testing.assert_array_equal(validated_expression(tuple(weights)), weights)


def test_slight_overshoot_is_clamped():
    weights = np.zeros(52)
    weights[[3, 4]] = 1.08, -0.05
    clamped = validated_expression(weights)
    assert clamped[3] == 1.0
    assert clamped[4] == 0.0


def with_weight(value):
    weights = np.zeros(52)
    weights[17] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (np.zeros(51), "52 weights"),
        (np.zeros((52, 1)), "52 weights"),
        (["smile"] * 52, "52 numbers"),
        (with_weight(np.nan), "Weight 17 .* finite"),
        (with_weight(np.inf), "Weight 17 .* finite"),
        (with_weight(1.21), "Weight 17 .* 1.21"),
        (with_weight(-0.3), "Weight 17 .* -0.3"),
        (with_weight(50.0), "Weight 17 .* 50"),
    ],
)
def test_bad_weights_are_refused_with_a_sentence(weights, reason):
    with pytest.raises(ExpressionError, match=reason):
        validated_expression(weights)
