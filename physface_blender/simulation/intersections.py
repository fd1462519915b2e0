"""Counting triangle pairs that go through each other, independently of the contact solver.

The solver promises that no state it accepts has intersections. This module checks that promise and
shares no code with it: a sweep along one axis finds pairs of overlapping boxes, a triangle-triangle
test by the signs of 3D orientations (as in Guigue and Devillers, "Fast and Robust Triangle-Triangle
Overlap Test Using Orientation Predicates", 2003) decides. A sign is believed only beyond the rounding
error of its determinant (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, stage A);
pairs with a doubtful sign are decided again in rational arithmetic. So the answer is exact for the
given float64 coordinates: two triangles that touch in one point intersect, two that miss each other
by the last bit do not.

Pairs that share a vertex are not counted (neighbors on a surface touch always), nor are triangles
without area.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

_APART, _MEET, _DOUBTFUL = 0, 1, 2
_ERROR_FACTOR = 1.0e-15
"""Above Shewchuk's (7 + 56 eps) eps = 7.8e-16 in space and (3 + 16 eps) eps in the plane, eps = 2^-53."""


@dataclass(frozen=True)
class IntersectionCount:
    """Pairs of triangles that intersect, by what meets what.

    Attributes:
        skin_skin: Lips and inner mouth among themselves.
        skin_upper_teeth: Lips and inner mouth with the upper teeth.
        skin_lower_teeth: Lips and inner mouth with the lower teeth.
    """

    skin_skin: int
    skin_upper_teeth: int
    skin_lower_teeth: int

    @property
    def total(self) -> int:
        """All pairs."""
        return self.skin_skin + self.skin_upper_teeth + self.skin_lower_teeth


