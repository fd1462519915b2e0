"""Rigid surfaces that the skin cannot pass: teeth and eyeballs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .mandible_shape import MandibleShape, between
from .rigid_motion import ScrewMotion, transform_points


class Carrier(Enum):
    """What an obstacle moves with."""

    SKULL = "skull"
    MANDIBLE = "mandible"
    LEFT_EYE = "left_eye"
    RIGHT_EYE = "right_eye"


@dataclass(frozen=True)
class RigidPose:
    """Where the rigid parts of a face are, as (4, 4) rigid transforms from rest; the skull never moves.

    Attributes:
        jaw: of the mandible and the lower teeth.
        left_eye: of the character's left eyeball.
        right_eye: of the character's right eyeball.
        mandible: shape of the mandible that the jaw moves; None where it is not edited.
    """

    jaw: np.ndarray
    left_eye: np.ndarray
    right_eye: np.ndarray
    mandible: MandibleShape | None = None

    @staticmethod
    def of(
        jaw: np.ndarray, eyes: tuple[np.ndarray, np.ndarray] | None = None, mandible: MandibleShape | None = None
    ) -> RigidPose:
        """Return the pose of a jaw and, if given, of the left and the right eyeball; else these rest."""
        left, right = eyes or (np.eye(4), np.eye(4))
        return RigidPose(jaw, left, right, mandible)

    def on_mandible(self, points: np.ndarray) -> np.ndarray:
        """Return points (P, 3) of the unedited mandible at rest where they are in this pose."""
        return transform_points(self.jaw, points if self.mandible is None else self.mandible.applied(points))

    def of_carrier(self, carrier: Carrier) -> np.ndarray:
        """Return the (4, 4) transform of what an obstacle moves with."""
        return {
            Carrier.SKULL: np.eye(4),
            Carrier.MANDIBLE: self.jaw,
            Carrier.LEFT_EYE: self.left_eye,
            Carrier.RIGHT_EYE: self.right_eye,
        }[carrier]


REST_POSE = RigidPose.of(np.eye(4))


@dataclass(frozen=True)
class Obstacle:
    """One rigid surface.

    Attributes:
        vertices: (V, 3) at rest, millimeters.
        triangles: (T, 3) int32.
        carrier: what it moves with.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    carrier: Carrier

    def posed(self, pose: RigidPose) -> np.ndarray:
        """Return the vertices (V, 3) in a pose."""
        if self.carrier is Carrier.SKULL:
            return self.vertices
        if self.carrier is Carrier.MANDIBLE:
            return pose.on_mandible(self.vertices)
        return transform_points(pose.of_carrier(self.carrier), self.vertices)


class PoseMotion:
    """The way of all rigid parts from one pose to another, each on a screw motion; the mandible changes shape evenly.

    Args:
        start: the pose at time 0.
        end: the pose at time 1.
    """

    def __init__(self, start: RigidPose, end: RigidPose) -> None:
        self._jaw = ScrewMotion(start.jaw, end.jaw)
        self._left_eye = ScrewMotion(start.left_eye, end.left_eye)
        self._right_eye = ScrewMotion(start.right_eye, end.right_eye)
        self._mandible = start.mandible, end.mandible

    def at(self, time: float) -> RigidPose:
        """Return the pose at a time 0..1; exactly start and end at the ends."""
        return RigidPose(
            self._jaw.at(time), self._left_eye.at(time), self._right_eye.at(time), between(*self._mandible, time)
        )

    @property
    def jaw_degrees(self) -> float:
        """How far the jaw turns on the way."""
        return self._jaw.degrees
