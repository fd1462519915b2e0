"""Clears the resting contact surfaces: lips off lips, lining off teeth.

The source face touches itself near the mouth's corners; a simulation with contact must start from a state
without intersections.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, vstack
from scipy.spatial import cKDTree

from ...anatomy.mesh import Mesh
from .distance_field import DistanceField

TOOTH_GAP = 0.5
LIP_GAP = 0.08
STEP = 0.12
ROUNDS = 40
FACING_DISTANCE = 0.9
FACING_COSINE = -0.5


def cleared_contact(skin: Mesh, contact: np.ndarray, teeth: list[Mesh]) -> np.ndarray:
    """Return skin vertices (V, 3) whose contact region is clear of itself and of the teeth.

    Args:
        skin: normals outward, so from the tissue into the air.
        contact: (V,) bool, vertices that may move.
        teeth: closed meshes.

    Raises:
        ValueError: an overlap is left after all rounds.
    """
    fields = [DistanceField(jaw) for jaw in teeth]
    vertices = skin.vertices.copy()
    samples = sample_matrix(skin, contact)
    rows = samples.tocoo()
    spread = _spread_matrix(skin, contact)
    for _ in range(ROUNDS):
        current = skin.with_vertices(vertices)
        points = samples @ vertices
        normals = samples @ current.vertex_normals
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        push = np.where(_is_overlapped(points, normals), STEP, 0.0)
        for field in fields:
            push = np.maximum(push, np.minimum(TOOTH_GAP - field.at(points), STEP))
        if not (push > 0).any():
            return vertices
        wanted = np.zeros(len(vertices))
        np.maximum.at(wanted, rows.col, np.where(push > 0, push + 0.01, 0)[rows.row])
        amount = np.maximum(wanted, spread @ wanted) * contact
        vertices -= amount[:, None] * current.vertex_normals
    raise ValueError(f"{int((push > 0).sum())} places of the mouth still overlap at rest.")


def _is_overlapped(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return (P,) True for points that lie behind, or closer than ``LIP_GAP`` before, a sheet that faces them.

    Tissue in the contact region is much thicker than ``FACING_DISTANCE``, so two sheets that face each other
    at that distance have air between them, or overlap.
    """
    pairs = cKDTree(points).query_pairs(FACING_DISTANCE, output_type="ndarray")
    pairs = pairs[(normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1) < FACING_COSINE]
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    height = ((points[pairs[:, 0]] - points[pairs[:, 1]]) * normals[pairs[:, 1]]).sum(axis=1)
    overlapped = np.zeros(len(points), dtype=bool)
    overlapped[pairs[height < LIP_GAP, 0]] = True
    return overlapped


def sample_matrix(mesh: Mesh, region: np.ndarray) -> csr_matrix:
    """Return the (P, V) matrix of a region's vertices, edge middles and face middles."""
    blocks = []
    for groups in (np.arange(len(region))[:, None], mesh.edges, mesh.triangles):
        groups = groups[region[groups].all(axis=1)]
        row = np.repeat(np.arange(len(groups)), groups.shape[1])
        share = np.full(groups.size, 1 / groups.shape[1])
        blocks.append(coo_matrix((share, (row, groups.ravel())), shape=(len(groups), len(region))))
    return vstack(blocks).tocsr()


def _spread_matrix(skin: Mesh, contact: np.ndarray) -> csr_matrix:
    """Return the (V, V) matrix that gives a vertex half of the mean of its neighbors in the region."""
    edges = skin.edges[contact[skin.edges].all(axis=1)]
    both = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(contact)).clip(1)
    return coo_matrix((0.5 / degree[both[:, 0]], both.T), shape=(len(contact),) * 2).tocsr()
