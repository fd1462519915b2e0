"""An edited mandible: how its bone, and what is fixed to it, differ at rest from what the identity has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_JOINT_MM, _BODY_MM = 15.0, 60.0
"""Distances from the nearer condyle between which an edit sets in.

The joint stays in its socket, and the coronoid process, 30 mm in front of it, goes little: under the zygomatic arch there
is hardly any tissue between mandible and skull, and a process that grew there would turn its cells inside out.
"""


@dataclass(frozen=True, eq=False)
class MandibleShape:
    """Scales of the mandible about its condyles, which stay in their joints.

    They hold from 60 mm off the condyles, for the body with chin and teeth; the ramus goes over to them smoothly. The
    displacement is linear in the scales, so the way between two shapes of one mandible is straight.

    Attributes:
        condyles: (2, 3) left and right, millimeters at rest.
        scale: (3,) of its length (forward), width (to both sides) and height (upward).
    """

    condyles: np.ndarray
    scale: np.ndarray

    def applied(self, points: np.ndarray) -> np.ndarray:
        """Return points (P, 3) of the rest mandible where they lie on the edited one."""
        length, width, height = np.asarray(self.scale) - 1.0
        return points + self._lever(points) * [width, height, length]

    def scale_gradient(self, points: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return the derivatives (3,) of a number by the scales.

        Args:
            points: (P, 3) of the rest mandible, millimeters.
            gradient: (P, 3) derivatives by these points on the edited mandible.
        """
        width, height, length = (self._lever(points) * gradient).sum(axis=0)
        return np.array([length, width, height])

    def _lever(self, points: np.ndarray) -> np.ndarray:
        """Return how points (P, 3) move along x, y and z per unit of the scale along it."""
        offset = points - self.condyles.mean(axis=0)
        distance = np.linalg.norm(points[:, None] - self.condyles, axis=2).min(axis=1)
        share = np.clip((distance - _JOINT_MM) / (_BODY_MM - _JOINT_MM), 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        return share[:, None] * offset


def between(start: MandibleShape | None, end: MandibleShape | None, time: float) -> MandibleShape | None:
    """Return the shape at time 0..1 on the way from one edit of a mandible to another; None is the unedited one."""
    if time <= 0.0 or start is end:
        return start
    if time >= 1.0:
        return end
    known = end if start is None else start
    first, last = (np.ones(3) if shape is None else np.asarray(shape.scale) for shape in (start, end))
    return MandibleShape(known.condyles, (1.0 - time) * first + time * last)
