"""Reader of the CSV files that Epic's Live Link Face app (and apps like it) write.

One header line, then one line per captured frame: ``Timecode, BlendShapeCount``, the 52 weights, and
head and eye angles that are not read here. What such files are like in practice, and what is done:

- The first letters of the names are capitalized, or not: any capitalization is read.
- Timecode is ``HH:MM:SS:FF.fff`` whose frames are counted at 60 a second while the capture runs at
  about 30: the count is found from the file itself, and the times are true seconds.
- A line of timecode and a zero count is a frame in which the face was lost: a gap (see ``curves``).
- Weights go a little above 1: clamped.
- JawLeft/JawRight and MouthLeft/MouthRight are swapped against every other left-right pair: noticed
  by the correlation of mouth left-right with mouthStretch left-right, and swapped back. An excerpt
  too short or still to tell is judged by the order of its columns: the app writes just these two
  pairs with Right first.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arkit import ARKIT_COUNT, ARKIT_INDEX, ARKIT_NAMES, find_arkit_name, mirror_name
from .curves import Performance, fill_gaps

LARGEST_WEIGHT = 2.0
"""Weights beyond this are another unit (percent, perhaps), not an overshoot."""

DROPOUT_SECONDS = 0.5
"""Two lines further apart than this have a gap between them, even without a line that says so."""

_TIMECODE = re.compile(r"^\s*(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)\s*$")
_FRAME_COUNTS = (24, 25, 30, 48, 50, 60, 100, 120, 240)
_LIVE_LINK_FACE_FRAME_COUNT = 60
_SIGNAL = 0.003
_CLEAR_CORRELATION = 0.5


class CaptureError(Exception):
    """A capture that cannot be read. The text is one sentence for the user: what came, what is allowed."""


def read_live_link_face(path: Path | str) -> Performance:
    """Read a Live Link Face capture, ``.csv`` or ``.csv.gz``.

    Args:
        path: The file.

    Returns:
        The performance at the capture's own rate, gaps filled and marked, with messages.

    Raises:
        CaptureError: The file is missing, is not such a CSV, or a line of it is broken.
    """
    path = Path(path)
    lines = _read_lines(path)
    columns, header_length = _find_columns(path.name, lines)
    clock, weights, tracked = _read_rows(path.name, lines, columns, header_length)
    messages: list[str] = []

    seconds, frames = clock[:, 0], clock[:, 1]
    frame_count, known = _timecode_frames_per_second(seconds, frames)
    times = seconds + frames / frame_count
    times = times + 86400.0 * np.cumsum(np.concatenate(([0], np.diff(times) < -43200.0)))
    times, weights, tracked = _increasing(path.name, times, weights, tracked, messages)
    rate = 1.0 / np.median(np.diff(times)) if len(times) > 1 else 0.0
    if len(times) > 1 and abs(rate - frame_count) > 0.02 * frame_count:
        certainty = "counts" if known else "is taken to count"
        messages.append(
            f"The timecode {certainty} {frame_count} frames a second, the capture runs at {rate:.2f}: "
            "true seconds are used."
        )
    weights = _clamp(weights, tracked, messages)
    weights = _unswap_sides(weights, tracked, _writes_right_first(columns), messages)
    times, weights, tracked = _open_dropouts(times, weights, tracked)
    weights, gaps = fill_gaps(times, weights, tracked)
    if gaps:
        longest = max(gaps, key=lambda gap: gap[1] - gap[0])
        messages.append(
            f"Tracking was lost in {int((~tracked).sum())} frames ({len(gaps)} "
            f"{'gap' if len(gaps) == 1 else 'gaps'}, the longest {longest[1] - longest[0]} frames at "
            f"{times[longest[0]] - times[0]:.2f} s): they are filled in and marked as not tracked."
        )
    name = re.sub(r"(\.csv)?(\.gz)?$", "", path.name, flags=re.IGNORECASE) or path.name
    return Performance(times - times[0], weights, tracked, name, tuple(messages))


def _read_lines(path: Path) -> list[list[str]]:
    """The cells of every line; a gzip file is told by its content, not by its name."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CaptureError(f"There is no capture file {path}; choose an existing .csv or .csv.gz file.") from None
    except IsADirectoryError:
        raise CaptureError(f"{path} is a folder; choose a .csv or .csv.gz file in it.") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be read ({error.strerror}); check the file's permissions.") from None
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error):
            raise CaptureError(
                f"{path.name} is a damaged or incomplete gzip file; copy it from the device again."
            ) from None
    try:
        text = data.decode("utf-8-sig")
        readable = "\x00" not in text
    except UnicodeDecodeError:
        readable = False
    if not readable:
        raise CaptureError(
            f"{path.name} is not UTF-8 text, so it is not a Live Link Face CSV as the app writes it; "
            "export it again as plain CSV (UTF-8)."
        )
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise CaptureError(f"{path.name} is not a CSV file ({error}); choose a Live Link Face CSV.") from None


