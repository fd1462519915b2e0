"""The skin in the hexes: every vertex rides on the piece of material that lies right under it."""

from __future__ import annotations

import numpy as np

from .embedding import Embedding, embed_in_hexes
from .mesh import Mesh
from .tissue import Tissue

#: A piece is looked for no farther from the vertex than this, mm.
REACH_MM = 1.5


def embed_skin(skin: Mesh, tissue: Tissue) -> Embedding:
    """Embed all skin vertices; those without tissue under them get hex -1.

    Args:
        skin: closed surface, outward normals.
        tissue: the hexes.

    Returns:
        The embedding; its areas are those of the skin around each vertex.
    """
    reach = max(2.5 * tissue.voxels.edge, REACH_MM)
    hexes = tissue.skin_finder.find(skin.vertices, -skin.vertex_normals, reach)
    return embed_in_hexes(skin.vertices, hexes, tissue.split, tissue.voxels.origin, tissue.edge, vertex_areas(skin))


def vertex_areas(mesh: Mesh) -> np.ndarray:
    """Return a third of the area of the triangles around each vertex, (V,) mm^2."""
    corners = mesh.vertices[mesh.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2.0
    return np.bincount(mesh.triangles.ravel(), weights=np.repeat(area / 3.0, 3), minlength=len(mesh.vertices))
