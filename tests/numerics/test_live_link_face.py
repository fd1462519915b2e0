"""Live Link Face captures: true seconds, gaps, swapped sides, and a sentence for every broken file."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from physface_blender.performance.arkit import ARKIT_INDEX, ARKIT_NAMES
from physface_blender.performance.live_link_face import CaptureError, read_live_link_face

SOURCE_CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "captures"
TAKES = ("S07-001", "alex_rom_3", "alex_rom_4", "apfel", "facial")


def capitalized(name: str) -> str:
    return name[0].upper() + name[1:]


def take(count: int = 120, seed: int = 3) -> np.ndarray:
    """(count, 52) smooth weights whose mouth and jaw go to the side that stretches."""
    rng = np.random.default_rng(seed)
    time = np.arange(count) / 30.0
    phase = rng.uniform(0.0, 6.0, 52)
    weights = 0.3 + 0.2 * np.sin(time[:, None] * (1.0 + np.arange(52) / 52.0) + phase)
    side = np.sin(2.0 * time)
    for stem, gain in (("mouth", 0.4), ("jaw", 0.2), ("mouthStretch", 0.3)):
        weights[:, ARKIT_INDEX[stem + "Left"]] = gain * np.maximum(side, 0.0)
        weights[:, ARKIT_INDEX[stem + "Right"]] = gain * np.maximum(-side, 0.0)
    return weights


def swapped(weights: np.ndarray) -> np.ndarray:
    order = np.arange(52)
    for stem in ("mouth", "jaw"):
        left, right = ARKIT_INDEX[stem + "Left"], ARKIT_INDEX[stem + "Right"]
        order[left], order[right] = right, left
    return weights[:, order]


def timecode(seconds: float, frame_count: int) -> str:
    whole, part = divmod(round(seconds * 1e6), 1_000_000)
    return f"{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{part * frame_count / 1e6:06.3f}"


def write(
    path: Path,
    weights: np.ndarray,
    *,
    names: tuple[str, ...] = tuple(capitalized(name) for name in ARKIT_NAMES),
    start: float = 47267.3,
    rate: float = 30.0,
    frame_count: int = 60,
    lost: tuple[int, ...] = (),
    edit=None,
) -> Path:
    """A capture file as the app writes it; `edit` may change its list of lines."""
    lines = [",".join(("Timecode", "BlendShapeCount", *names, "HeadYaw", "LeftEyeYaw"))]
    for index, row in enumerate(weights):
        stamp = timecode(start + index / rate, frame_count)
        cells = [] if index in lost else [f"{value:.10f}" for value in (*row, 0.1, 0.2)]
        lines.append(",".join((stamp, "0" if index in lost else "61", *cells)))
    if edit is not None:
        lines = edit(lines)
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TAKES)
def test_real_takes_agree_with_their_cleaned_copies(name):
    raw, cleaned = SOURCE_CAPTURES / f"{name}.csv.gz", SOURCE_CAPTURES / f"llf_{name}.npz"
    if not raw.exists() or not cleaned.exists():
        pytest.skip(f"needs the source captures in {SOURCE_CAPTURES}")
    performance = read_live_link_face(raw)
    truth = np.load(cleaned)
    assert tuple(truth["names"]) == ARKIT_NAMES
    assert np.array_equal(performance.valid, truth["valid"])
    assert np.abs(performance.times - truth["t"]).max() < 1e-5
    expected = np.clip(truth["W"], 0.0, 1.0)[truth["valid"]]
    assert np.abs(performance.weights[truth["valid"]] - expected).max() < 1e-6
    assert any("swapped" in message for message in performance.messages)
    assert abs(performance.frame_rate - 30.0) < 0.05


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".CSV"])
@pytest.mark.parametrize("spell", [capitalized, str, str.upper])
def test_a_clean_take_is_read_exactly(tmp_path, suffix, spell):
    weights = take()
    path = write(tmp_path / f"clean{suffix}", weights, names=tuple(spell(name) for name in ARKIT_NAMES))
    performance = read_live_link_face(path)
    assert performance.name == "clean"
    assert np.abs(performance.weights - weights).max() < 1e-9
    assert np.abs(performance.times - np.arange(120) / 30.0).max() < 1e-4
    assert performance.valid.all()
    assert not any("swapped" in message for message in performance.messages)


@pytest.mark.parametrize(
    ("rate", "frame_count"), [(30.0, 60), (60.0, 60), (24.0, 24), (25.0, 25), (30.0, 30), (15.0, 60)]
)
def test_times_are_true_seconds_whatever_the_timecode_counts(tmp_path, rate, frame_count):
    path = write(tmp_path / "clock.csv", take(), rate=rate, frame_count=frame_count)
    performance = read_live_link_face(path)
    assert np.abs(performance.times - np.arange(120) / rate).max() < 1e-4
    assert any("true seconds" in message for message in performance.messages) == (rate != frame_count)


def test_a_take_across_midnight_runs_on(tmp_path):
    performance = read_live_link_face(write(tmp_path / "night.csv", take(), start=86398.0))
    assert np.abs(performance.times - np.arange(120) / 30.0).max() < 1e-4


def test_swapped_sides_are_noticed_and_put_right(tmp_path):
    weights = take()
    performance = read_live_link_face(write(tmp_path / "swapped.csv", swapped(weights)))
    assert np.abs(performance.weights - weights).max() < 1e-9
    assert any("JawLeft/JawRight and MouthLeft/MouthRight are swapped" in m for m in performance.messages)


def test_a_still_excerpt_is_judged_by_the_column_order_of_the_app(tmp_path):
    names = list(ARKIT_NAMES)
    for stem in ("jaw", "mouth"):
        left, right = names.index(stem + "Left"), names.index(stem + "Right")
        names[left], names[right] = names[right], names[left]
    row = np.zeros((5, 52))
    row[:, names.index("mouthLeft")] = 0.4
    performance = read_live_link_face(write(tmp_path / "still.csv", row, names=tuple(names)))
    assert np.allclose(performance.weights[:, ARKIT_INDEX["mouthRight"]], 0.4)
    assert np.allclose(performance.weights[:, ARKIT_INDEX["mouthLeft"]], 0.0)


def test_lost_tracking_becomes_a_marked_gap(tmp_path):
    weights = take()
    performance = read_live_link_face(write(tmp_path / "gap.csv", weights, lost=(40, 41, 42)))
    assert np.flatnonzero(~performance.valid).tolist() == [40, 41, 42]
    bridge = weights[39] + (weights[43] - weights[39]) * np.array([[0.25], [0.5], [0.75]])
    assert np.abs(performance.weights[40:43] - bridge).max() < 1e-4
    assert any("Tracking was lost in 3 frames (1 gap, the longest 3 frames" in m for m in performance.messages)


def test_a_hole_in_the_timecode_is_a_gap_too(tmp_path):
    path = write(tmp_path / "hole.csv", take(), edit=lambda lines: lines[:50] + lines[80:])
    performance = read_live_link_face(path)
    assert np.flatnonzero(~performance.valid).tolist() == list(range(49, 79))
    assert np.abs(performance.times - np.arange(120) / 30.0).max() < 1e-3


def test_weights_above_one_are_clamped_with_a_message(tmp_path):
    weights = take()
    weights[5, 10] = 1.08
    performance = read_live_link_face(write(tmp_path / "high.csv", weights))
    assert performance.weights.max() == 1.0
    assert any("1 weights lie outside 0 to 1 (up to 1.080)" in m for m in performance.messages)


def test_a_repeated_line_is_left_out(tmp_path):
    path = write(tmp_path / "twice.csv", take(), edit=lambda lines: lines[:31] + lines[30:])
    performance = read_live_link_face(path)
    assert performance.frame_count == 120
    assert any("repeat a timecode" in message for message in performance.messages)


def cut_cells(lines: list[str]) -> list[str]:
    lines[20] = ",".join(lines[20].split(",")[:30])
    return lines


def put(line: int, column: int, text: str):
    def edit(lines: list[str]) -> list[str]:
        cells = lines[line].split(",")
        cells[column] = text
        lines[line] = ",".join(cells)
        return lines

    return edit


def drop_column(lines: list[str]) -> list[str]:
    return [",".join(line.split(",")[:5] + line.split(",")[6:]) for line in lines]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda lines: [], "is empty"),
        (lambda lines: lines[:1], "header but no frames"),
        (lambda lines: lines[1:], "does not start with a Timecode column"),
        (cut_cells, "line 21 has 30 columns where the header has 56"),
        (drop_column, r"lacks 1 of the 52 ARKit columns \(browOuterUpLeft\)"),
        (put(20, 7, "abc"), r"line 21, column 8 \(cheekPuff\) holds 'abc'"),
        (put(20, 7, "nan"), r"holds 'nan'; a weight must be a number from 0 to 1"),
        (put(20, 7, "55.0"), r"holds '55.0'"),
        (put(20, 7, ""), r"line 21, column 8 \(cheekPuff\) holds ''"),
        (put(20, 0, "noon"), r"line 21, column 1 \(Timecode\) holds 'noon'"),
        (put(0, 8, "BrowDownLeft"), r"two columns named browDownLeft \(line 1, column 9\)"),
        (lambda lines: [lines[0], *lines[60:80], *lines[1:60]], "earlier than that of the frame before"),
    ],
)
def test_broken_files_get_one_sentence(tmp_path, edit, sentence):
    path = write(tmp_path / "broken.csv", take(), edit=edit)
    with pytest.raises(CaptureError, match=sentence) as caught:
        read_live_link_face(path)
    assert "broken.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_take_without_any_tracked_frame_is_refused(tmp_path):
    path = write(tmp_path / "dark.csv", take(10), lost=tuple(range(10)))
    with pytest.raises(CaptureError, match="tracking was lost in all of them"):
        read_live_link_face(path)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfeT\x00i\x00m\x00e\x00", "not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8 text"),
        (b"\x1f\x8b\x08\x00broken", "damaged or incomplete gzip"),
        (b"", "is empty"),
    ],
)
def test_files_that_are_no_csv_get_one_sentence(tmp_path, data, sentence):
    path = tmp_path / "other.csv"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=sentence):
        read_live_link_face(path)


def test_a_cut_gzip_file_gets_one_sentence(tmp_path):
    whole = write(tmp_path / "whole.csv.gz", take()).read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CaptureError, match="damaged or incomplete gzip"):
        read_live_link_face(tmp_path / "cut.csv.gz")


def test_a_missing_file_and_a_folder_get_one_sentence(tmp_path):
    with pytest.raises(CaptureError, match="no capture file"):
        read_live_link_face(tmp_path / "nowhere.csv")
    with pytest.raises(CaptureError, match="is a folder"):
        read_live_link_face(tmp_path)
