# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's rest shape: the template taken through the identity's map, its lips and teeth freed of each other."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..anatomy.array_store import read_kept_arrays, write_arrays
from ..anatomy.template import PARTS
from ..fitting.residual_warp import ResidualWarp
from ..networks.generalized import DISPLACEMENT_SCALE_MM, Actor
from ..simulation import barrier, rest_repair
from ..simulation.collision_geometry import CollisionGeometry
from ..simulation.obstacle import REST_POSE, Carrier, Obstacle
from .assets import FaceAssets, SharedSpace
from .face_geometry import EYE_PARTS, FaceGeometry
from .folded_field import FoldedEvaluator
from .rigid_motion import apply, fit_similarity

OBSTACLES = {
    "upper_teeth": Carrier.SKULL,
    "lower_teeth": Carrier.MANDIBLE,
    "eye_left": Carrier.LEFT_EYE,
    "eye_right": Carrier.RIGHT_EYE,
}

Vertices = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RestShape:
    """A character at rest.

    Attributes:
        geometry: all parts.
        nodes: (N, 3) rest nodes, those of the mouth's lining included, mm.
        detail: (I, 3) what the nodes do not carry of the skin vertices inside the tissue (curvature within a cell, and
            the repair): these vertices are ``W nodes + detail``, at rest and in every pose.
        collision: the colliding surfaces, free of intersections.
    """

    geometry: FaceGeometry
    nodes: Vertices
    detail: Vertices
    collision: CollisionGeometry

    def skin_with_nodes(self, shared: SharedSpace, nodes: Vertices) -> Vertices:
        """The skin (V, 3) when the nodes (N, 3) of its tissue lie there; beyond the tissue it is at rest."""
        skin = self.geometry.vertices["skin"].copy()
        skin[shared.inside] = shared.skin_inside(nodes) + self.detail
        return skin


def make_rest_shape(
    assets: FaceAssets,
    shared: SharedSpace,
    actor: Actor,
    cache_directory: Path | None = None,
    residual: ResidualWarp | None = None,
) -> RestShape:
    """The rest shape of an actor.

    Every part goes through N_c and then moves with the residual; eyeballs stay spheres (the similarity nearest to that
    at their vertices). Where the result intersects itself, skin of the contact patch is moved until it does not.

    Args:
        assets: template and model.
        shared: the material space.
        actor: the identity's.
        cache_directory: where repairs are kept; None keeps nothing.
        residual: what a fit adds to the actor's shape.

    Raises:
        RestRepairError: lips or cheeks pass too far through each other or the teeth.
    """
    template = assets.template
    points = {part: template.meshes[part].vertices for part in PARTS} | {"nodes": shared.node_positions}
    moved = _through_identity_map(assets.evaluator, actor, points)
    if residual is not None:
        moved = {part: shaped + residual.displacement(part, points[part]) for part, shaped in moved.items()}
    nodes, skin = moved.pop("nodes"), moved["skin"]
    centers = {}
    for part in EYE_PARTS:
        similarity = fit_similarity(points[part], moved[part])
        moved[part] = apply(similarity, points[part])
        centers[part] = apply(similarity, template.eye_centers[part][None])[0]
    obstacles = tuple(
        Obstacle(moved[part], template.meshes[part].triangles, carrier) for part, carrier in OBSTACLES.items()
    )
    collision = CollisionGeometry.build(
        template.meshes["skin"], template.regions, shared.corners, shared.weights, nodes, skin, obstacles
    )
    collision = _repaired(collision, nodes, cache_directory)
    detail = skin[shared.inside] - shared.skin_inside(nodes)
    detail[np.searchsorted(shared.inside, collision.skin_vertices)] = collision.detail
    moved["skin"][shared.inside] = shared.skin_inside(nodes) + detail
    moved["lashes"] = template.lash_binding.apply(moved["skin"])
    return RestShape(FaceGeometry(moved, centers), nodes, detail, collision)


def _repaired(collision: CollisionGeometry, nodes: Vertices, cache_directory: Path | None) -> CollisionGeometry:
    """The collision geometry freed of intersections, from the cache if it holds the repair of these very surfaces."""
    if cache_directory is None:
        return rest_repair.repair_rest(collision, nodes)
    digest = hashlib.sha256()
    for array in (collision.surface(nodes, REST_POSE), collision.faces, collision.detail):
        digest.update(np.ascontiguousarray(array).tobytes())
    for module in (rest_repair, barrier):
        digest.update(Path(module.__file__).read_bytes())
    path = Path(cache_directory) / f"rest_{digest.hexdigest()[:32]}.npz"
    kept = read_kept_arrays(path)
    if kept is not None and kept.get("detail", np.empty(0)).shape == collision.detail.shape:
        return replace(collision, detail=kept["detail"])
    collision = rest_repair.repair_rest(collision, nodes)
    write_arrays(path, {"detail": collision.detail})
    return collision


@torch.inference_mode()
def _through_identity_map(evaluator: FoldedEvaluator, actor: Actor, points: dict[str, Vertices]) -> dict[str, Vertices]:
    """N_c at named points (P, 3) canonical mm; the sum is float64, the field float32."""
    network = actor.network
    joined = np.concatenate(list(points.values()))
    coordinates = network.normalize(torch.as_tensor(joined.astype(np.float32)))
    field = evaluator.evaluate(network.identity_field, coordinates, actor.identity_code)
    joined = joined + DISPLACEMENT_SCALE_MM * field.numpy().astype(np.float64)
    ends = np.cumsum([len(array) for array in points.values()])[:-1]
    return dict(zip(points, np.split(joined, ends), strict=True))
