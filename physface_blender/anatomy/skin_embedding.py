"""The skin in the hexes: every vertex rides on the piece of material that lies right under it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from .embedding import Embedding, embed_in_hexes
from .mesh import Mesh
from .tissue import Tissue

#: A piece is looked for no farther from the vertex than this, mm.
REACH_MM = 1.5
#: A vertex without a piece of its own takes that of a vertex no farther along the surface than this, mm.
CONTINUE_MM = 1.5


def embed_skin(skin: Mesh, tissue: Tissue) -> Embedding:
    """Embed all skin vertices; those without tissue under them get hex -1.

    A vertex that sees no tissue under it, because the skin overlaps itself there, rides on the hex of the nearest
    embedded vertex along the surface.

    Args:
        skin: closed surface, outward normals.
        tissue: the hexes.

    Returns:
        The embedding; its areas are those of the skin around each vertex.
    """
    reach = max(2.5 * tissue.voxels.edge, REACH_MM)
    hexes = tissue.skin_finder.find(skin.vertices, -skin.vertex_normals, reach)
    if (hexes >= 0).any():
        hexes = _continue_along_surface(skin, hexes)
    return embed_in_hexes(skin.vertices, hexes, tissue.split, tissue.voxels.origin, tissue.edge, vertex_areas(skin))


def _continue_along_surface(skin: Mesh, hexes: np.ndarray) -> np.ndarray:
    """Return hexes (V,) in which vertices without one have that of the nearest vertex along the edges, if near."""
    edges = skin.edges
    lengths = np.linalg.norm(skin.vertices[edges[:, 0]] - skin.vertices[edges[:, 1]], axis=1)
    graph = coo_matrix((np.maximum(lengths, 1e-9), edges.T), shape=(len(hexes), len(hexes))).tocsr()
    distance, _, source = dijkstra(
        graph,
        directed=False,
        indices=np.flatnonzero(hexes >= 0),
        limit=CONTINUE_MM,
        min_only=True,
        return_predecessors=True,
    )
    reached = np.isfinite(distance)
    return np.where(reached, hexes[np.where(reached, source, 0)], -1).astype(np.int32)


def vertex_areas(mesh: Mesh) -> np.ndarray:
    """Return a third of the area of the triangles around each vertex, (V,) mm^2."""
    corners = mesh.vertices[mesh.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2.0
    return np.bincount(mesh.triangles.ravel(), weights=np.repeat(area / 3.0, 3), minlength=len(mesh.vertices))
