"""Bones under the skin of random identities: how many triangles of one pierce the other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..anatomy.template import Template, load_template
from ..networks.generalized import GeneralizedModel, load_generalized
from ..simulation.intersections import intersecting_pairs
from .seeds import random_identities
from .template.outer_skin import outer_skin

BONES = ("skull", "mandible")


@dataclass(frozen=True)
class BoneClearance:
    """One identity.

    Attributes:
        pairs: triangles of the outer skin and of a bone that have a point in common.
        least_mm: smallest distance from a bone's vertex to the skin's vertices.
        thickness_change_mm: median over the bones' vertices of how much that distance differs from the mean face's.
    """

    pairs: int
    least_mm: float
    thickness_change_mm: float


def bone_clearance(
    template: Template, model: GeneralizedModel, identities: Sequence[np.ndarray]
) -> list[BoneClearance]:
    """Take the mean face's skin and bones through the map of each identity, and count.

    The outer skin is the whole skin without the pockets of mouth and eyes, closed over them.

    Args:
        template: the mean face.
        model: whose N_c shapes skin and bones.
        identities: coefficients (100,) each.
    """
    skin = template.meshes["skin"]
    shell, triangles = outer_skin(skin, template.regions)
    meshes = [template.meshes[part] for part in BONES]
    points = np.concatenate([shell, *(mesh.vertices for mesh in meshes)])
    starts = np.cumsum([len(shell), *(len(mesh.vertices) for mesh in meshes)])
    faces = [triangles, *(mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False))]
    groups = np.repeat([0, 1, 1], [len(part) for part in faces])
    counted = np.array([[False, True], [True, False]])
    mean = _distance_to_skin(points, len(shell))
    results = []
    for coefficients in identities:
        shaped = model.rest(points, coefficients)
        distance = _distance_to_skin(shaped, len(shell))
        results.append(
            BoneClearance(
                pairs=len(intersecting_pairs(shaped, np.concatenate(faces), groups, counted)),
                least_mm=float(distance.min()),
                thickness_change_mm=float(np.median(np.abs(distance - mean))),
            )
        )
    return results


def _distance_to_skin(points: np.ndarray, skin_count: int) -> np.ndarray:
    """Distance of the bones' vertices to the nearest vertex of the skin."""
    return cKDTree(points[:skin_count]).query(points[skin_count:])[0]


TEXT = """# Bones under the skin of random identities

Made by `python -m physface_blender.training.bone_clearance --identities {count}`.

{count} identities that training never drew (coefficients ~ N(0, 1)). Skin, skull and mandible of the mean face go through
the identity network; then triangles of skull or mandible that meet triangles of the outer skin (pockets of mouth and
eyes closed) are counted exactly.

| | |
|---|---|
| identities with a bone through the skin | {pierced} of {count} |
| triangle pairs in all | {pairs} |
| smallest distance of a bone's vertex to the skin, over all identities | {least:.2f} mm |
| the same in the mean face | {mean_least:.2f} mm |
| tissue thickness against the mean face, median of the identities' medians | {change:.2f} mm |
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=100, metavar="N", help="how many to try")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation/bone_clearance.md"), help="file to write")
    arguments = parser.parse_args()
    template, model = load_template(), load_generalized()
    identities = random_identities(arguments.identities)
    results = bone_clearance(template, model, identities)
    [mean] = bone_clearance(template, model, [np.zeros(100)])
    arguments.out.write_text(
        TEXT.format(
            count=len(results),
            pierced=sum(result.pairs > 0 for result in results),
            pairs=sum(result.pairs for result in results),
            least=min(result.least_mm for result in results),
            mean_least=mean.least_mm,
            change=float(np.median([result.thickness_change_mm for result in results])),
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
