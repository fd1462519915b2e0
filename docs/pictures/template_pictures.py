"""Pictures of the template: the neutral face from three sides, its wires, its bones.

Run with the project's Python, which has ``bpy``, from the root of the repository:
``python docs/pictures/template_pictures.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER)]

from studio import Studio  # noqa: E402

from physface_blender.anatomy.template import Template, load_template  # noqa: E402

COLORS = {
    "skin": (0.72, 0.48, 0.38),
    "lips": (0.6, 0.27, 0.25),
    "inner_mouth": (0.35, 0.12, 0.12),
    "teeth": (0.9, 0.87, 0.78),
    "gum": (0.65, 0.27, 0.27),
    "sclera": (0.88, 0.86, 0.83),
    "iris": (0.22, 0.36, 0.42),
    "pupil": (0.005, 0.005, 0.005),
    "lashes": (0.03, 0.02, 0.015),
    "bone": (0.8, 0.74, 0.6),
}
FACE = ("skin", "eye_left", "eye_right", "lashes", "upper_teeth", "lower_teeth", "upper_gum", "lower_gum")
SKELETON = ("skull", "mandible", "upper_teeth", "lower_teeth", "upper_gum", "lower_gum")


def add_parts(studio: Studio, template: Template, parts: tuple[str, ...], wire: float = 0.0) -> None:
    """Put parts of the template into the studio, the skin with its edges where ``wire`` is above 0."""
    palette = np.array([COLORS[name] for name in template.material_names])
    for part in parts:
        mesh = template.meshes[part]
        colors = palette[template.face_materials[part]]
        gloss = 0.08 if part.startswith("eye_") else 0.45
        edges = wire if part == "skin" else 0.0
        studio.add(part, mesh.vertices, mesh.faces, face_colors=colors, roughness=gloss, wire=edges)


def main() -> None:
    """Take all pictures: three of the neutral, three of the wires, one of the bones."""
    template = load_template()
    studio = Studio((420, 520))
    add_parts(studio, template, FACE)
    for name, turn in (("front", 0), ("three_quarter", 42), ("side", 90)):
        studio.take(FOLDER / f"neutral_{name}.png", (0, 8, 30), 285, turn)
    studio = Studio((380, 380), samples=16)
    add_parts(studio, template, FACE, wire=0.22)
    studio.take(FOLDER / "wire_face.png", (0, 5, 60), 215, 18)
    studio.take(FOLDER / "wire_mouth.png", (0, -32, 100), 74, 12, -6)
    studio.take(FOLDER / "wire_eye.png", (32, 36, 95), 62, 14)
    studio = Studio((480, 480))
    add_parts(studio, template, SKELETON)
    studio.take(FOLDER / "bones.png", (0, 20, 30), 250, 38)


if __name__ == "__main__":
    main()
