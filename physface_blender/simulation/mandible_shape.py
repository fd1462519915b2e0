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
    """Scales of the mandible about its condyles, which stay in their joints, and a shift to one side.

    They hold from 60 mm off the condyles, for the body with chin and teeth; the ramus goes over to them smoothly. The
    displacement is linear in scales and shift, so the way between two shapes of one mandible is straight.

    Attributes:
        condyles: (2, 3) left and right, millimeters at rest.
        scale: (3,) of its length (forward), width (to both sides) and height (upward).
        shift_mm: toward the character's left.
    """

    condyles: np.ndarray
    scale: np.ndarray
    shift_mm: float = 0.0

    def applied(self, points: np.ndarray) -> np.ndarray:
        """Return points (P, 3) of the rest mandible where they lie on the edited one."""
        length, width, height = np.asarray(self.scale) - 1.0
        share, offset = self._share(points), points - self.condyles.mean(axis=0)
        return points + share[:, None] * (offset * [width, height, length] + [self.shift_mm, 0.0, 0.0])

    def scale_gradient(self, points: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return the derivatives (3,) of a number by the scales.

        Args:
            points: (P, 3) of the rest mandible, millimeters.
            gradient: (P, 3) derivatives by these points on the edited mandible.
        """
        offset = points - self.condyles.mean(axis=0)
        width, height, length = (self._share(points)[:, None] * offset * gradient).sum(axis=0)
        return np.array([length, width, height])

    def _share(self, points: np.ndarray) -> np.ndarray:
        """Return how far points (P, 3) take part in an edit, (P,) 0..1."""
        distance = np.linalg.norm(points[:, None] - self.condyles, axis=2).min(axis=1)
        share = np.clip((distance - _JOINT_MM) / (_BODY_MM - _JOINT_MM), 0.0, 1.0)
        return share * share * (3.0 - 2.0 * share)


def between(start: MandibleShape | None, end: MandibleShape | None, time: float) -> MandibleShape | None:
    """Return the shape at time 0..1 on the way from one edit of a mandible to another; None is the unedited one."""
    if time <= 0.0 or start is end:
        return start
    if time >= 1.0:
        return end
    known = end if start is None else start
    first, last = (MandibleShape(known.condyles, np.ones(3)) if shape is None else shape for shape in (start, end))
    scale = (1.0 - time) * np.asarray(first.scale) + time * np.asarray(last.scale)
    return MandibleShape(known.condyles, scale, (1.0 - time) * first.shift_mm + time * last.shift_mm)
