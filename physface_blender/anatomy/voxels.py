"""Sub-voxels of the soft tissue: which small cubes are tissue, and which neighbours are joined by material.

A sub-voxel is known by its center. It is tissue when the center lies inside the skin and outside every solid (bones,
teeth). Two neighbors are *joined* when both are tissue and no surface crosses the segment between their centers. Both
questions are answered from exact crossings of grid lines with the triangles, so a gap that is far thinner than a
sub-voxel still separates what lies on its two sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

#: Sub-voxel value: the center is tissue.
TISSUE = np.uint8(8)


@dataclass(frozen=True)
class Surface:
    """A closed triangle surface with outward normals.

    Attributes:
        vertices: (V, 3) float64, mm.
        triangles: (T, 3) int32, counter-clockwise seen from outside.
        solid: True for what tissue cannot be in (bone, tooth), False for the skin that tissue must be in.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    solid: bool


@dataclass(frozen=True)
class SubVoxels:
    """A window of sub-voxels.

    Attributes:
        origin: (3,) float64, mm, the low corner of the window.
        edge: edge of a sub-voxel, mm.
        states: (nx, ny, nz) uint8: bit 3 (`TISSUE`) says tissue, bits 0, 1, 2 say that a surface crosses the segment
            from this center to the center of the next sub-voxel along x, y, z.
    """

    origin: np.ndarray
    edge: float
    states: np.ndarray

    def centers(self, indices: np.ndarray) -> np.ndarray:
        """Return the centers (P, 3) in mm of sub-voxel indices (P, 3)."""
        return self.origin + (np.asarray(indices, dtype=np.float64) + 0.5) * self.edge


def classify(surfaces: list[Surface], origin: np.ndarray, edge: float, shape: tuple[int, int, int]) -> SubVoxels:
    """Classify the sub-voxels of a window.

    Inside is a positive winding number along lines parallel to z that come from behind, so surfaces may overlap
    themselves. The skin may have one opening (the neck) if no line of the window runs through it.

    Args:
        surfaces: the skin (`solid=False`) and the solids.
        origin: (3,) low corner in mm.
        edge: sub-voxel edge in mm.
        shape: number of sub-voxels along x, y, z.

    Returns:
        The classified window.
    """
    origin = np.asarray(origin, dtype=np.float64)
    states = np.zeros(shape, dtype=np.uint8)
    winding = np.zeros(shape, dtype=np.int8)
    for solid in (False, True):
        for surface in surfaces:
            if surface.solid != solid:
                continue
            # Coordinates in sub-voxels, centers at the integers.
            vertices = np.ascontiguousarray((surface.vertices - origin) / edge - 0.5)
            triangles = np.ascontiguousarray(surface.triangles, dtype=np.int32)
            winding[...] = 0
            for axis in range(3):
                _mark_crossings(vertices, triangles, axis, states, winding)
            _apply_winding(winding, states, solid)
    return SubVoxels(origin, float(edge), states)


@numba.njit(cache=True)
def _side_of_edge(i, ui, vi, j, uj, vj, u, v):
    """Side of the edge from vertex i to vertex j on which (u, v) lies: +1 left, -1 right, never 0.

    The edge is always evaluated from the lower to the higher index, so two triangles that share it agree to the last
    bit. A tie is broken as if (u, v) were moved by (e, e^2) with e tiny.
    """
    if i < j:
        au, av, bu, bv, sign = ui, vi, uj, vj, 1
    else:
        au, av, bu, bv, sign = uj, vj, ui, vi, -1
    cross = (bu - au) * (v - av) - (bv - av) * (u - au)
    if cross == 0.0:
        cross = av - bv
        if cross == 0.0:
            cross = bu - au
    return sign if cross > 0.0 else -sign


@numba.njit(cache=True)
def _mark_crossings(vertices, triangles, axis, states, winding):
    """Set the crossing bit `axis` of every segment a triangle crosses; for axis 2 also count signed entries."""
    u_axis = (axis + 1) % 3
    v_axis = (axis + 2) % 3
    u_count = states.shape[u_axis]
    v_count = states.shape[v_axis]
    w_count = states.shape[axis]
    bit = np.uint8(1 << axis)
    index = np.zeros(3, dtype=np.int64)
    for t in range(triangles.shape[0]):
        i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        u0, u1, u2 = vertices[i0, u_axis], vertices[i1, u_axis], vertices[i2, u_axis]
        v0, v1, v2 = vertices[i0, v_axis], vertices[i1, v_axis], vertices[i2, v_axis]
        u_low = max(int(np.ceil(min(u0, u1, u2))), 0)
        u_high = min(int(np.floor(max(u0, u1, u2))), u_count - 1)
        v_low = max(int(np.ceil(min(v0, v1, v2))), 0)
        v_high = min(int(np.floor(max(v0, v1, v2))), v_count - 1)
        if u_low > u_high or v_low > v_high:
            continue
        w0, w1, w2 = vertices[i0, axis], vertices[i1, axis], vertices[i2, axis]
        area = (u1 - u0) * (v2 - v0) - (v1 - v0) * (u2 - u0)
        for u in range(u_low, u_high + 1):
            for v in range(v_low, v_high + 1):
                side = _side_of_edge(i0, u0, v0, i1, u1, v1, u, v)
                if side != _side_of_edge(i1, u1, v1, i2, u2, v2, u, v):
                    continue
                if side != _side_of_edge(i2, u2, v2, i0, u0, v0, u, v):
                    continue
                if area != 0.0:
                    b1 = ((u - u0) * (v2 - v0) - (v - v0) * (u2 - u0)) / area
                    b2 = ((u1 - u0) * (v - v0) - (v1 - v0) * (u - u0)) / area
                    w = w0 + b1 * (w1 - w0) + b2 * (w2 - w0)
                else:
                    w = w0
                w = min(max(w, min(w0, w1, w2)), max(w0, w1, w2))
                before = int(np.floor(w))
                if before >= w_count:
                    continue
                index[u_axis] = u
                index[v_axis] = v
                if before >= 0:
                    index[axis] = before
                    states[index[0], index[1], index[2]] |= bit
                if axis == 2 and before + 1 < w_count:
                    index[2] = max(before + 1, 0)
                    # Seen along +z a surface is entered where its projection is clockwise (side < 0).
                    winding[index[0], index[1], index[2]] -= side


@numba.njit(cache=True)
def _apply_winding(winding, states, solid):
    """Turn signed entries into the winding number and set (skin) or clear (solid) the tissue bit."""
    for i in range(winding.shape[0]):
        for j in range(winding.shape[1]):
            number = 0
            for k in range(winding.shape[2]):
                number += winding[i, j, k]
                if solid:
                    if number > 0:
                        states[i, j, k] &= np.uint8(7)
                elif number > 0:
                    states[i, j, k] |= np.uint8(8)