def _find_columns(name: str, lines: list[list[str]]) -> tuple[dict[int, int], int]:
    """Where the 52 weights are: {file column: weight column}, and the length of the header.

    The timecode must be the first column.
    """
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise CaptureError(f"{name} is empty; a Live Link Face CSV starts with a header line of column names.")
    header = lines[0]
    if header[0].strip().casefold() != "timecode":
        raise CaptureError(
            f"{name} does not start with a Timecode column (line 1 starts with "
            f"'{header[0].strip()[:40]}'), so it is not a Live Link Face CSV; choose a file that the app wrote."
        )
    columns: dict[int, int] = {}
    for position, cell in enumerate(header):
        arkit_name = find_arkit_name(cell)
        if arkit_name is None:
            continue
        index = ARKIT_INDEX[arkit_name]
        if index in columns.values():
            raise CaptureError(
                f"{name} has two columns named {arkit_name} (line 1, column {position + 1}); each of the "
                "52 ARKit names is allowed once: remove one of the two."
            )
        columns[position] = index
    missing = [ARKIT_NAMES[index] for index in range(ARKIT_COUNT) if index not in columns.values()]
    if missing:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        raise CaptureError(
            f"{name} lacks {len(missing)} of the 52 ARKit columns ({shown}); export it again with all "
            "blendshapes switched on."
        )
    return columns, len(header)


