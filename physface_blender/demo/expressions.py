"""A sheet of expressions on several identities: what the shipped weights can do, at a glance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..anatomy.material_space import RESOLUTION_RANGE_MM
from ..backend.assets import FaceAssets
from ..backend.character import Character, CharacterSettings
from ..backend.identity import Identity
from ..backend.played_performance import PerformancePlayer
from ..backend.settings import default_cache_directory
from ..performance.arkit import expression
from .console import Console, time_left
from .errors import DemoError
from .portrait_job import PortraitJob
from .studio import Studio


def _both(**weights: float) -> dict[str, float]:
    return {stem + side: weight for stem, weight in weights.items() for side in ("Left", "Right")}


EXPRESSIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "eyes closed": _both(eyeBlink=1.0),
    "brows up": {"browInnerUp": 0.9} | _both(browOuterUp=0.9, eyeWide=0.6),
    "frown": _both(browDown=0.9, mouthFrown=0.8, eyeSquint=0.3),
    "smile": _both(mouthSmile=0.9, cheekSquint=0.5, mouthDimple=0.2, eyeSquint=0.2),
    "half smile": {"mouthSmileLeft": 0.9, "cheekSquintLeft": 0.4, "eyeSquintLeft": 0.3, "mouthDimpleLeft": 0.3},
    "snarl": {"jawOpen": 0.1} | _both(noseSneer=0.9, mouthUpperUp=0.7, browDown=0.8, eyeSquint=0.5),
    "pucker": {"mouthPucker": 0.95},
    "jaw open": {"jawOpen": 0.8},
    "ah": {"jawOpen": 0.4, "mouthFunnel": 0.2} | _both(mouthLowerDown=0.3, mouthUpperUp=0.15),
    "lip bite": {"mouthRollLower": 1.0, "jawOpen": 0.06} | _both(mouthUpperUp=0.25),
    "jaw left": {"jawLeft": 0.8, "mouthLeft": 0.3, "jawOpen": 0.1},
}
"""Twelve expressions: each label with its ARKit weights."""


@dataclass(frozen=True)
class SheetOptions:
    """What the sheet shows.

    Attributes:
        out: the PNG file.
        seeds: of the identities, a row each.
        resolution_mm: edge of the hexahedra.
        weights: other network weights than the shipped ones.
        width: of a picture, in pixels.
        samples: paths per pixel.
        cache_directory: where material spaces are kept.
    """

    out: Path = Path("docs/evaluation/expressions.png")
    seeds: tuple[int, ...] = (1, 2, 3)
    resolution_mm: float = 4.0
    weights: Path | None = None
    width: int = 224
    samples: int = 12
    cache_directory: Path = field(default_factory=default_cache_directory)


def run_expressions(options: SheetOptions, console: Console) -> int:
    """Simulate and render the sheet; returns 0.

    Raises:
        DemoError: the options cannot be followed.
        StudioError: Blender could not make the pictures.
        TemplateError, WeightsError: the shipped files cannot be used.
    """
    low, high = RESOLUTION_RANGE_MM
    if not low <= options.resolution_mm <= high:
        raise DemoError(f"A resolution of {options.resolution_mm:g} mm is out of range; choose {low:g} to {high:g} mm.")
    if options.width % 2 or not 64 <= options.width <= 4096:
        raise DemoError(f"Pictures of {options.width} pixels are not possible; choose an even width of 64 to 4096.")
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"Nothing can be written to {options.out.parent} ({error.strerror}).") from None
    faces, poses = len(options.seeds), len(EXPRESSIONS)
    job = PortraitJob(
        folder="",
        face_of_pose=tuple(np.repeat(np.arange(faces), poses).tolist()),
        width=options.width,
        height=2 * round(0.6 * options.width),
        samples=options.samples,
        sheet_samples=options.samples,
        is_fine=True,
        shown_mm=250.0,
        sheet=str(options.out.resolve()),
        sheet_columns=poses,
    )
    with Studio(job, options.out.parent) as studio:
        labels, total = _pose_all(options, studio, console)
        studio.finish(
            f"PhysFace  {poses} expressions on {faces} identities  {options.resolution_mm:g} mm  {total} intersections",
            tuple(enumerate(labels)),
        )
        began = time.perf_counter()
        while not studio.wait(0.5):
            rendered = studio.progress.rendered
            left = (time.perf_counter() - began) / max(rendered, 1) * (faces * poses - rendered)
            console.progress(f"{studio.progress.stage}: {rendered} of {faces * poses}, {time_left(left)}")
    console.say(f"{options.out}: {poses} expressions on {faces} identities, {total} intersections.")
    return 0


def _pose_all(options: SheetOptions, studio: Studio, console: Console) -> tuple[Sequence[str], int]:
    """Hand all faces and poses over; returns their labels and the number of intersections."""
    assets = FaceAssets.load(weights_path=options.weights)
    characters = []
    for face, seed in enumerate(options.seeds):
        console.progress(f"Setting up face {face + 1} of {len(options.seeds)}")
        settings = CharacterSettings(resolution_mm=options.resolution_mm)
        identity = Identity.from_seed(seed)
        characters.append(Character(identity, settings, cache_directory=options.cache_directory, assets=assets))
        studio.add_face(face, characters[-1].rest)
    labels, total = [], 0
    for character in characters:
        player = PerformancePlayer(character, assets.template)
        for label, weights in EXPRESSIONS.items():
            posed = character.pose(expression(**weights))
            studio.add_pose(posed, expression(**weights))
            studio.check()
            total += player.count(posed).total
            labels.append(label)
            console.progress(f"Simulated {len(labels)} of {len(EXPRESSIONS) * len(options.seeds)} poses")
    return labels, total
