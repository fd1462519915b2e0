"""Soft-tissue thickness of the template against one real subject, as a table in Markdown.

``python -m physface_blender.training.template.thickness`` writes docs/evaluation/thickness.md. The subject is
ArtiSynth's Badin face: outer and inner skin surface, jaw, maxilla and a band of the cranium.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...anatomy.mesh import Mesh
from ...anatomy.nearest_surface import nearest_on_surface
from ...anatomy.template import Template, load_template
from .outer_skin import POCKETS

MILLIMETERS_PER_METER = 1000.0
#: A surface further away than this in the median is not the bone of that place, mm.
MISSING = 26.0
#: Place, lowest and highest |x|, height above the nose tip, depth behind it, all mm.
PLACES = (
    ("glabella", (0, 9), (46, 60), (0, 60)),
    ("lower forehead", (12, 34), (54, 72), (0, 60)),
    ("nasal bones", (0, 6), (24, 40), (0, 60)),
    ("infraorbital", (18, 34), (6, 20), (0, 60)),
    ("cheekbone", (38, 56), (2, 22), (0, 70)),
    ("upper lip", (0, 14), (-26, -14), (0, 40)),
    ("chin", (0, 16), (-74, -58), (0, 40)),
    ("body of the mandible", (24, 42), (-76, -60), (0, 70)),
    ("cheek, no bone behind", (34, 48), (-42, -22), (0, 70)),
    ("masseter", (50, 70), (-50, -25), (45, 90)),
)


@dataclass(frozen=True)
class Head:
    """A head whose nose tip lies at the origin.

    Attributes:
        points: (P, 3) float64 millimeters, outer skin.
        bones: surfaces of bone.
        inner: inner surface of the soft tissue, where known.
    """

    points: np.ndarray
    bones: Mesh
    inner: Mesh | None

    def at(self, place: tuple) -> np.ndarray:
        """Return the outer points at one of the ``PLACES``."""
        _, aside, above, behind = place
        x, y, z = self.points.T
        inside = (np.abs(x) >= aside[0]) & (np.abs(x) <= aside[1]) & (y >= above[0]) & (y <= above[1])
        return self.points[inside & (-z >= behind[0]) & (-z <= behind[1])]


def template_head(template: Template) -> Head:
    """Return the template with its nose tip at the origin, only skin that looks outward."""
    skin = template.meshes["skin"]
    hidden = np.max([template.regions[name] for name in (*POCKETS, "nostril")], axis=0) > 0.5
    outward = skin.vertex_normals[:, 2] > 0.0
    tip = skin.vertices[template.landmarks68[30]]
    bones = _joined([template.meshes["skull"], template.meshes["mandible"]])
    return Head(skin.vertices[~hidden & outward] - tip, bones.with_vertices(bones.vertices - tip), None)


def subject_head(data: Path) -> Head:
    """Return the real subject in the template's axes with its nose tip at the origin."""
    meshes = {
        name: _read_object(data / "anatomy_badin" / f"{name}.obj")
        for name in ("skin_outer_m", "skin_inner_m", "badinjaw", "badinmaxilla", "badincranium")
    }
    outer = meshes["skin_outer_m"].vertices
    middle = np.abs(outer[:, 0]) < 3.0
    tip = outer[middle][outer[middle][:, 2].argmax()]
    bones = _joined([meshes[name] for name in ("badinjaw", "badinmaxilla", "badincranium")])
    inner = meshes["skin_inner_m"]
    return Head(outer - tip, bones.with_vertices(bones.vertices - tip), inner.with_vertices(inner.vertices - tip))


def thickness_table(template: Template, data: Path) -> str:
    """Return the table, a row a place: 10 / 50 / 90 % of the distance from outer points, in millimeters."""
    ours, subject = template_head(template), subject_head(data)
    lines = [
        "| place | template, skin to bone | points | subject, skin to bone | subject, through the tissue layer | points |",
        "|---|---|---|---|---|---|",
    ]
    for place in PLACES:
        here, there = ours.at(place), subject.at(place)
        cells = [_spread(here, ours.bones), str(len(here)), _spread(there, subject.bones)]
        cells += [_spread(there, subject.inner), str(len(there))]
        lines.append(f"| {place[0]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(points: np.ndarray, surface: Mesh) -> str:
    """Return '10 / 50 / 90 %' of the distances of points to a surface, or a dash where it is missing."""
    if len(points) == 0:
        return "-"
    distance = nearest_on_surface(points, surface.vertices, surface.triangles).distances
    if np.median(distance) > MISSING:
        return "-"
    return " / ".join(f"{value:.1f}" for value in np.quantile(distance, [0.1, 0.5, 0.9]))


def _joined(meshes: list[Mesh]) -> Mesh:
    """Return triangle meshes as one."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    triangles = np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts[:-1], strict=True)])
    faces = np.column_stack([triangles, np.full(len(triangles), -1)]).astype(np.int32)
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), faces)


def _read_object(path: Path) -> Mesh:
    """Read a triangle mesh in meters with x backward and z up; return millimeters with y up and z forward."""
    vertices, triangles = [], []
    for line in path.read_text(encoding="ascii").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "f":
            corners = [int(word.split("/")[0]) - 1 for word in words]
            triangles += [[corners[0], corners[i], corners[i + 1], -1] for i in range(1, len(corners) - 1)]
    turned = np.array(vertices)[:, [1, 2, 0]] * [1.0, 1.0, -1.0] * MILLIMETERS_PER_METER
    return Mesh(turned, np.array(triangles, dtype=np.int32))


TEXT = """# Soft-tissue thickness

Made by `python -m physface_blender.training.template.thickness --data ../shared/data`.

Distance in millimeters from points of the outer skin to the nearest point of skull or mandible, 10 / 50 / 90 %, at
the same places of both heads (boxes measured from the tip of the nose). The subject is the Badin face of ArtiSynth:
one real person, mirrored. For the subject the table also gives the way to the inner surface of the tissue layer, which
also exists where its bone meshes end (forehead, nasal bones, orbit rim and arch are missing: a dash). The heads are not
scaled to each other.

{table}

How to read it: depths of the template at the landmarks of its registration were imposed from forensic means, so glabella,
cheekbone and chin agree with those means by construction; the values between landmarks are the result. The template is
thinner than this subject at most places, by up to 4 mm. One subject cannot say which of the two is nearer to the mean.
"""


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Compare the template's soft-tissue thickness with a real subject.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of source data")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation/thickness.md"), help="file to write")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(TEXT.format(table=thickness_table(load_template(), arguments.data)), encoding="utf-8")


if __name__ == "__main__":
    main()
