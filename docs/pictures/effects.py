"""Pictures of the physical effects: rest, smile and open jaw, without an effect in the upper row and with it below.

Friction needs a way: its columns are frames of one, the lower lip pressed under the upper one, which then lifts off.

Run with the project's Python, which has ``bpy``, from the root of the repository: ``python docs/pictures/effects.py``,
or with the names of some of the pictures behind it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER)]

RESOLUTION_MM = 4.0
SEED = 1
TILE = 320
STEPS = 4
EXPRESSIONS = {
    "rest": {},
    "smile": {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5},
    "jaw open": {"jawOpen": 0.7},
}
PRESSED = {"mouthRollLower": 1.0, "mouthRollUpper": 0.5, "mouthShrugLower": 0.6}
LIFTED = {"mouthRollLower": 0.2, "mouthUpperUpLeft": 0.9, "mouthUpperUpRight": 0.9, "jawOpen": 0.1}
PRESSING, LIFTING = 5, 6
SHOWN = (3, 5, 7)
"""Frames of the way that the columns of the picture of friction show."""
MOUTH = {"aim": (0, -38, 95), "height": 70}
"""Where the camera looks for friction, and how many millimeters it sees."""
VIEWS = {"gravity": 40.0, "stiffness": 0.0, "paralysis": 0.0, "bones": 62.0, "sculpt": 62.0, "friction": 35.0}
"""Degrees that the camera walks around to the character's left."""


def rows(skin: np.ndarray, mandible: np.ndarray) -> dict[str, tuple]:
    """Return the two effects of every picture, for the template's skin (V, 3) and the character's mandible (W, 3)."""
    from physface_blender.backend.effects import NO_EFFECTS, Effects

    painted = tuple(np.where(skin[:, 0] > 0.0, 10.0, 1.0).tolist())
    chin = mandible[np.argmax(mandible[:, 2] - 0.5 * mandible[:, 1])]
    near = np.exp(-np.sum((mandible - chin) ** 2, axis=1) / (2.0 * 14.0**2))
    sculpted = tuple(np.outer(np.where(near < 0.01, 0.0, near), [0.0, -3.0, 7.0]).ravel().tolist())
    hanging = {"head_degrees": (90.0, 0.0, 0.0), "stiffness": 0.4}
    return {
        "gravity": (NO_EFFECTS, Effects(head_degrees=(90.0, 0.0, 0.0))),
        "stiffness": (Effects(**hanging), Effects(**hanging, painted_stiffness=painted)),
        "paralysis": (NO_EFFECTS, Effects(paralysis=(("left", 1.0),))),
        "bones": (NO_EFFECTS, Effects(jaw_scale=(0.85, 1.0, 1.0))),
        "friction": (NO_EFFECTS, Effects(friction=0.8)),
        "sculpt": (NO_EFFECTS, Effects(sculpted_mandible=sculpted)),
    }


def simulate(folder: Path, names: list[str]) -> None:
    """Write the vertices of every part for every tile; torch and Blender never share a process."""
    from physface_blender.backend.assets import FaceAssets
    from physface_blender.backend.character import Character, CharacterSettings
    from physface_blender.backend.identity import Identity
    from physface_blender.backend.played_performance import PerformancePlayer
    from physface_blender.backend.settings import default_cache_directory
    from physface_blender.performance.arkit import expression

    assets = FaceAssets.load()
    settings = CharacterSettings(resolution_mm=RESOLUTION_MM)
    character = Character(Identity.from_seed(SEED), settings, cache_directory=default_cache_directory(), assets=assets)
    player = PerformancePlayer(character, assets.template)
    if "friction" in names:
        rub(folder, character, player)
    pictures = rows(assets.template.meshes["skin"].vertices, character.rest.vertices["mandible"])
    for name in names:
        if name == "friction":
            continue
        for row, effects in enumerate(pictures[name]):
            for column, (label, weights) in enumerate(EXPRESSIONS.items()):
                state, iterations = None, []
                for share in np.linspace(0.0, 1.0, STEPS + 1):
                    posed = character.pose(share * expression(**weights), effects=effects, start=state)
                    state = posed.state
                    iterations.append(posed.result.iterations)
                    if not weights:
                        break
                print(
                    f"{name}, row {row}, {label}: {iterations} iterations, {posed.result.status.name.lower()}, "
                    f"{player.count(posed).total} intersections, {player.count_at_lids(posed)} at the lids",
                    flush=True,
                )
                save(folder / f"{name}_{row}_{column}.npz", character, posed)


