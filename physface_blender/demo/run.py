"""Plays a performance on a face from the file to the film: ``demo.blend``, ``demo.mp4``, a contact sheet, a report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy.material_space import RESOLUTION_RANGE_MM
from ..backend.assets import FaceAssets
from ..backend.character import NO_STYLE, Character, CharacterSettings
from ..backend.effects import NO_EFFECTS, Effects
from ..backend.identity import Identity
from ..backend.played_performance import PerformancePlayer, PlayedFrame
from ..backend.settings import default_cache_directory
from ..performance.curves import Performance
from . import report, source
from .console import Console, time_left
from .errors import DemoError
from .portrait_job import PortraitJob
from .studio import Studio

BLEND_FILE, FILM_FILE, SHEET_FILE, REPORT_FILE = "demo.blend", "demo.mp4", "contact_sheet.png", "report.json"


@dataclass(frozen=True)
class DemoOptions:
    """What to play, on whom and how finely.

    Attributes:
        capture: a Live Link Face CSV; None plays the built-in performance.
        frames: range ``A:B`` of its frames; None takes what ``source.frame_range`` says.
        resolution_mm: edge of the hexahedra.
        out: folder of the results.
        seed: number from which the identity is drawn.
        weights: other network weights than the shipped ones.
        width: of the pictures, in pixels.
        samples: paths per pixel of the film.
        sheet_samples: paths per pixel of the contact sheet.
        effects: what acts on the face besides its expressions.
        style: weights of the styles that the performance is played in.
        cache_directory: where material spaces are kept.
    """

    capture: Path | None = None
    frames: str | None = None
    resolution_mm: float = 4.0
    out: Path = Path("demo-output")
    seed: int = 1
    weights: Path | None = None
    width: int = 320
    samples: int = 4
    sheet_samples: int = 8
    effects: Effects = NO_EFFECTS
    style: Mapping[str, float] = field(default_factory=lambda: NO_STYLE)
    cache_directory: Path = field(default_factory=default_cache_directory)

    @property
    def height(self) -> int:
        """Of the pictures, in pixels; even."""
        return 2 * round(0.6 * self.width)


def run_demo(options: DemoOptions, command: Sequence[str], console: Console) -> int:
    """Make the demo.

    Ctrl-C ends the simulation; what is finished is rendered, saved and reported, and a second Ctrl-C ends that too.

    Args:
        options: what the user wants.
        command: the words of the command line, for the report.
        console: where to tell how it goes.

    Returns:
        0, or 130 when it was interrupted.

    Raises:
        DemoError: the options cannot be followed.
        CaptureError: the capture cannot be read.
        StudioError: Blender could not make the pictures.
        TemplateError, WeightsError: the shipped files cannot be used.
    """
    started = time.perf_counter()
    performance, start, stop = _choose(options)
    is_capture = options.capture is not None
    for message in performance.messages:
        console.say(message)
    _prepare_folder(options.out)
    weights = performance.weights[start:stop]
    job = PortraitJob(
        folder="",
        face_of_pose=(0,) * len(weights),
        frames_per_second=performance.frame_rate or 24.0,
        width=options.width,
        height=options.height,
        samples=options.samples,
        sheet_samples=options.sheet_samples,
        film=str((options.out / FILM_FILE).resolve()),
        blend=str((options.out / BLEND_FILE).resolve()),
        sheet=str((options.out / SHEET_FILE).resolve()),
        first_frame=start + 1,
    )
    with Studio(job, options.out) as studio:
        played = _Playing(options, studio, console)
        played.play(weights)
        if not played.frames:
            console.say("Stopped before the first frame was finished; nothing was written.")
            return 130
        figures = {
            "performance": performance.name,
            "frame_range": [start, start + len(played.frames)],
            "frames_per_second": round(performance.frame_rate, 3),
            "resolution_mm": options.resolution_mm,
            "hexes": played.hex_count,
            "seed": options.seed,
            "effects": asdict(options.effects),
            "style": dict(options.style),
            **report.summarize(played.frames),
            "setup_seconds": round(played.setup_seconds, 2),
            "setup_from_cache": played.setup_from_cache,
            "interrupted": played.is_interrupted,
            "messages": list(performance.messages),
            **report.surroundings(command),
        }
        _write_report(options.out, figures)
        studio.finish(
            f"PhysFace  {performance.name}  {options.resolution_mm:g} mm  "
            f"{figures['intersections']} intersections ({figures['intersections_without_contact']} without contact)",
            source.tiles(performance, start, stop, is_capture=is_capture),
        )
        _wait_for_pictures(studio, console)
        figures["picture_seconds"] = {name: round(value, 2) for name, value in studio.progress.seconds.items()}
    figures["total_seconds"] = round(time.perf_counter() - started, 1)
    _write_report(options.out, figures)
    console.say(report.sentence(figures))
    if figures["intersections"]:
        console.say("There are intersections, which must not be: please report this with report.json.")
    console.say(f"Open {options.out / BLEND_FILE} in Blender and press Space; the film is {options.out / FILM_FILE}.")
    return 130 if played.is_interrupted else 0


class _Playing:
    """The simulation of the frames, handed to the studio one by one."""

    def __init__(self, options: DemoOptions, studio: Studio, console: Console) -> None:
        self._options, self._studio, self._console = options, studio, console
        self.frames: list[PlayedFrame] = []
        self.hex_count = 0
        self.setup_seconds = 0.0
        self.setup_from_cache = True
        self.is_interrupted = False

    def play(self, weights: np.ndarray) -> None:
        """Make the character and play (T, 52) expressions; Ctrl-C ends it between two frames."""
        try:
            player = self._set_up()
            began = time.perf_counter()
            for posed, frame in player.play(weights):
                self._studio.add_pose(posed, weights[frame.index])
                self.frames.append(frame)
                self._tell(began, len(weights))
        except KeyboardInterrupt:
            self.is_interrupted = True
            self._console.say(
                "Stopping: the finished frames are rendered and saved. Press Ctrl-C again to end at once."
            )

    def _set_up(self) -> PerformancePlayer:
        began = time.perf_counter()
        options = self._options
        cached = _files_in(options.cache_directory)
        assets = FaceAssets.load(weights_path=options.weights)
        character = Character(
            Identity.from_seed(options.seed),
            CharacterSettings(resolution_mm=options.resolution_mm),
            cache_directory=options.cache_directory,
            progress=self._tell_set_up,
            assets=assets,
        )
        # The first pose makes the simulator and compiles what is not compiled yet: both belong to the set-up.
        self._console.progress("Preparing the simulation")
        player = PerformancePlayer(character, assets.template, options.effects, options.style)
        for posed, _ in player.play(np.zeros((1, 52))):
            rest = character.rest
            self._studio.add_face(0, replace(rest, vertices=rest.vertices | posed.edited_rest))
        self.hex_count = len(character.space.hexes)
        self.setup_seconds = time.perf_counter() - began
        self.setup_from_cache = _files_in(options.cache_directory) == cached
        return player

    def _tell_set_up(self, share: float, text: str) -> bool:
        self._console.progress(f"Setting up the face, {100.0 * share:.0f} %: {text}")
        return True

    def _tell(self, began: float, total: int) -> None:
        self._studio.check()
        done, rendered = len(self.frames), self._studio.progress.rendered
        elapsed = time.perf_counter() - began
        left = elapsed / done * (total - done)
        if rendered:
            left = max(left, elapsed / rendered * (total - rendered))
        self._console.progress(
            f"Frame {done} of {total} simulated, {rendered} rendered, {self.frames[-1].intersections.total} "
            f"intersections, {time_left(left)}"
        )


def _choose(options: DemoOptions) -> tuple[Performance, int, int]:
    """The performance and the range of its frames; checks everything that needs no computing."""
    low, high = RESOLUTION_RANGE_MM
    if not low <= options.resolution_mm <= high:
        raise DemoError(f"A resolution of {options.resolution_mm:g} mm is out of range; choose {low:g} to {high:g} mm.")
    if not 64 <= options.width <= 4096 or options.width % 2:
        raise DemoError(f"Pictures of {options.width} pixels are not possible; choose an even width of 64 to 4096.")
    if options.samples < 1 or options.sheet_samples < 1:
        raise DemoError("A picture needs at least one sample per pixel.")
    performance = source.read_performance(options.capture)
    start, stop = source.frame_range(options.frames, performance, is_capture=options.capture is not None)
    return performance, start, stop


def _prepare_folder(folder: Path) -> None:
    """Make the folder of the results and remove those of an earlier run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (BLEND_FILE, FILM_FILE, SHEET_FILE, REPORT_FILE):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise DemoError(
            f"Nothing can be written to {folder} ({error.strerror}); choose another folder with --out."
        ) from None


def _wait_for_pictures(studio: Studio, console: Console) -> None:
    """Wait until Blender has made everything, and tell how far it is."""
    began, first = time.perf_counter(), studio.progress.rendered
    while not studio.wait(0.5):
        progress = studio.progress
        text = progress.stage
        if progress.stage == "Rendering":
            text = f"Rendering picture {min(progress.rendered + 1, studio.pose_count)} of {studio.pose_count}"
            if progress.rendered > first:
                each = (time.perf_counter() - began) / (progress.rendered - first)
                text += f", {time_left(each * (studio.pose_count - progress.rendered))}"
        console.progress(text)


def _write_report(folder: Path, figures: dict[str, Any]) -> None:
    text = json.dumps(figures, indent=2, allow_nan=False)
    (folder / REPORT_FILE).write_text(text + "\n", encoding="utf-8")


def _files_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*.np*")) if folder.is_dir() else set()
