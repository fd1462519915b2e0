"""A sheet of one smile, one surprise and one "oo" on one face, without a style and in each of the styles there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..backend.assets import FaceAssets
from ..backend.character import NO_STYLE, Character, CharacterSettings
from ..backend.identity import Identity
from ..backend.played_performance import PerformancePlayer
from ..backend.settings import default_cache_directory
from ..performance.arkit import expression
from .console import Console
from .errors import DemoError
from .portrait_job import PortraitJob
from .studio import Studio

STYLED_EXPRESSIONS: dict[str, dict[str, float]] = {
    "smile": {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9},
    "surprise": {
        "browInnerUp": 0.9,
        "browOuterUpLeft": 0.9,
        "browOuterUpRight": 0.9,
        "eyeWideLeft": 0.7,
        "eyeWideRight": 0.7,
        "jawOpen": 0.45,
    },
    "oo": {"mouthPucker": 0.9},
}


@dataclass(frozen=True)
class StyleSheetOptions:
    """What the sheet shows.

    Attributes:
        out: the PNG file.
        seed: of the identity.
        resolution_mm: edge of the hexahedra.
        width: of a picture, in pixels.
        samples: paths per pixel.
        cache_directory: where material spaces are kept.
    """

    out: Path = Path("docs/evaluation/styles.png")
    seed: int = 1
    resolution_mm: float = 4.0
    width: int = 160
    samples: int = 12
    cache_directory: Path = field(default_factory=default_cache_directory)


def run_style_sheet(options: StyleSheetOptions, console: Console) -> int:
    """Simulate and render the sheet; returns 0.

    Raises:
        DemoError: the options cannot be followed.
        StudioError: Blender could not make the pictures.
        TemplateError, WeightsError: the shipped files cannot be used.
    """
    if options.width % 2 or not 64 <= options.width <= 4096:
        raise DemoError(f"Pictures of {options.width} pixels are not possible; choose an even width of 64 to 4096.")
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"Nothing can be written to {options.out.parent} ({error.strerror}).") from None
    assets = FaceAssets.load()
    styles = {"no style": NO_STYLE} | {name.replace("_", " "): {name: 1.0} for name in assets.style.names}
    count = len(styles) * len(STYLED_EXPRESSIONS)
    job = PortraitJob(
        folder="",
        face_of_pose=(0,) * count,
        width=options.width,
        height=2 * round(0.6 * options.width),
        samples=options.samples,
        sheet_samples=options.samples,
        is_fine=True,
        shown_mm=190.0,
        yaw_degrees=6.0,
        sheet=str(options.out.resolve()),
        sheet_columns=len(styles),
    )
    with Studio(job, options.out.parent) as studio:
        character = Character(
            Identity.from_seed(options.seed),
            CharacterSettings(resolution_mm=options.resolution_mm),
            cache_directory=options.cache_directory,
            assets=assets,
        )
        studio.add_face(0, character.rest)
        player = PerformancePlayer(character, assets.template)
        labels, total = [], 0
        for name, asked in STYLED_EXPRESSIONS.items():
            for label, style in styles.items():
                weights = expression(**asked)
                posed = character.pose(weights, style=style)
                studio.add_pose(posed, weights)
                studio.check()
                total += player.count(posed).total
                labels.append(f"{name}, {label}")
                console.progress(f"Simulated {len(labels)} of {count} poses")
        title = f"PhysFace  one face, {len(styles) - 1} synthetic actors' styles  {total} intersections"
        studio.finish(title, tuple(enumerate(labels)))
        while not studio.wait(0.5):
            console.progress(f"{studio.progress.stage}: {studio.progress.rendered} of {count}")
    console.say(
        f"{options.out}: {len(STYLED_EXPRESSIONS)} expressions in {len(styles) - 1} styles, {total} intersections."
    )
    return 0
