"""The lashes of the source face, bound to the skin at their roots."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from ...anatomy.mesh import Mesh
from ...anatomy.surface_binding import SurfaceBinding
from .face_source import FaceSource
from .nearest import nearest_on_surface

ROOT_DISTANCE = 0.8


def lashes_of(source: FaceSource, skin: Mesh) -> tuple[Mesh, SurfaceBinding]:
    """Return both sides' lashes as one mesh and their binding to the skin.

    Every vertex of a hair card rides on the skin triangle under the nearest root of its own card, so a card
    turns with the lid and keeps its length.
    """
    parts = [source.part("eyelashes_left"), source.part("eyelashes_right")]
    offset = len(parts[0].vertices)
    shifted = np.where(parts[1].faces < 0, -1, parts[1].faces + offset)
    mesh = Mesh(
        np.concatenate([part.vertices for part in parts]), np.concatenate([parts[0].faces, shifted]).astype(np.int32)
    )
    hits = nearest_on_surface(mesh.vertices, skin.vertices, skin.triangles)
    root = _root_of_each(mesh, hits.distances)
    triangles = skin.triangles[hits.triangles[root]]
    return mesh, SurfaceBinding.bind(mesh.vertices, skin.vertices, triangles, hits.barycentric[root])


def _root_of_each(mesh: Mesh, skin_distance: np.ndarray) -> np.ndarray:
    """Return (V,) for every vertex the vertex on the skin that is nearest along its card."""
    first, second = mesh.edges.T
    length = np.linalg.norm(mesh.vertices[first] - mesh.vertices[second], axis=1)
    graph = coo_matrix((length, (first, second)), shape=(len(mesh.vertices),) * 2).tocsr()
    _, card = connected_components(graph, directed=False)
    is_root = skin_distance < ROOT_DISTANCE
    for number in range(card.max() + 1):
        if not is_root[card == number].any():
            raise ValueError("A lash card does not touch the skin.")
    roots = np.flatnonzero(is_root)
    reach = dijkstra(graph, directed=False, indices=roots)
    return roots[reach.argmin(axis=0)]
