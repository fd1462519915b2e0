import numpy as np
import pytest

from physface_blender.performance.arkit import ARKIT_INDEX, GROUPS
from physface_blender.performance.curves import Performance
from physface_blender.performance.live_link_face import CaptureError, read_live_link_face
from physface_blender.performance.live_link_face_writer import write_live_link_face
from physface_blender.performance.retarget import Retargeting

JAW, BLINK = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["eyeBlinkLeft"]


def performed(seconds: float = 2.0, rate: float = 60.0) -> Performance:
    """A jaw that opens steadily and an eye that blinks once in the middle."""
    times = np.arange(round(seconds * rate) + 1) / rate
    weights = np.zeros((len(times), 52))
    weights[:, JAW] = 0.8 * times / seconds
    weights[:, BLINK] = np.exp(-(((times - seconds / 2) / 0.05) ** 2))
    return Performance(times, weights, np.ones(len(times), dtype=bool), "take")


def test_nothing_asked_is_the_performance_at_the_new_rate() -> None:
    source = performed()
    assert np.allclose(Retargeting().applied(source, 24.0).weights, source.resample(24.0).weights)


def test_a_gain_is_of_its_group_alone_and_clamped() -> None:
    fitted = Retargeting(gains={"jaw": 2.0, "eyes": 0.5}).applied(performed(), 60.0)
    assert fitted.weights[:, JAW].max() == 1.0
    assert fitted.weights[30, JAW] == pytest.approx(2.0 * performed().weights[30, JAW])
    assert fitted.weights[:, BLINK].max() == pytest.approx(0.5)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_changes_the_duration_and_not_the_course(speed) -> None:
    fitted = Retargeting(speed=speed).applied(performed(), 60.0)
    assert fitted.duration == pytest.approx(2.0 / speed, abs=1.0 / 60.0)
    assert fitted.weights[-1, JAW] == pytest.approx(0.8)
    assert fitted.weights[len(fitted.times) // 2, JAW] == pytest.approx(0.4, abs=0.01)


def test_smoothing_takes_jitter_away_and_leaves_peaks_and_ends_in_place() -> None:
    source = performed()
    jitter = 0.02 * np.random.default_rng(0).normal(size=source.weights.shape)
    shaken = Performance(source.times, np.clip(source.weights + jitter, 0.0, 1.0), source.valid, "take")
    smooth = Retargeting(smoothing_seconds=0.05).applied(shaken, 60.0).weights
    steps = np.abs(np.diff(smooth[:, JAW], n=2)).max()
    assert steps < 0.1 * np.abs(np.diff(shaken.weights[:, JAW], n=2)).max()
    assert abs(int(smooth[:, BLINK].argmax()) - 60) <= 1
    still = np.full((10, 52), 0.3)
    held = Retargeting(smoothing_seconds=0.2).applied(
        Performance(np.arange(10) / 60.0, still, np.ones(10, dtype=bool), "still"), 60.0
    )
    assert np.allclose(held.weights, 0.3)


@pytest.mark.parametrize(
    "wrong", [{"gains": {"ears": 1.0}}, {"gains": {"jaw": -1.0}}, {"smoothing_seconds": np.nan}, {"speed": 0.0}]
)
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"must be|There is no group"):
        Retargeting(**wrong)


@pytest.mark.parametrize("rate", [24.0, 30.0 / 1.001, 60.0])
def test_what_is_written_is_read_back(tmp_path, rate) -> None:
    count = round(2.5 * rate)
    weights = np.random.default_rng(1).uniform(size=(count, 52))
    for side in ("Left", "Right"):  # a mouth stretches to where it moves, by which the reader tells the sides
        weights[:, ARKIT_INDEX[f"mouthStretch{side}"]] = weights[:, ARKIT_INDEX[f"mouth{side}"]]
    path = tmp_path / "out.csv"
    write_live_link_face(Performance(np.arange(count) / rate, weights, np.ones(count, dtype=bool), "out"), path)
    again = read_live_link_face(path)
    assert np.allclose(again.times, np.arange(count) / rate, atol=1e-4)
    assert np.allclose(again.weights, weights, atol=1e-6)
    assert not any("swapped" in message for message in again.messages)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path) -> None:
    with pytest.raises(CaptureError, match="cannot be written"):
        write_live_link_face(performed(), tmp_path / "gone" / "out.csv")


def test_all_groups_can_have_a_gain() -> None:
    Retargeting(gains=dict.fromkeys(GROUPS, 1.5))