def _read_rows(
    name: str, lines: list[list[str]], columns: dict[int, int], header_length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Clock (T, 2) as whole seconds and frames, weights (T, 52), tracked (T,) bool."""
    clock, weights, tracked = [], [], []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        timecode = _TIMECODE.match(cells[0])
        if timecode is None:
            raise CaptureError(
                f"{name}, line {number}, column 1 (Timecode) holds '{cells[0].strip()[:40]}'; it must be like "
                "12:59:59:59.999 (hours, minutes, seconds, frames): correct or remove that line."
            )
        hours, minutes, seconds = (int(group) for group in timecode.groups()[:3])
        clock.append((3600.0 * hours + 60.0 * minutes + seconds, float(timecode.group(4))))
        row = np.zeros(ARKIT_COUNT)
        lost = len(cells) <= 2 or not any(cell.strip() for cell in cells[2:])
        if not lost:
            if len(cells) != header_length:
                raise CaptureError(
                    f"{name}, line {number} has {len(cells)} columns where the header has {header_length}; "
                    "correct or remove that line (a line of timecode and 0 alone is a frame without tracking)."
                )
            for position, index in columns.items():
                row[index] = _weight(name, number, position, index, cells[position])
        weights.append(row)
        tracked.append(not lost)
    if not clock:
        raise CaptureError(f"{name} has a header but no frames; record the take again.")
    if not any(tracked):
        raise CaptureError(
            f"{name} has {len(clock)} frames but tracking was lost in all of them; record the take again."
        )
    return np.array(clock), np.array(weights), np.array(tracked)


def _weight(name: str, number: int, position: int, index: int, cell: str) -> float:
    """The number in a cell."""
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value) or abs(value) > LARGEST_WEIGHT:
        raise CaptureError(
            f"{name}, line {number}, column {position + 1} ({ARKIT_NAMES[index]}) holds "
            f"'{cell.strip()[:40]}'; a weight must be a number from 0 to 1: correct or remove that line."
        )
    return value


def _timecode_frames_per_second(seconds: NDArray[np.float64], frames: NDArray[np.float64]) -> tuple[int, bool]:
    """How many timecode frames make a second, and whether the file tells.

    Where the seconds turn over, the frames fall back by the count less one step; the median of that,
    moved to the nearest customary count, is robust against dropped frames. A take that never crosses
    a second is taken to count at 60, as the app does.
    """
    steps = np.diff(frames)
    turns = np.diff(seconds) == 1.0
    within = (np.diff(seconds) == 0.0) & (steps > 0.0)
    if not turns.any() or not within.any():
        larger = [count for count in _FRAME_COUNTS if count > frames.max()]
        return max(_LIVE_LINK_FACE_FRAME_COUNT, larger[0] if larger else _FRAME_COUNTS[-1]), False
    count = float(np.median(np.median(steps[within]) - steps[turns]))
    allowed = [c for c in _FRAME_COUNTS if c > frames.max()] or [_FRAME_COUNTS[-1]]
    return min(allowed, key=lambda candidate: abs(candidate - count)), True


def _increasing(
    name: str,
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    tracked: NDArray[np.bool_],
    messages: list[str],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Drop lines that repeat the time of the line before; refuse a clock that runs backwards."""
    steps = np.diff(times)
    back = np.flatnonzero(steps < -1e-6)
    if len(back):
        raise CaptureError(
            f"{name}: the timecode of frame {int(back[0]) + 2} is earlier than that of the frame before; "
            "a take must run forwards: sort the lines or cut the file in two."
        )
    keep = np.concatenate(([True], steps > 1e-6))
    if not keep.all():
        messages.append(f"{int((~keep).sum())} lines repeat a timecode and are left out.")
    return times[keep], weights[keep], tracked[keep]


def _clamp(weights: NDArray[np.float64], tracked: NDArray[np.bool_], messages: list[str]) -> NDArray[np.float64]:
    """Weights cut to 0..1, with a message when something was cut."""
    outside = (weights < 0.0) | (weights > 1.0)
    outside[~tracked] = False
    if not outside.any():
        return weights
    low, high = float(weights[outside].min()), float(weights[outside].max())
    extreme = f"up to {high:.3f}" if low > 0.0 else f"from {low:.3f} to {high:.3f}"
    messages.append(f"{int(outside.sum())} weights lie outside 0 to 1 ({extreme}): clamped.")
    return np.clip(weights, 0.0, 1.0)


def _writes_right_first(columns: dict[int, int]) -> bool:
    """Whether the jaw and mouth pairs, and no other pair, are written Right before Left: the app's own order."""
    position = {ARKIT_NAMES[index]: column for column, index in columns.items()}
    right_first = {
        name.removesuffix("Left")
        for name in ARKIT_NAMES
        if name.endswith("Left") and position[mirror_name(name)] < position[name]
    }
    return right_first == {"jaw", "mouth"}


def _unswap_sides(
    weights: NDArray[np.float64], tracked: NDArray[np.bool_], right_first: bool, messages: list[str]
) -> NDArray[np.float64]:
    """Swap jaw and mouth left-right back when they contradict the other pairs.

    A mouth that moves to a side stretches that side: mouthLeft - mouthRight correlates with
    mouthStretchLeft - mouthStretchRight at about +0.9 when the sides agree and at -0.8 to -0.95 in the
    files that the app writes. The jaw goes with the mouth; it is judged by itself only when it
    disagrees clearly with the mouth.
    """
    seen = weights[tracked]

    def side(stem: str) -> NDArray[np.float64]:
        return seen[:, ARKIT_INDEX[stem + "Left"]] - seen[:, ARKIT_INDEX[stem + "Right"]]

    mouth, jaw = side("mouth"), side("jaw")
    agreement = _correlation(mouth, side("mouthStretch"))
    if agreement is not None and abs(agreement) >= _CLEAR_CORRELATION:
        mouth_swapped = agreement < 0.0
        evidence = f"correlation {agreement:+.2f} with mouthStretch"
    else:
        mouth_swapped = right_first
        evidence = "the column order is that of the app, which swaps them"
    jaw_swapped = mouth_swapped
    together = _correlation(jaw, mouth)
    if together is not None and together <= -_CLEAR_CORRELATION:
        jaw_swapped = not mouth_swapped
    swapped = [stem for stem, is_swapped in (("jaw", jaw_swapped), ("mouth", mouth_swapped)) if is_swapped]
    if not swapped:
        return weights
    order = np.arange(ARKIT_COUNT)
    for stem in swapped:
        left, right = ARKIT_INDEX[stem + "Left"], ARKIT_INDEX[stem + "Right"]
        order[left], order[right] = right, left
    pairs = " and ".join(f"{stem.capitalize()}Left/{stem.capitalize()}Right" for stem in swapped)
    messages.append(f"{pairs} are swapped against the other pairs in this file ({evidence}): put right.")
    return weights[:, order]


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Pearson's correlation, or None where there is too little signal to speak of."""
    if len(a) < 10 or a.std() < _SIGNAL or b.std() < _SIGNAL:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _open_dropouts(
    times: NDArray[np.float64], weights: NDArray[np.float64], tracked: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Put untracked frames at the capture's rate where lines are missing for a while."""
    if len(times) < 3:
        return times, weights, tracked
    step = float(np.median(np.diff(times)))
    holes = np.flatnonzero(np.diff(times) > max(DROPOUT_SECONDS, 5.0 * step))
    for hole in holes[::-1]:
        count = round((times[hole + 1] - times[hole]) / step) - 1
        inside = np.linspace(times[hole], times[hole + 1], count + 2)[1:-1]
        times = np.insert(times, hole + 1, inside)
        weights = np.insert(weights, hole + 1, np.zeros((count, ARKIT_COUNT)), axis=0)
        tracked = np.insert(tracked, hole + 1, np.zeros(count, dtype=bool))
    return times, weights, tracked
