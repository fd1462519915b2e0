"""The free-form finish of a fit: what makes the person and is not in the model, as a smooth field on the skin."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..anatomy.face_region import INNER_REGIONS
from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from .face_points import FacePoints
from .residual_warp import ResidualWarp
from .scan import Scan

SMOOTHNESS = 1.5
"""Weight of the squared Laplacian against the squared distance: features narrower than about three edges are lost."""
REST = 0.004
"""Weight of the squared field itself: where nothing is seen it fades over some 10 mm."""
REACH_MM = 3.0
"""A distance at which a point of the scan counts little."""
LEAST_FACING = 0.6
ROUNDS = 3
MEETING_REGIONS = (
    *INNER_REGIONS,
    "contact",
    "upper_lip",
    "lower_lip",
    "upper_lid_left",
    "upper_lid_right",
    "lower_lid_left",
    "lower_lid_right",
)
FADING_EDGES = 3
SHARE_OF_TISSUE, MOST_MM = 0.5, 6.0
"""The field moves the skin by no more than this share of the tissue under it, and no more than this in all."""


def fit_residual(scan: Scan, rest: np.ndarray, performed: np.ndarray, template: Template, points: FacePoints):
    """Find the field with which the skin lies on the scan.

    Args:
        scan: in the frame of the model, mm.
        rest: (V, 3) skin of the fitted identity at rest.
        performed: (V, 3) the same in the fitted expression.
        template: the mean face.
        points: which of its skin can be seen.

    Returns:
        (V, 3) displacements in mm of the skin at rest.
    """
    skin = template.meshes["skin"]
    bound = _bounds(template)
    smooth = _bending(skin)
    turn = skin_turns(skin, rest, performed)
    field = np.zeros_like(rest)
    for _ in range(ROUNDS):
        current = performed + field
        hits = scan.nearest(current)
        facing = np.einsum("px,px->p", hits.normals, Mesh(current, skin.faces).vertex_normals)
        seen = points.outer & ~hits.on_rim & (facing > LEAST_FACING)
        weights = np.where(seen, (1.0 + (hits.distances / REACH_MM) ** 2) ** -2, 0.0)
        target = field + hits.points - current
        system = diags(weights + REST) + SMOOTHNESS * smooth
        field = splu(system.tocsc()).solve(weights[:, None] * target)
        size = np.linalg.norm(field, axis=1)
        field *= (bound * np.tanh(size / bound) / np.maximum(size, 1e-12))[:, None]
    return _meeting_alike(np.einsum("pxy,py->px", turn, field), template)


def _meeting_alike(residual: np.ndarray, template: Template) -> np.ndarray:
    """The field (V, 3) with lips and lids that move as one.

    Surfaces that may touch must not be pushed through each other by what a scanner saw of them: there the field is the
    warp of space that follows from the skin around, fading into the free field.
    """
    skin = template.meshes["skin"]
    meeting = np.any([template.regions[name] > 0.5 for name in MEETING_REGIONS], axis=0).astype(np.float64)
    edges = np.concatenate([skin.edges, skin.edges[:, ::-1]])
    count = np.bincount(edges[:, 0], minlength=len(meeting))
    held = meeting > 0.0
    for _ in range(FADING_EDGES):
        meeting = np.bincount(edges[:, 0], meeting[edges[:, 1]], minlength=len(meeting)) / np.maximum(count, 1)
        meeting[held] = 1.0
    alike = ResidualWarp.of(template, residual, held).warp.displacement(skin.vertices)
    return residual + meeting[:, None] * (alike - residual)


def performed_residual(skin: Mesh, rest: np.ndarray, performed: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """The field (V, 3) of the skin at rest, turned with the skin in an expression."""
    return np.einsum("pyx,py->px", skin_turns(skin, rest, performed), residual)


def _bounds(template: Template) -> np.ndarray:
    """How far the field may go (V,), mm."""
    bones = np.concatenate([template.meshes[part].vertices for part in ("skull", "mandible")])
    thickness, _ = cKDTree(bones).query(template.meshes["skin"].vertices)
    return np.minimum(SHARE_OF_TISSUE * thickness, MOST_MM)


def _bending(mesh: Mesh):
    """The squared graph Laplacian (V, V) of a mesh; every vertex is compared with the mean of its neighbors."""
    count, edges = len(mesh.vertices), mesh.edges
    both = np.concatenate([edges, edges[:, ::-1]])
    adjacency = coo_matrix((np.ones(len(both)), both.T), shape=(count, count)).tocsr()
    laplacian = diags(np.ones(count)) - diags(1.0 / np.maximum(adjacency.sum(axis=1).A1, 1.0)) @ adjacency
    return laplacian.T @ laplacian


def skin_turns(skin: Mesh, rest: np.ndarray, performed: np.ndarray) -> np.ndarray:
    """Rotations (V, 3, 3) of every vertex from the performed skin back to rest, from its normal and one of its edges."""
    ahead = np.zeros(len(rest), dtype=np.int64)
    ahead[skin.edges[:, 0]] = skin.edges[:, 1]
    ahead[skin.edges[:, 1]] = skin.edges[:, 0]
    return np.swapaxes(_frames(skin, rest, ahead), 1, 2) @ _frames(skin, performed, ahead)


def _frames(skin: Mesh, vertices: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Orthonormal frames (V, 3, 3), one axis a row."""
    normal = Mesh(vertices, skin.faces).vertex_normals
    along = vertices[ahead] - vertices
    along -= np.einsum("px,px->p", along, normal)[:, None] * normal
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    return np.stack([along, np.cross(normal, along), normal], axis=1)