def count_intersections(
    skin_vertices: NDArray[np.float64],
    patch_triangles: NDArray[np.int32],
    upper_teeth: tuple[NDArray[np.float64], NDArray[np.int32]],
    lower_teeth: tuple[NDArray[np.float64], NDArray[np.int32]],
) -> IntersectionCount:
    """Intersecting pairs among a patch of skin and the teeth; upper against lower teeth do not count.

    Args:
        skin_vertices: (V, 3) mm, the whole skin.
        patch_triangles: (M, 3) the skin's triangles that take part (lips and inner mouth).
        upper_teeth: Vertices (A, 3) mm and triangles (B, 3), where they are in this frame.
        lower_teeth: The same, moved with the jaw.

    Raises:
        ValueError: A coordinate is not a finite number.
    """
    parts = ((skin_vertices, patch_triangles), upper_teeth, lower_teeth)
    vertices = np.concatenate([np.asarray(part[0], dtype=np.float64) for part in parts])
    offsets = np.cumsum([0] + [len(part[0]) for part in parts])
    triangles = np.concatenate(
        [np.asarray(part[1], dtype=np.int64) + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    )
    groups = np.repeat(np.arange(3), [len(part[1]) for part in parts])
    counted = np.array([[True, True, True], [True, False, False], [True, False, False]])
    pairs = intersecting_pairs(vertices, triangles, groups, counted)
    other = groups[pairs].max(axis=1) if len(pairs) else np.empty(0, dtype=np.int64)
    return IntersectionCount(*(int((other == group).sum()) for group in range(3)))


def intersecting_pairs(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.integer],
    groups: NDArray[np.integer] | None = None,
    counted: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Pairs of triangles that share no vertex and have a point in common.

    Args:
        vertices: (V, 3), any unit.
        triangles: (M, 3) indices.
        groups: (M,) the group of each triangle; default all in group 0.
        counted: (G, G) symmetric, which groups are tested against each other; default all.

    Returns:
        (K, 2) triangle indices, the smaller first, in ascending order.

    Raises:
        ValueError: A coordinate is not a finite number, or a triangle points outside the vertices.
    """
    vertices = np.ascontiguousarray(vertices, dtype=np.float64)
    triangles = np.ascontiguousarray(triangles, dtype=np.int64)
    if len(triangles) == 0:
        return np.empty((0, 2), dtype=np.int64)
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise ValueError(f"A triangle points outside the {len(vertices)} vertices.")
    used = vertices[triangles]
    if not np.isfinite(used).all():
        raise ValueError("Intersections cannot be counted: a coordinate is not a finite number.")
    if groups is None:
        groups = np.zeros(len(triangles), dtype=np.int64)
    groups = np.ascontiguousarray(groups, dtype=np.int64)
    if counted is None:
        counted = np.ones((int(groups.max()) + 1,) * 2, dtype=bool)
    low, high = used.min(axis=1), used.max(axis=1)
    axis = int(np.argmax(high.max(axis=0) - low.min(axis=0)))
    order = np.argsort(low[:, axis], kind="stable")
    found, doubtful = _sweep(vertices, triangles, groups, np.ascontiguousarray(counted), low, high, order, axis)
    exact = [pair for pair in doubtful if _meet_exactly(used[pair[0]], used[pair[1]])]
    pairs = np.array([*found, *exact], dtype=np.int64).reshape(-1, 2)
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@numba.njit(cache=True)
def _sweep(vertices, triangles, groups, counted, low, high, order, axis):
    """Pairs that meet for certain, and pairs for the exact test, from a sweep along one axis."""
    found = [(np.int64(0), np.int64(0)) for _ in range(0)]
    doubtful = [(np.int64(0), np.int64(0)) for _ in range(0)]
    second, third = (axis + 1) % 3, (axis + 2) % 3
    for position in range(len(order)):
        a = order[position]
        end = high[a, axis]
        for later in range(position + 1, len(order)):
            b = order[later]
            if low[b, axis] > end:
                break
            if low[a, second] > high[b, second] or low[b, second] > high[a, second]:
                continue
            if low[a, third] > high[b, third] or low[b, third] > high[a, third]:
                continue
            if not counted[groups[a], groups[b]] or _share_a_vertex(triangles, a, b):
                continue
            answer = _meet(vertices, triangles, a, b)
            if answer == _MEET:
                found.append((a, b))
            elif answer == _DOUBTFUL:
                doubtful.append((a, b))
    return found, doubtful


@numba.njit(cache=True)
def _share_a_vertex(triangles, a, b):
    for i in range(3):
        for j in range(3):
            if triangles[a, i] == triangles[b, j]:
                return True
    return False


@numba.njit(cache=True)
def _meet(vertices, triangles, a, b):
    """Whether triangles a and b meet: yes, no, or not to be told in float64."""
    sides_a = np.empty(3, dtype=np.int64)
    sides_b = np.empty(3, dtype=np.int64)
    for i in range(3):
        sides_a[i] = _side(vertices, triangles[b, 0], triangles[b, 1], triangles[b, 2], triangles[a, i])
    if _all_on_one_side(sides_a):
        return _APART
    for i in range(3):
        sides_b[i] = _side(vertices, triangles[a, 0], triangles[a, 1], triangles[a, 2], triangles[b, i])
    if _all_on_one_side(sides_b):
        return _APART
    for i in range(3):
        if sides_a[i] == 0 or sides_b[i] == 0:
            return _APART if _apart_in_a_projection(vertices, triangles, a, b) else _DOUBTFUL
    doubt = False
    for i in range(3):
        j = (i + 1) % 3
        if sides_a[i] != sides_a[j]:
            answer = _edge_pierces(vertices, triangles[a, i], triangles[a, j], triangles, b)
            if answer == _MEET:
                return _MEET
            doubt |= answer == _DOUBTFUL
        if sides_b[i] != sides_b[j]:
            answer = _edge_pierces(vertices, triangles[b, i], triangles[b, j], triangles, a)
            if answer == _MEET:
                return _MEET
            doubt |= answer == _DOUBTFUL
    return _DOUBTFUL if doubt else _APART


@numba.njit(cache=True)
def _all_on_one_side(sides):
    return sides[0] != 0 and sides[0] == sides[1] and sides[1] == sides[2]


@numba.njit(cache=True)
def _apart_in_a_projection(vertices, triangles, a, b):
    """Whether an edge, seen along an axis, has one triangle on it and the other strictly on its far side.

    Settles nearly all (almost) coplanar neighbors without the exact test; True is certain, False is not.
    """
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for turn in range(2):
            own, other = (a, b) if turn == 0 else (b, a)
            for i in range(3):
                p, q, r = triangles[own, i], triangles[own, (i + 1) % 3], triangles[own, (i + 2) % 3]
                inside = _turn_2d(vertices, p, q, r, u, v)
                if inside == 0:
                    continue
                separated = True
                for j in range(3):
                    separated &= _turn_2d(vertices, p, q, triangles[other, j], u, v) == -inside
                if separated:
                    return True
    return False


@numba.njit(cache=True)
def _turn_2d(vertices, a, b, c, u, v):
    """Sign of the turn a, b, c seen in the axes u and v; 0 when rounding could have turned it."""
    left = (vertices[b, u] - vertices[a, u]) * (vertices[c, v] - vertices[a, v])
    right = (vertices[b, v] - vertices[a, v]) * (vertices[c, u] - vertices[a, u])
    bound = _ERROR_FACTOR * (abs(left) + abs(right))
    if left - right > bound:
        return 1
    if left - right < -bound:
        return -1
    return 0


@numba.njit(cache=True)
def _edge_pierces(vertices, p, q, triangles, t):
    """Whether the line p-q, whose ends lie on two sides of triangle t, runs through it."""
    first = _side(vertices, p, q, triangles[t, 0], triangles[t, 1])
    second = _side(vertices, p, q, triangles[t, 1], triangles[t, 2])
    third = _side(vertices, p, q, triangles[t, 2], triangles[t, 0])
    if first * second < 0 or second * third < 0 or third * first < 0:
        return _APART
    if first == 0 or second == 0 or third == 0:
        return _DOUBTFUL
    return _MEET


@numba.njit(cache=True)
def _side(vertices, a, b, c, d):
    """Sign of det(a - d, b - d, c - d); 0 when rounding could have turned it."""
    ax, ay, az = vertices[a, 0] - vertices[d, 0], vertices[a, 1] - vertices[d, 1], vertices[a, 2] - vertices[d, 2]
    bx, by, bz = vertices[b, 0] - vertices[d, 0], vertices[b, 1] - vertices[d, 1], vertices[b, 2] - vertices[d, 2]
    cx, cy, cz = vertices[c, 0] - vertices[d, 0], vertices[c, 1] - vertices[d, 1], vertices[c, 2] - vertices[d, 2]
    determinant = az * (bx * cy - cx * by) + bz * (cx * ay - ax * cy) + cz * (ax * by - bx * ay)
    size = (
        abs(az) * (abs(bx * cy) + abs(cx * by))
        + abs(bz) * (abs(cx * ay) + abs(ax * cy))
        + abs(cz) * (abs(ax * by) + abs(bx * ay))
    )
    bound = _ERROR_FACTOR * size
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    return 0


_Point = tuple[Fraction, Fraction, Fraction]


def _meet_exactly(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two triangles (3, 3) have a point in common, in rational arithmetic.

    They do exactly when an edge of one meets the other triangle. A triangle without area meets nothing.
    """
    first = [tuple(Fraction(value) for value in corner) for corner in a.tolist()]
    second = [tuple(Fraction(value) for value in corner) for corner in b.tolist()]
    if not any(_normal(first)) or not any(_normal(second)):
        return False
    return any(
        _segment_meets(p, q, triangle)
        for corners, triangle in ((first, second), (second, first))
        for p, q in pairwise([*corners, corners[0]])
    )


def _minus(p: _Point, q: _Point) -> _Point:
    return (p[0] - q[0], p[1] - q[1], p[2] - q[2])


def _cross(p: _Point, q: _Point) -> _Point:
    return (p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0])


