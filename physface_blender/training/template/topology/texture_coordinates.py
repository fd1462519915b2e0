"""Texture coordinates of the source, carried to a mesh that lies on its skin.

A quad belongs to the island of the source's layout that most of it lies in. Where one of its corners lies beyond the
island's seam, it gets the coordinates of the nearest place of the island, so that no quad shows what is beside it.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ....anatomy.nearest_surface import nearest_on_surface
from ..face_source import FaceSource
from .remesh import Remesh

MERGED = 1e-6


def carried_texture_coordinates(source: FaceSource, remesh: Remesh) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates (U, 2) float32 and, for every face of the mesh, its corners among them, (F, 4) int32."""
    rows = source.face_rows(0, source.skin_count)
    uv_faces = source.uv_faces[rows]
    vertices, faces = remesh.source_skin.vertices, remesh.source_skin.faces
    triangles = np.stack([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    uv_triangles = np.stack([uv_faces[:, [0, 1, 2]], uv_faces[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    island = _islands(uv_triangles, len(source.uv))[uv_triangles[:, 0]]
    on_right = (vertices[triangles, 0] <= 0).all(axis=1)
    skin = remesh.skin
    corners, places, kinds = [], [], []
    for side, of_side in enumerate((~on_right, on_right)):
        first = side * remesh.half_count
        mesh_faces = skin.faces[first : first + remesh.half_count]
        kind = _kinds(remesh, triangles[of_side], island[of_side], mesh_faces)
        for number in np.unique(kind):
            own = np.flatnonzero(of_side & (island == number))
            used = np.unique(mesh_faces[kind == number])
            places.append(_coordinates_at(skin.vertices[used], vertices, triangles[own], source.uv[uv_triangles[own]]))
            local = np.full(len(skin.vertices), -1)
            local[used] = np.arange(len(used)) + sum(map(len, places[:-1]))
            corners.append(local[mesh_faces[kind == number]])
            kinds.append(first + np.flatnonzero(kind == number))
    uv_of = np.empty_like(skin.faces)
    uv_of[np.concatenate(kinds)] = np.concatenate(corners)
    # The two halves of an island meet in the middle with the same coordinates unless there is a seam.
    uv, merged = np.unique(np.round(np.concatenate(places) / MERGED).astype(np.int64), axis=0, return_inverse=True)
    return (uv * MERGED).astype(np.float32), merged.ravel()[uv_of].astype(np.int32)


def _islands(uv_triangles: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) the number of the island of every texture coordinate."""
    pairs = np.concatenate([uv_triangles[:, [0, 1]], uv_triangles[:, [1, 2]]])
    return connected_components(coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count)))[1]


def _kinds(remesh: Remesh, triangles: np.ndarray, island: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return (F,) the island under most of each face's corners, counted at the source's vertices below them."""
    votes = np.zeros((len(faces), island.max() + 1))
    touched = np.zeros((len(remesh.source_skin.vertices), island.max() + 1))
    np.add.at(touched, (triangles.ravel(), np.repeat(island, 3)), 1.0)
    touched /= touched.sum(axis=1, keepdims=True).clip(1.0)
    for corner in range(4):
        below = remesh.corners[faces[:, corner]]
        votes += np.einsum("fc,fck->fk", remesh.barycentric[faces[:, corner]], touched[below])
    return votes.argmax(axis=1)


def _coordinates_at(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Return (P, 2) coordinates at the places of triangles with coordinates (T, 3, 2) nearest to points (P, 3)."""
    hits = nearest_on_surface(points, vertices, triangles)
    return np.einsum("pc,pcx->px", hits.barycentric, uv[hits.triangles])
