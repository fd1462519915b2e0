"""Derivatives by the bones: by their points at rest, by the motion of the jaw, by the shape of the mandible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..attachments import TargetGradient
from ..collision_geometry import CollisionGeometry
from ..obstacle import Carrier, RigidPose


@dataclass(frozen=True)
class BoneGradient:
    """Derivatives of a number by the points of one bone, its teeth included.

    Attributes:
        points: (P, 3) where the tissue is attached at rest, then those under the membrane, then the vertices of the
            teeth if there is contact; millimeters. Those of the mandible lie on the edited one.
        gradient: (P, 3) by these points.
    """

    points: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True)
class BonesGradient:
    """Derivatives of a number by all that the bones do.

    Attributes:
        skull: by the points of the skull at rest.
        mandible: by the points of the mandible at rest.
        jaw: (4, 4) by the entries of the jaw's transform as if they were free; the last row is zero. A path of rigid
            transforms, J exp(t X) or exp(t X) J, has the derivative sum(jaw * dJ/dt).
        mandible_scale: (3,) by the scales of length, width and height; None where the mandible is not edited.
    """

    skull: BoneGradient
    mandible: BoneGradient
    jaw: np.ndarray
    mandible_scale: np.ndarray | None


def bones_gradient(
    springs: TargetGradient, geometry: CollisionGeometry | None, by_obstacles: np.ndarray | None, pose: RigidPose
) -> BonesGradient:
    """Collect what springs and teeth say of the bones.

    Args:
        springs: derivatives by the far ends of the attachments.
        geometry: the colliding surfaces; None without contact.
        by_obstacles: (O, 3) derivatives by the vertices of all obstacles where they are; None where nothing touches.
        pose: of the bones.
    """
    points = {Carrier.SKULL: [springs.skull_points], Carrier.MANDIBLE: [springs.mandible_points]}
    posed = {Carrier.SKULL: [springs.skull], Carrier.MANDIBLE: [springs.mandible]}
    start = 0
    for obstacle in geometry.obstacles if by_obstacles is not None else ():
        end = start + len(obstacle.vertices)
        if obstacle.carrier in points:
            points[obstacle.carrier].append(obstacle.vertices)
            posed[obstacle.carrier].append(by_obstacles[start:end])
        start = end
    rest = np.concatenate(points[Carrier.MANDIBLE])
    gradient = np.concatenate(posed[Carrier.MANDIBLE])
    shape = pose.mandible
    edited = rest if shape is None else shape.applied(rest)
    jaw = np.zeros((4, 4))
    jaw[:3, :3] = gradient.T @ edited
    jaw[:3, 3] = gradient.sum(axis=0)
    at_rest = gradient @ pose.jaw[:3, :3]
    return BonesGradient(
        skull=BoneGradient(np.concatenate(points[Carrier.SKULL]), np.concatenate(posed[Carrier.SKULL])),
        mandible=BoneGradient(edited, at_rest),
        jaw=jaw,
        mandible_scale=None if shape is None else shape.scale_gradient(rest, at_rest),
    )
