"""One actor made ready for the style model: mesh, tissue, canonical map, and where its tensors are asked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from scipy.spatial import cKDTree

from ...anatomy.material_space import MaterialSpace
from ...anatomy.mesh import Mesh
from ...anatomy.template import Template
from ...fitting.actor_capture import ActorCapture
from ...networks.actuation import coordinates_of
from ...networks.canonical_map import CanonicalMap
from ...networks.generalized import CENTER_MM, GeneralizedModel
from ...networks.weights import load_weights, save_weights
from ...simulation.hexahedron import gauss_points, shape_values
from ..generalized.capture_parting import FACING_COSINE, NEIGHBORS
from ..generalized.losses import closest_rotation
from ..rigid_fit import fit_rigid
from .canonical_maps import MapStatistics, measure_map, train_canonical_map
from .projective import Captured, ProjectiveTissue, carry_skin

Array = npt.NDArray[np.float64]

BONE_STEP = 6
"""Every sixth vertex of the bones takes part in the canonical map."""


@dataclass(frozen=True, eq=False)
class Performer:
    """One actor; E hexahedra with one tensor each.

    Attributes:
        actor: what was captured.
        passive: tissue that the captured skin drags.
        active: tissue that moves by itself.
        skin: (P, N) embedding of the captured vertices that lie in the tissue.
        carried: (P,) their indices among the actor's vertices.
        detail: (P, 3) mm.
        cell_coordinates: (E, 4) of N_A at the centers of the cells, through phi.
        cell_own: (E, 4) the same without the canonical space (Model-N).
        cell_rotations: (E, 3, 3) rotational part of phi's Jacobian.
        skin_coordinates: (P, 4) of the carried skin, through phi.
        skin_rotations: (P, 3, 3).
        jaw_frame: (4, 4) from canonical to the actor's jaw coordinates.
        statistics: of phi.
    """

    actor: ActorCapture
    passive: ProjectiveTissue
    active: ProjectiveTissue
    skin: scipy.sparse.csr_matrix
    carried: npt.NDArray[np.intp]
    detail: Array
    cell_coordinates: torch.Tensor
    cell_own: torch.Tensor
    cell_rotations: torch.Tensor
    skin_coordinates: torch.Tensor
    skin_rotations: torch.Tensor
    jaw_frame: Array
    statistics: MapStatistics

    def place_skin(self, nodes: Array) -> Array:
        """The carried skin (P, 3) for nodes (N, 3), mm."""
        return self.skin @ nodes + self.detail

    def jaw_from_canonical(self, motion: Array) -> Array:
        """Rigid motions (..., 4, 4) of canonical jaw coordinates in the actor's own."""
        return self.jaw_frame @ motion @ np.linalg.inv(self.jaw_frame)

    def jaw_to_canonical(self, motion: Array) -> Array:
        """The inverse of ``jaw_from_canonical``."""
        return np.linalg.inv(self.jaw_frame) @ motion @ self.jaw_frame


def prepare_performer(
    actor: ActorCapture, model: GeneralizedModel, template: Template, space: MaterialSpace, folder: Path
) -> Performer:
    """Make an actor ready; the canonical map is trained, or read from the folder where an earlier call left it."""
    identity = np.zeros(100) if actor.identity is None else actor.identity
    rest = model.rest(space.node_positions, identity)
    nearest = _nearest_carried(actor, template, space)
    embedding = carry_skin(space, actor.canonical, nearest)
    carried = np.flatnonzero(np.diff(embedding.indptr))
    embedding = embedding[carried]
    detail = actor.neutral[carried] - embedding @ rest

    values = shape_values(gauss_points())
    gauss = np.einsum("qi,eic->eqc", values, rest[space.hexes]).reshape(-1, 3)
    centers = rest[space.hexes].mean(axis=1)
    parting = space.node_parting[space.hexes].mean(axis=1)
    bones = np.concatenate([template.meshes[part].vertices[::BONE_STEP] for part in ("skull", "mandible")])
    surface = np.concatenate([actor.neutral, model.rest(bones, identity)])
    canonical = np.concatenate([actor.canonical, bones])
    file = folder / f"{actor.name}_map.safetensors"
    phi = CanonicalMap()
    if file.is_file():
        load_weights(phi, "canonical_map", file)
        phi.requires_grad_(False)
    else:
        phi = train_canonical_map(surface, canonical, gauss)
        save_weights(phi, file, {"model": "canonical_map", "actor": actor.name})

    mandible = template.meshes["mandible"].vertices[::BONE_STEP]
    return Performer(
        actor=actor,
        passive=ProjectiveTissue(space, rest, Captured(embedding, detail)),
        active=ProjectiveTissue(space, rest),
        skin=embedding,
        carried=carried,
        detail=detail,
        cell_own=_coordinates(centers, parting),
        **_through(phi, "cell", centers, parting),
        **_through(phi, "skin", actor.neutral[carried], actor.parting[carried]),
        jaw_frame=fit_rigid(mandible, model.rest(mandible, identity)),
        statistics=measure_map(phi, surface, canonical, gauss[::8]),
    )


@torch.no_grad()
def _through(phi: CanonicalMap, kind: str, points: Array, parting: Array) -> dict[str, torch.Tensor]:
    """Coordinates of N_A and rotations at an identity's points (P, 3) with parting (P,)."""
    mapped, jacobian = phi.with_jacobian(torch.as_tensor(points, dtype=torch.float32))
    coordinates = coordinates_of(mapped, torch.as_tensor(parting, dtype=torch.float32), torch.tensor(CENTER_MM))
    return {f"{kind}_coordinates": coordinates, f"{kind}_rotations": closest_rotation(jacobian)}


def _coordinates(points: Array, parting: Array) -> torch.Tensor:
    tensors = (torch.as_tensor(values, dtype=torch.float32) for values in (points, parting))
    return coordinates_of(*tensors, torch.tensor(CENTER_MM))


def _nearest_carried(actor: ActorCapture, template: Template, space: MaterialSpace) -> npt.NDArray[np.intp]:
    """The template's skin vertex (V,) nearest to each of the actor's, of those in tissue that face the same way."""
    skin = template.meshes["skin"]
    own = Mesh(actor.canonical, actor.faces)
    distance, index = cKDTree(skin.vertices).query(own.vertices, k=NEIGHBORS)
    agreement = np.einsum("sx,skx->sk", own.vertex_normals, skin.vertex_normals[index])
    usable = (agreement > FACING_COSINE) & (space.skin.hexes[index] >= 0)
    best = np.where(usable, distance, np.inf).argmin(axis=1)
    return index[np.arange(len(index)), best]
