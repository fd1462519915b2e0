"""A map of a surface without holes to the disk, in which no triangle is turned over.

W. T. Tutte, How to draw a graph (1963), with the mean value weights of M. Floater (2003), which are positive, so
that the map is one to one whatever the shape of the surface.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import spsolve


def disk_map(vertices: np.ndarray, triangles: np.ndarray, boundary: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return places in the unit disk, (V, 2).

    Args:
        vertices: (V, 3) millimeters; rows that no triangle uses stay at nan.
        triangles: (T, 3) of a surface with one boundary.
        boundary: (B,) vertices once around.
        shares: (B,) rising share 0..1 of the circle at which each lies.
    """
    flat = np.full((len(vertices), 2), np.nan)
    flat[boundary] = np.column_stack([np.cos(2 * np.pi * shares), np.sin(2 * np.pi * shares)])
    free = np.setdiff1d(np.unique(triangles), boundary)
    matrix = mean_value_matrix(vertices, triangles)
    return _solved(matrix, flat, free, boundary)


def mean_value_matrix(vertices: np.ndarray, triangles: np.ndarray) -> csr_matrix:
    """Return the (V, V) weights of Floater's mean value coordinates, rows not normalized."""
    rows, columns, weights = [], [], []
    for k in range(3):
        center, second, third = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        a, b = vertices[second] - vertices[center], vertices[third] - vertices[center]
        across = np.linalg.norm(np.cross(a, b), axis=1)
        length_a, length_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        # tan(angle / 2) = (|a||b| - a.b) / |a x b|, written so that it is exact for small angles.
        half = across / (length_a * length_b + (a * b).sum(axis=1))
        rows += [center, center]
        columns += [second, third]
        weights += [half / length_a, half / length_b]
    shape = (len(vertices), len(vertices))
    return coo_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()


def _solved(matrix: csr_matrix, known: np.ndarray, free: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return values (V, D) in which every free row is the weighted mean of its neighbors."""
    laplacian = (diags(np.asarray(matrix.sum(axis=1)).ravel()) - matrix).tocsr()[free]
    result = known.copy()
    result[free] = spsolve(laplacian[:, free].tocsc(), -laplacian[:, fixed] @ known[fixed])
    return result


def spread(edges: np.ndarray, weights: np.ndarray, known: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return values (V, D) with each vertex that is not fixed in the weighted middle of its neighbors.

    Args:
        edges: (E, 2) of the graph.
        weights: (E,) above 0.
        known: (V, D), read at the fixed vertices only.
        fixed: their numbers.
    """
    count = len(known)
    both = np.concatenate([edges, edges[:, ::-1]])
    matrix = coo_matrix((np.tile(weights, 2), both.T), shape=(count, count)).tocsr()
    return _solved(matrix, known, np.setdiff1d(np.arange(count), fixed), fixed)


def middle_of_neighbors(values: np.ndarray, edges: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (V, D) for every vertex the weighted mean of the values (V, D) at the other ends of its edges (E, 2)."""
    first, last = edges.T
    count = len(values)
    total = np.bincount(first, weights, count) + np.bincount(last, weights, count)
    sums = [
        np.bincount(first, weights * column[last], count) + np.bincount(last, weights * column[first], count)
        for column in values.T
    ]
    return np.stack(sums, axis=1) / total[:, None]


def locate(points: np.ndarray, flat: np.ndarray, triangles: np.ndarray, start: np.ndarray | None = None):
    """Return triangle (P,) and barycentric coordinates (P, 3) of points (P, 2) in a flat mesh.

    A point beyond the boundary, as on the chords of a round one, gets the triangle it is least outside of.

    Args:
        points: where.
        flat: (V, 2) places of the vertices.
        triangles: (T, 3), none turned over.
        start: (P,) a triangle near each point, which saves time.
    """
    if start is None:
        start = np.full(len(points), -1)
    return _locate(np.ascontiguousarray(points), flat, triangles, _neighbors(triangles), start.astype(np.int64))


def _neighbors(triangles: np.ndarray) -> np.ndarray:
    """Return (T, 3) the triangle across the side opposite to each corner, -1 at the boundary."""
    sides = np.stack([triangles[:, [1, 2]], triangles[:, [2, 0]], triangles[:, [0, 1]]], axis=1).reshape(-1, 2)
    order = np.lexsort(np.sort(sides, axis=1).T)
    ordered = np.sort(sides, axis=1)[order]
    same = np.flatnonzero((ordered[1:] == ordered[:-1]).all(axis=1))
    result = np.full(len(sides), -1, dtype=np.int64)
    result[order[same]], result[order[same + 1]] = order[same + 1] // 3, order[same] // 3
    return result.reshape(-1, 3)


@njit(cache=True, error_model="numpy")
def _locate(points, flat, triangles, neighbors, start):
    """See ``locate``: a walk toward the point, and a look at every triangle where the walk ends at the boundary."""
    count = points.shape[0]
    index = np.zeros(count, np.int64)
    barycentric = np.zeros((count, 3))
    for p in range(count):
        found = False
        t = start[p]
        for _ in range(2000 if t >= 0 else 0):
            w0, w1, w2 = _weights(points[p], flat, triangles[t])
            if min(w0, w1, w2) >= -1e-12:
                index[p], found = t, True
                barycentric[p, 0], barycentric[p, 1], barycentric[p, 2] = w0, w1, w2
                break
            lowest = 0 if w0 <= w1 and w0 <= w2 else (1 if w1 <= w2 else 2)
            t = neighbors[t, lowest]
            if t < 0:
                break
        if not found:
            best = -np.inf
            for t in range(triangles.shape[0]):
                w0, w1, w2 = _weights(points[p], flat, triangles[t])
                inside = min(w0, w1, w2)
                if inside > best:
                    best, index[p] = inside, t
                    barycentric[p, 0], barycentric[p, 1], barycentric[p, 2] = w0, w1, w2
                    if inside >= 0.0:
                        break
        for k in range(3):
            barycentric[p, k] = min(max(barycentric[p, k], 0.0), 1.0)
        barycentric[p] /= barycentric[p].sum()
    return index, barycentric


@njit(cache=True, error_model="numpy")
def _weights(point, flat, triangle):
    """Return the three barycentric coordinates of a point in a flat triangle."""
    a, b, c = flat[triangle[0]], flat[triangle[1]], flat[triangle[2]]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    x, y = point[0] - a[0], point[1] - a[1]
    v = (x * (c[1] - a[1]) - y * (c[0] - a[0])) / area
    w = ((b[0] - a[0]) * y - (b[1] - a[1]) * x) / area
    return 1.0 - v - w, v, w
