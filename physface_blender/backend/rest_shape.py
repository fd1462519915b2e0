# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's rest shape: the template taken through the identity's map, with its lips and teeth disentangled."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..anatomy.template import PARTS
from ..networks.generalized import DISPLACEMENT_SCALE_MM, Actor
from .assets import FaceAssets, SharedSpace
from .face_geometry import EYE_PARTS, FaceGeometry
from .folded_field import evaluate_folded
from .rigid_motion import apply, fit_similarity

Vertices = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RestShape:
    """A character at rest.

    Attributes:
        geometry: all parts.
        nodes: (N, 3) rest nodes, mm.
        detail: (I, 3) what trilinear embedding cannot carry of the skin vertices inside the tissue: they are
            ``W nodes + detail``, at rest and in every pose.
    """

    geometry: FaceGeometry
    nodes: Vertices
    detail: Vertices

    def skin_with_nodes(self, shared: SharedSpace, nodes: Vertices) -> Vertices:
        """The skin (V, 3) whose tissue has its nodes (N, 3) there; beyond the tissue it is at rest."""
        skin = self.geometry.vertices["skin"].copy()
        skin[shared.inside] = shared.skin_inside(nodes) + self.detail
        return skin


def make_rest_shape(assets: FaceAssets, shared: SharedSpace, actor: Actor) -> RestShape:
    """The rest shape of an actor.

    Every part goes through N_c; eyeballs stay spheres (the similarity nearest to N_c at their vertices).
    """
    template = assets.template
    points = {part: template.meshes[part].vertices for part in PARTS} | {"nodes": shared.space.node_positions}
    moved = _through_identity_map(actor, points)
    nodes = moved.pop("nodes")
    centers = {}
    for part in EYE_PARTS:
        similarity = fit_similarity(points[part], moved[part])
        moved[part] = apply(similarity, points[part])
        centers[part] = apply(similarity, template.eye_centers[part][None])[0]
    detail = moved["skin"][shared.inside] - shared.skin_inside(nodes)
    moved["lashes"] = template.lash_binding.apply(moved["skin"])
    return RestShape(FaceGeometry(moved, centers), nodes, detail)


@torch.inference_mode()
def _through_identity_map(actor: Actor, points: dict[str, Vertices]) -> dict[str, Vertices]:
    """N_c at named points (P, 3) canonical mm; the sum is float64, the field float32."""
    network = actor.network
    joined = np.concatenate(list(points.values()))
    coordinates = network.normalize(torch.as_tensor(joined.astype(np.float32)))
    field = evaluate_folded(network.identity_field, coordinates, actor.identity_code)
    joined = joined + DISPLACEMENT_SCALE_MM * field.numpy().astype(np.float64)
    ends = np.cumsum([len(array) for array in points.values()])[:-1]
    return dict(zip(points, np.split(joined, ends), strict=True))
