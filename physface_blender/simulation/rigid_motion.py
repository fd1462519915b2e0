"""Rigid transforms and the screw motion between two of them."""

from __future__ import annotations

import numpy as np


def transform_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points (P, 3) moved by a rigid transform (4, 4)."""
    return points @ transform[:3, :3].T + transform[:3, 3]


def is_rigid(transform: np.ndarray, tolerance: float = 1e-5) -> bool:
    """Return whether a (4, 4) array is a rotation followed by a translation, to a tolerance on each entry."""
    rotation = transform[:3, :3]
    return (
        bool(np.abs(rotation @ rotation.T - np.eye(3)).max() < tolerance)
        and np.linalg.det(rotation) > 0.0
        and bool(np.abs(transform[3] - [0.0, 0.0, 0.0, 1.0]).max() < tolerance)
    )


def _cross_matrix(vector: np.ndarray) -> np.ndarray:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


class ScrewMotion:
    """The motion between two rigid transforms that turns about and slides along one fixed axis.

    A jaw that opens swings about its joint; interpolating positions would shrink it on the way.

    Args:
        start: (4, 4) transform at 0.
        end: (4, 4) transform at 1; the rotation between them must be under 180 degrees.
    """

    def __init__(self, start: np.ndarray, end: np.ndarray) -> None:
        self._start = np.asarray(start, dtype=np.float64)
        self._end = np.asarray(end, dtype=np.float64)
        motion = self._end @ np.linalg.inv(self._start)
        rotation = motion[:3, :3]
        axial = 0.5 * np.array(
            [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
        )
        sine, cosine = np.linalg.norm(axial), 0.5 * (np.trace(rotation) - 1.0)
        self._angle = float(np.arctan2(sine, cosine))
        self._axis = _cross_matrix(axial / sine) if sine > 1e-12 else np.zeros((3, 3))
        self._velocity = np.linalg.solve(self._integral(1.0), motion[:3, 3])

    def _integral(self, time: float) -> np.ndarray:
        """Return the integral of the rotation from 0 to time, which turns the velocity into the translation."""
        k, angle = self._axis, self._angle * time
        if self._angle < 1e-12:
            return time * np.eye(3)
        return (
            time * np.eye(3) + (1.0 - np.cos(angle)) / self._angle * k + (angle - np.sin(angle)) / self._angle * (k @ k)
        )

    @property
    def degrees(self) -> float:
        """The angle of the turn."""
        return float(np.degrees(self._angle))

    def at(self, time: float) -> np.ndarray:
        """Return the (4, 4) transform at time 0..1; exactly start and end at the ends."""
        if time <= 0.0:
            return self._start
        if time >= 1.0:
            return self._end
        angle = self._angle * time
        motion = np.eye(4)
        motion[:3, :3] += np.sin(angle) * self._axis + (1.0 - np.cos(angle)) * (self._axis @ self._axis)
        motion[:3, 3] = self._integral(time) @ self._velocity
        return motion @ self._start