def _dot(p: _Point, q: _Point) -> Fraction:
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


def _normal(triangle: list[_Point]) -> _Point:
    return _cross(_minus(triangle[1], triangle[0]), _minus(triangle[2], triangle[0]))


def _segment_meets(p: _Point, q: _Point, triangle: list[_Point]) -> bool:
    """Whether the closed segment p-q meets the closed triangle, which has area."""
    normal = _normal(triangle)
    side_p = _dot(normal, _minus(p, triangle[0]))
    side_q = _dot(normal, _minus(q, triangle[0]))
    if side_p * side_q > 0:
        return False
    dropped = max(range(3), key=lambda axis: abs(normal[axis]))
    flat = [_drop(corner, dropped) for corner in triangle]
    if side_p == 0 and side_q == 0:
        ends = _drop(p, dropped), _drop(q, dropped)
        return _inside(ends[0], flat) or any(
            _segments_meet(*ends, start, end) for start, end in pairwise([*flat, flat[0]])
        )
    share = side_p / (side_p - side_q)
    crossing = tuple(start + share * (end - start) for start, end in zip(p, q, strict=True))
    return _inside(_drop(crossing, dropped), flat)


def _drop(point: _Point, axis: int) -> tuple[Fraction, Fraction]:
    return tuple(value for index, value in enumerate(point) if index != axis)


def _turn(a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction], c: tuple[Fraction, Fraction]) -> Fraction:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _inside(point: tuple[Fraction, Fraction], triangle: list[tuple[Fraction, Fraction]]) -> bool:
    turns = [_turn(start, end, point) for start, end in pairwise([*triangle, triangle[0]])]
    return all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)


def _segments_meet(a, b, c, d) -> bool:
    """Whether the closed segments a-b and c-d of a plane have a point in common."""
    if _turn(a, b, c) * _turn(a, b, d) > 0 or _turn(c, d, a) * _turn(c, d, b) > 0:
        return False
    return all(
        max(min(a[axis], b[axis]), min(c[axis], d[axis])) <= min(max(a[axis], b[axis]), max(c[axis], d[axis]))
        for axis in range(2)
    )
