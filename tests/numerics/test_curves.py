"""Performances: resampling keeps time, gaps are filled as described, bad arrays are refused."""

import numpy as np
import pytest

from physface_blender.performance.arkit import ARKIT_COUNT
from physface_blender.performance.curves import EASE_SECONDS, Performance, fill_gaps


def ramp(count: int, rate: float) -> Performance:
    """Every weight grows from 0 to 1 in proportion to time."""
    times = np.arange(count) / rate
    weights = np.repeat((times / times[-1])[:, None], ARKIT_COUNT, axis=1)
    return Performance(times, weights, np.ones(count, dtype=bool), "ramp")


@pytest.mark.parametrize("rate", [12.0, 23.976, 24.0, 25.0, 30.0, 60.0])
def test_resampling_keeps_duration_and_reproduces_a_straight_line(rate):
    source = ramp(301, 30.0)
    result = source.resample(rate)
    assert source.duration - result.duration < 1.0 / rate
    assert np.allclose(np.diff(result.times), 1.0 / rate)
    assert np.allclose(result.weights[:, 7], result.times / source.duration, atol=1e-12)
    assert result.valid.all()


def test_resampling_an_irregular_clock_goes_by_time_and_not_by_index():
    times = np.array([0.0, 0.1, 0.5, 1.0])
    weights = np.repeat((times**2)[:, None], ARKIT_COUNT, axis=1)
    source = Performance(times, weights, np.ones(4, dtype=bool), "irregular")
    result = source.resample(10.0)
    assert result.frame_count == 11
    assert np.allclose(result.weights[:, 0], np.interp(result.times, times, times**2), atol=1e-12)


def test_resampling_at_its_own_rate_changes_nothing():
    source = ramp(50, 25.0)
    result = source.resample(25.0)
    assert result.frame_count == 50
    assert np.allclose(result.weights, source.weights, atol=1e-12)


def test_resampling_marks_what_is_mixed_from_untracked_frames():
    source = ramp(10, 10.0)
    valid = source.valid.copy()
    valid[4] = False
    result = Performance(source.times, source.weights, valid, "gap").resample(20.0)
    assert np.flatnonzero(~result.valid).tolist() == [7, 8, 9]


def test_a_single_frame_resamples_to_itself():
    single = Performance(np.zeros(1), np.full((1, ARKIT_COUNT), 0.5), np.ones(1, dtype=bool), "one")
    assert single.resample(24.0).weights.tolist() == single.weights.tolist()
    assert single.frame_rate == 0.0


@pytest.mark.parametrize("rate", [0.0, -24.0, float("nan"), float("inf")])
def test_a_frame_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="frame rate must be a positive number"):
        ramp(3, 10.0).resample(rate)


@pytest.mark.parametrize(("start", "stop"), [(2, 2), (-1, 3), (0, 11), (5, 3)])
def test_a_range_outside_or_empty_is_refused(start, stop):
    with pytest.raises(ValueError, match="frame range"):
        ramp(10, 10.0).cut(start, stop)


def test_a_cut_starts_at_zero():
    piece = ramp(10, 10.0).cut(3, 7)
    assert piece.times[0] == 0.0
    assert piece.frame_count == 4
    assert np.allclose(piece.weights[0], 3.0 / 9.0)


def test_arrays_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="needs weights"):
        Performance(np.arange(3.0), np.zeros((2, ARKIT_COUNT)), np.ones(3, dtype=bool), "short")
    with pytest.raises(ValueError, match="must increase"):
        Performance(np.zeros(2), np.zeros((2, ARKIT_COUNT)), np.ones(2, dtype=bool), "still")


def test_a_short_gap_is_bridged_in_a_straight_line():
    times = np.arange(10) / 30.0
    truth = np.repeat(times[:, None], ARKIT_COUNT, axis=1)
    valid = np.ones(10, dtype=bool)
    valid[3:6] = False
    broken = np.where(valid[:, None], truth, -7.0)
    filled, gaps = fill_gaps(times, broken, valid)
    assert gaps == [(3, 6)]
    assert np.allclose(filled, truth, atol=1e-12)


def test_a_long_gap_is_held_and_then_eased():
    times = np.arange(91) / 30.0
    weights = np.zeros((91, ARKIT_COUNT))
    weights[80:] = 1.0
    valid = np.ones(91, dtype=bool)
    valid[10:80] = False
    filled, _ = fill_gaps(times, weights, valid)
    held = times[:80] <= times[80] - EASE_SECONDS
    assert np.all(filled[:80][held] == 0.0)
    eased = filled[:81, 0][times[:81] > times[80] - EASE_SECONDS]
    assert np.all(np.diff(eased) > 0.0)
    assert eased[0] < 0.1
    assert eased[-2] > 0.9


def test_gaps_at_the_ends_take_the_nearest_frame():
    times = np.arange(6.0)
    weights = np.repeat(np.array([9.0, 0.2, 0.4, 0.6, 9.0, 9.0])[:, None], ARKIT_COUNT, axis=1)
    valid = np.array([False, True, True, True, False, False])
    filled, gaps = fill_gaps(times, weights, valid)
    assert gaps == [(0, 1), (4, 6)]
    assert filled[:, 0].tolist() == [0.2, 0.2, 0.4, 0.6, 0.6, 0.6]