def rub(folder: Path, character, player) -> None:
    """Press the lower lip under the upper one and lift that, without friction and with it."""
    from physface_blender.performance.arkit import expression

    way = [
        {name: share * weight for name, weight in PRESSED.items()} for share in np.arange(1, PRESSING + 1) / PRESSING
    ]
    for share in np.arange(1, LIFTING + 1) / LIFTING:
        names = {*PRESSED, *LIFTED}
        way.append({name: (1 - share) * PRESSED.get(name, 0.0) + share * LIFTED.get(name, 0.0) for name in names})
    for row, effects in enumerate(
        rows(character.rest.vertices["skin"], character.rest.vertices["mandible"])["friction"]
    ):
        state = None
        for frame, weights in enumerate(way):
            posed = character.pose(expression(**weights), effects=effects, start=state)
            state = posed.state
            print(
                f"friction, row {row}, frame {frame}: {posed.result.iterations} iterations, "
                f"{posed.result.status.name.lower()}, {player.count(posed).total} intersections",
                flush=True,
            )
            if frame in SHOWN:
                save(folder / f"friction_{row}_{SHOWN.index(frame)}.npz", character, posed)


def save(file: Path, character, posed) -> None:
    """Write the vertices of every part of a posed face."""
    np.savez(file, **{part: posed.vertices(character.rest, part) for part in character.rest.vertices})


def render(folder: Path, name: str) -> None:
    """Write ``effect_NAME.png`` from what was simulated."""
    import bpy
    from studio import Studio
    from template_pictures import COLORS, FACE

    from physface_blender.anatomy.template import load_template

    template = load_template()
    palette = np.array([COLORS[material] for material in template.material_names])
    sheet = np.zeros((2 * TILE, len(EXPRESSIONS) * TILE, 4), dtype=np.float32)
    for row in range(2):
        for column in range(len(EXPRESSIONS)):
            studio = Studio((TILE, TILE), samples=12)
            with np.load(folder / f"{name}_{row}_{column}.npz") as tile:
                for part in FACE:
                    colors = palette[template.face_materials[part]]
                    gloss = 0.08 if part.startswith("eye_") else 0.45
                    studio.add(part, tile[part], template.meshes[part].faces, face_colors=colors, roughness=gloss)
            file = folder / "tile.png"
            aim, height = (MOUTH["aim"], MOUTH["height"]) if name == "friction" else ((0, -12, 40), 215)
            studio.take(file, aim, height, VIEWS[name])
            image = bpy.data.images.load(str(file), check_existing=False)
            pixels = np.array(image.pixels[:], dtype=np.float32).reshape(TILE, TILE, 4)
            sheet[(1 - row) * TILE : (2 - row) * TILE, column * TILE : (column + 1) * TILE] = pixels
    # 86 levels are enough for a picture in a guide, and make a small file.
    sheet = np.round(sheet * 85.0) / 85.0
    picture = bpy.data.images.new(name, sheet.shape[1], sheet.shape[0])
    picture.pixels.foreach_set(sheet.ravel())
    # Through the scene of the studio, whose files are RGB and packed as tightly as they can be.
    picture.save_render(str(FOLDER / f"effect_{name}.png"), scene=bpy.context.scene)


def main() -> None:
    """Make the pictures that are named, or all of them."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--simulate"]:
        simulate(Path(arguments[1]), arguments[2:])
        return
    names = arguments or list(VIEWS)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--simulate", folder, *names], check=True)
        for name in names:
            render(Path(folder), name)


if __name__ == "__main__":
    main()
