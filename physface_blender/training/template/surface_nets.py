"""The zero surface of a field on a grid, as a closed triangle mesh (naive surface nets, Gibson 1998)."""

from __future__ import annotations

import numpy as np

from .signed_field import Grid

CUBE = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
CUBE_EDGES = [(a, b) for a in range(8) for b in range(8) if a < b and np.abs(CUBE[a] - CUBE[b]).sum() == 1]


def extract_surface(field: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface where the field changes sign.

    One vertex lies in every cell with a change of sign, at the mean of the crossings of its edges.

    Args:
        field: (nx, ny, nz), negative inside, positive on the border of the grid.
        grid: where the field is given.

    Returns:
        Vertices (V, 3) in millimeters and triangles (T, 3) with normals toward positive values.
    """
    inside = field < 0
    cells = tuple(count - 1 for count in field.shape)
    corner_inside = np.stack([inside[_shifted(offset, cells)] for offset in CUBE])
    active = corner_inside.any(axis=0) & ~corner_inside.all(axis=0)
    number = np.full(cells, -1)
    number[active] = np.arange(active.sum())
    base = np.argwhere(active)
    values = np.stack([field[tuple((base + offset).T)] for offset in CUBE], axis=1)
    total = np.zeros((len(base), 3))
    count = np.zeros((len(base), 1))
    for first, second in CUBE_EDGES:
        crossing = (values[:, first] < 0) != (values[:, second] < 0)
        share = np.divide(
            values[:, first], values[:, first] - values[:, second], out=np.zeros(len(base)), where=crossing
        )[:, None]
        total += crossing[:, None] * (CUBE[first] + share * (CUBE[second] - CUBE[first]))
        count += crossing[:, None]
    vertices = grid.origin + grid.spacing * (base + total / count)
    quads = np.concatenate([_quads_across(inside, number, axis) for axis in range(3)])
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def without_ambiguity(field: np.ndarray, spacing: float) -> np.ndarray:
    """Return the field with points taken from the body until its surface is manifold.

    Surface nets pinch where the inside touches itself only across the diagonal of a grid square or cube;
    such points are set outside, at 1 % of the spacing.
    """
    field = field.copy()
    while True:
        inside = field < 0
        pinched = np.zeros_like(inside)
        for offset in CUBE[1:]:
            if offset.sum() < 2:
                continue
            for signs in _diagonals(offset):
                _mark_pinches(inside, signs, pinched)
        if not pinched.any():
            return field
        field[pinched] = 0.01 * spacing


def _diagonals(offset: np.ndarray) -> list[np.ndarray]:
    """Return the diagonals of the square or cube spanned by ``offset``, one of each opposite pair."""
    axes = np.flatnonzero(offset)
    signs = []
    for bits in range(2 ** (len(axes) - 1)):
        diagonal = offset.copy()
        for i, axis in enumerate(axes[1:]):
            diagonal[axis] = -1 if bits >> i & 1 else 1
        signs.append(diagonal)
    return signs


def _mark_pinches(inside: np.ndarray, diagonal: np.ndarray, pinched: np.ndarray) -> None:
    """Mark inside points whose neighbor across ``diagonal`` is inside while no path of the box joins them."""
    start = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(diagonal, inside.shape, strict=True))

    def ends(step: np.ndarray) -> np.ndarray:
        return inside[tuple(slice(s.start + d, s.stop + d) for s, d in zip(start, step, strict=True))]

    units = [np.where(np.arange(3) == axis, diagonal, 0) for axis in np.flatnonzero(diagonal)]
    first = [ends(unit) for unit in units]
    last = [ends(diagonal - unit) for unit in units]
    if len(units) == 2:
        joined = first[0] | first[1]
    else:
        joined = np.zeros_like(first[0])
        for i in range(3):
            for j in range(3):
                if i != j:
                    joined |= first[i] & last[j]
    pinched[start] |= inside[start] & ends(diagonal) & ~joined


def _shifted(offset: np.ndarray, cells: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the slices that read one corner of every cell."""
    return tuple(slice(o, o + c) for o, c in zip(offset, cells, strict=True))


def _quads_across(inside: np.ndarray, number: np.ndarray, axis: int) -> np.ndarray:
    """Return the quads around the grid edges along one axis whose ends differ, (Q, 4) vertex numbers."""
    low = [slice(1, -1)] * 3
    high = [slice(1, -1)] * 3
    low[axis], high[axis] = slice(0, -1), slice(1, None)
    start, end = inside[tuple(low)], inside[tuple(high)]
    where = np.argwhere(start != end)
    outward = start[tuple(where.T)]
    where = where + 1
    where[:, axis] -= 1
    second, third = (axis + 1) % 3, (axis + 2) % 3
    ring = []
    for step_second, step_third in ((0, 0), (-1, 0), (-1, -1), (0, -1)):
        cell = where.copy()
        cell[:, second] += step_second
        cell[:, third] += step_third
        ring.append(number[tuple(cell.T)])
    quads = np.stack(ring, axis=1)
    return np.where(outward[:, None], quads, quads[:, ::-1])
