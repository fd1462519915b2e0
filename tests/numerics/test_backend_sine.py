"""The fast sine of the network's layers."""

import numpy as np

from physface_blender.backend.sine import overwrite_with_sine


def test_it_is_the_sine_to_rounding():
    """Numbers of single precision carry seven digits; a sine that is 2e-7 off has lost none of them."""
    for largest in (1e-3, 40.0, 1e4):
        numbers = np.linspace(-largest, largest, 100_001).astype(np.float32)
        values = numbers.copy()
        overwrite_with_sine(values)
        exact = np.sin(numbers.astype(np.float64))
        assert np.abs(values - exact).max() < 2e-7
        assert np.ptp(exact) > 1e-3


def test_small_numbers_keep_their_digits():
    numbers = np.float32(10.0) ** np.arange(-30, -4, dtype=np.float32)
    values = numbers.copy()
    overwrite_with_sine(values)
    np.testing.assert_allclose(values, numbers, rtol=1e-6)
