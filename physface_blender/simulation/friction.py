"""Friction between surfaces in contact, lagged by a frame.

Li et al. 2020, section 5, as paper 001 uses it for quasistatic frames (section 5.4): pressures, closest points and
tangent planes are those at the beginning of the frame, and what slides within the frame costs mu times the pressure times
the way, rounded off below a small way so that the energy is smooth. Sticking surfaces creep by less than that way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from .barrier import ContactPairs

_STICKING_MM = 0.005
"""Way in one frame below which friction grows from nothing to its full strength."""


@dataclass(frozen=True)
class FrictionTerms:
    """Friction at one surface.

    Attributes:
        corners: (2 K, 4) int32 vertices; every contact comes twice, for the two directions of its plane.
        weights: (2 K, 4) of the corners in the sliding way.
        directions: (2 K, 3) unit vectors, along the way and across it.
        forces: (2 K, 4, 3) newton, derivatives of the energy by the corners, all of them in the first K.
        curvatures: (2 K,) newton per millimeter along the directions, none negative.
        energy: newton millimeter.
    """

    corners: np.ndarray
    weights: np.ndarray
    directions: np.ndarray
    forces: np.ndarray
    curvatures: np.ndarray
    energy: float


class Friction:
    """Friction during one frame.

    Args:
        pairs: contacts at the beginning of the frame.
        surface: (V, 3) all vertices then, millimeters.
        coefficient: of friction, mu.
    """

    def __init__(self, pairs: ContactPairs, surface: np.ndarray, coefficient: float) -> None:
        self._corners = np.concatenate([pairs.corners, pairs.corners])
        self._weights = np.concatenate([pairs.weights, pairs.weights])
        self._normals = pairs.normals
        self._strengths = -coefficient * pairs.pressures
        self._start = np.ascontiguousarray(surface)

    def expand(self, surface: np.ndarray) -> FrictionTerms:
        """Return friction at vertices (V, 3), all of them, to second order."""
        directions, forces, curvatures, energy = _slide(
            np.ascontiguousarray(surface) - self._start,
            self._corners[: len(self._normals)],
            self._weights,
            self._normals,
            self._strengths,
        )
        return FrictionTerms(self._corners, self._weights, directions, forces, curvatures, energy)


@numba.njit(cache=True)
def _slide(moved, corners, weights, normals, strengths):
    count = len(corners)
    directions, forces = np.zeros((2 * count, 3)), np.zeros((2 * count, 4, 3))
    curvatures = np.empty(2 * count)
    energy = 0.0
    way = np.empty(3)
    for pair in range(count):
        normal = normals[pair]
        way[:] = 0.0
        for corner in range(4):
            for axis in range(3):
                way[axis] += weights[pair, corner] * moved[corners[pair, corner], axis]
        across = way[0] * normal[0] + way[1] * normal[1] + way[2] * normal[2]
        square = 0.0
        for axis in range(3):
            way[axis] -= across * normal[axis]
            square += way[axis] ** 2
        length = np.sqrt(square)
        if length > 1e-12:
            for axis in range(3):
                directions[pair, axis] = way[axis] / length
        else:
            # Any direction of the plane: start from the axis that is most across.
            axis = np.argmin(np.abs(normal))
            directions[pair] = -normal[axis] * normal
            directions[pair, axis] += 1.0
            directions[pair] /= np.sqrt(1.0 - normal[axis] ** 2)
        along = directions[pair]
        for axis in range(3):
            next_axis, last_axis = (axis + 1) % 3, (axis + 2) % 3
            directions[count + pair, axis] = normal[next_axis] * along[last_axis] - normal[last_axis] * along[next_axis]
        share = length / _STICKING_MM
        strength = strengths[pair]
        if share < 1.0:
            pull, energy_share = share * (2.0 - share), share * share * (1.0 - share / 3.0) + 1.0 / 3.0
            curvatures[pair] = strength * 2.0 * (1.0 - share) / _STICKING_MM
            curvatures[count + pair] = strength * (2.0 - share) / _STICKING_MM
        else:
            pull, energy_share = 1.0, share
            curvatures[pair] = 0.0
            curvatures[count + pair] = strength / length
        energy += strength * energy_share * _STICKING_MM
        for corner in range(4):
            for axis in range(3):
                forces[pair, corner, axis] = strength * pull * weights[pair, corner] * along[axis]
    return directions, forces, curvatures, energy
