"""Where soft tissue grows on bone: points on the bone surfaces, embedded in the tissue that they hold."""

from __future__ import annotations

import numpy as np

from .embedding import Embedding, PieceFinder, embed_in_hexes
from .mesh import Mesh
from .tissue import Tissue


def bone_attachment(bone: Mesh, tissue: Tissue) -> Embedding:
    """Find where a bone touches tissue, one point per touched hex.

    The bone's triangles are cut into pieces of at most half a cell; the pieces that touch tissue are gathered by hex;
    the point is their mean, its area their sum.

    Args:
        bone: closed surface, outward normals.
        tissue: the hexes.

    Returns:
        The embedded points with areas; every point has a hex.
    """
    edge = tissue.edge
    finder = PieceFinder(tissue.voxels, tissue.split, tissue.division, bone.vertices, bone.triangles)
    corners = bone.vertices[bone.triangles]
    low, high = tissue.voxels.origin, tissue.voxels.centers(np.array(tissue.voxels.states.shape))
    corners = corners[((corners > low) & (corners < high)).any(axis=(1, 2))]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1) / 2.0
    solid = area > 0.0
    corners, longest, area = corners[solid], longest[solid], area[solid]
    normals = normals[solid] / (2.0 * area[:, None])
    points, outward, areas = [], [], []
    divisions = np.maximum(np.ceil(longest / (0.5 * edge)).astype(int), 1)
    for count in np.unique(divisions):
        chosen = divisions == count
        weights = _sub_triangle_centers(count)
        points.append(np.einsum("sk,tkx->tsx", weights, corners[chosen]).reshape(-1, 3))
        outward.append(np.repeat(normals[chosen], len(weights), axis=0))
        areas.append(np.repeat(area[chosen] / len(weights), len(weights)))
    points, outward, areas = np.concatenate(points), np.concatenate(outward), np.concatenate(areas)
    hexes = finder.find(points, outward, 1.5 * tissue.voxels.edge)
    touching = hexes >= 0
    touched, group = np.unique(hexes[touching], return_inverse=True)
    total = np.bincount(group, weights=areas[touching])
    mean = np.stack(
        [np.bincount(group, weights=areas[touching] * points[touching, axis]) / total for axis in range(3)], axis=1
    )
    return embed_in_hexes(mean, touched.astype(np.int32), tissue.split, tissue.voxels.origin, edge, total)


def _sub_triangle_centers(count: int) -> np.ndarray:
    """Return barycentric centers (count^2, 3) of a triangle cut into count^2 equal triangles."""
    centers = []
    for i in range(count):
        for j in range(count - i):
            centers.append(((i + 1 / 3) / count, (j + 1 / 3) / count))
            if i + j < count - 1:
                centers.append(((i + 2 / 3) / count, (j + 2 / 3) / count))
    a, b = np.array(centers).T
    return np.stack([1.0 - a - b, a, b], axis=1)
