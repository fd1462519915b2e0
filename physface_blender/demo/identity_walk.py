"""A walk through the space of identities, every step of it a face that can be used."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..anatomy.mesh import Mesh
from ..backend.assets import FaceAssets
from ..backend.character import Character, CharacterSettings
from ..backend.identity import Identity
from ..backend.rest_check import rest_intersections
from ..backend.settings import default_cache_directory
from .console import Console
from .fit_output import prepared_folder
from .png import write_png
from .shaded_picture import View, shade

TEXT = """# A walk through the space of identities

Made by `python -m physface_blender.cli walk --seeds {seeds} --steps {steps}` on {date}.

![The faces of the walk]({picture})

{count} faces at rest, {steps} steps from each of the random identities {seeds} to the next, straight through their
coefficients. Every one is a character at {resolution:g} mm; triangle pairs that have a point in common are counted exactly.

| | faces with any | pairs in all |
|---|---|---|
| skull or mandible through the outer skin | {bone_faces} of {count} | {bone_pairs} |
| skin through skin | {skin_faces} of {count} | {skin_pairs} |
"""


@dataclass(frozen=True)
class WalkOptions:
    """Where the walk leads.

    Attributes:
        out: the Markdown file; the picture lies beside it.
        seeds: of the identities, at least two.
        steps: from each to the next.
        resolution_mm: edge of the hexahedra.
        cache_directory: where material spaces are kept.
    """

    out: Path
    seeds: tuple[int, ...] = (1, 2, 3)
    steps: int = 4
    resolution_mm: float = 4.0
    cache_directory: Path = field(default_factory=default_cache_directory)


def run_identity_walk(options: WalkOptions, console: Console) -> int:
    """Walk, count and draw; returns 0.

    Raises:
        DemoError: nothing can be written.
        RestRepairError: a face on the way cannot be used.
    """
    prepared_folder(options.out.parent)
    assets = FaceAssets.load()
    faces = assets.template.meshes["skin"].faces
    stops = [Identity.from_seed(seed) for seed in options.seeds]
    walk = [
        here.between(there, step / options.steps) for here, there in pairwise(stops) for step in range(options.steps)
    ] + [stops[-1]]
    counts, pictures = [], []
    for number, identity in enumerate(walk):
        console.progress(f"Face {number + 1} of {len(walk)}")
        character = Character(
            identity,
            CharacterSettings(resolution_mm=options.resolution_mm),
            cache_directory=options.cache_directory,
            assets=assets,
        )
        counts.append(rest_intersections(assets.template, character.rest))
        mesh = Mesh(character.rest.vertices["skin"], faces)
        view = View((0.0, 5.0, 50.0), 260.0, 20.0, 200, 250)
        pictures.append(shade(mesh.vertices, mesh.triangles, mesh.vertex_normals, view))
    picture = options.out.with_suffix(".png")
    columns = -(-len(pictures) // 2)
    blank = np.full_like(pictures[0], 40)
    pictures += [blank] * (2 * columns - len(pictures))
    rows = [np.concatenate(pictures[row : row + columns], axis=1) for row in (0, columns)]
    write_png(picture, np.concatenate(rows))
    today = datetime.datetime.now(datetime.UTC).date()
    text = TEXT.format(
        seeds=" ".join(map(str, options.seeds)),
        steps=options.steps,
        date=f"{today.day} {today:%b %Y}",
        picture=picture.name,
        count=len(walk),
        resolution=options.resolution_mm,
        bone_faces=sum(count.bone_skin > 0 for count in counts),
        bone_pairs=sum(count.bone_skin for count in counts),
        skin_faces=sum(count.skin_skin > 0 for count in counts),
        skin_pairs=sum(count.skin_skin for count in counts),
    )
    options.out.write_text(text, encoding="utf-8")
    console.say(text)
    return 0
