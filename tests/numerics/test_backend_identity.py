"""Identities and their bound."""

import numpy as np
import pytest

from physface_blender.backend.errors import IdentityError
from physface_blender.backend.identity import COEFFICIENT_BOUND, Identity


def test_the_same_seed_gives_the_same_face_and_another_seed_another():
    first, same, other = Identity.from_seed(3), Identity.from_seed(3), Identity.from_seed(4)
    np.testing.assert_array_equal(first.coefficients, same.coefficients)
    assert np.abs(first.coefficients - other.coefficients).max() > 0.5


def test_strength_scales_and_zero_is_the_mean():
    full, half = Identity.from_seed(8), Identity.from_seed(8, 0.5)
    np.testing.assert_allclose(half.coefficients, 0.5 * full.coefficients)
    np.testing.assert_array_equal(Identity.from_seed(8, 0.0).coefficients, Identity.mean().coefficients)


def test_drawn_faces_are_as_the_model_was_trained_and_within_the_bound():
    drawn = np.concatenate([Identity.from_seed(seed, 1.6).coefficients for seed in range(200)])
    assert np.abs(drawn).max() <= COEFFICIENT_BOUND
    assert 1.45 < drawn.std() < 1.65  # 1.6 times N(0, 1), slightly cut


def test_coefficients_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Identity.from_seed(1).coefficients[0] = 2.0


@pytest.mark.parametrize(
    ("coefficients", "reason"),
    [
        (np.zeros(99), "100 coefficients"),
        (np.zeros((1, 100)), "100 coefficients"),
        (np.full(100, np.nan), "finite"),
        (np.full(100, 4.01), "standard deviations"),
        (["a"] * 100, "100 numbers"),
    ],
)
def test_bad_coefficients_are_refused_with_a_sentence(coefficients, reason):
    with pytest.raises(IdentityError, match=reason):
        Identity(coefficients)


@pytest.mark.parametrize("strength", [-0.1, 1.7, float("nan")])
def test_strength_out_of_range_is_refused(strength):
    with pytest.raises(IdentityError, match="strength"):
        Identity.from_seed(1, strength)


def test_faces_between_two_faces():
    here, there = Identity.from_seed(1), Identity(np.ones(100), np.full((5, 3), 2.0))
    np.testing.assert_array_equal(here.between(there, 0.0).coefficients, here.coefficients)
    middle = here.between(there, 0.5)
    np.testing.assert_allclose(middle.coefficients, 0.5 * here.coefficients + 0.5)
    np.testing.assert_allclose(middle.residual, 1.0)
    assert here.between(Identity.mean(), 0.5).residual is None
    with pytest.raises(IdentityError, match="0 to 1"):
        here.between(there, 1.5)
    with pytest.raises(IdentityError, match="different templates"):
        there.between(Identity(np.zeros(100), np.zeros((6, 3))), 0.5)
