"""Eyeballs of revolution fitted to the source's, with sclera, iris and pupil as separate faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...anatomy.mesh import Mesh
from .face_source import FaceSource

EYE_MATERIALS = ("sclera", "iris", "pupil")
PUPIL_RADIUS = 2.1
IRIS_RADIUS = 6.3
SEGMENTS = 32
PROFILE_DEGREES = np.array([0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 36.0, 44.0, 56.0, 72.0, 90.0, 180.0])


@dataclass(frozen=True)
class Eyeball:
    """The left eyeball as a surface of revolution.

    Attributes:
        center: (3,) millimeters, center of the sclera's sphere and of rotation.
        axis: (3,) unit vector through the middle of the pupil.
        radii: (K,) millimeters from the center at the angles ``PROFILE_DEGREES`` from the axis.
    """

    center: np.ndarray
    axis: np.ndarray
    radii: np.ndarray

    def radius_toward(self, points: np.ndarray) -> np.ndarray:
        """Return (P,) the surface's distance from the center in the direction of points (P, 3)."""
        rays = points - self.center
        cosine = rays @ self.axis / np.linalg.norm(rays, axis=1)
        return np.interp(np.degrees(np.arccos(np.clip(cosine, -1, 1))), PROFILE_DEGREES, self.radii)

    def mirrored(self) -> Eyeball:
        """Return the right eyeball."""
        flip = np.array([-1.0, 1.0, 1.0])
        return Eyeball(self.center * flip, self.axis * flip, self.radii)

    def mesh(self) -> tuple[Mesh, np.ndarray]:
        """Return the closed mesh and, (F,) int16, the index of each face's material in ``EYE_MATERIALS``."""
        angles = _ring_angles(self.radii)
        radii = np.interp(angles, PROFILE_DEGREES, self.radii)
        side = np.cross([0.0, 1.0, 0.0], self.axis)
        side /= np.linalg.norm(side)
        up = np.cross(self.axis, side)
        turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
        around = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * up
        polar = np.radians(angles)
        rings = (np.cos(polar)[:, None, None] * self.axis + np.sin(polar)[:, None, None] * around) * radii[
            :, None, None
        ]
        front = self.center + self.radii[0] * self.axis
        back = self.center - self.radii[-1] * self.axis
        vertices = np.concatenate([front[None], (self.center + rings).reshape(-1, 3), back[None]])
        here = 1 + np.arange(len(angles) * SEGMENTS).reshape(-1, SEGMENTS)
        following = np.roll(here, -1, axis=1)
        none = np.full(SEGMENTS, -1)
        bands = np.stack([here[:-1], here[1:], following[1:], following[:-1]], axis=-1)
        faces = np.concatenate(
            [
                np.stack([np.zeros(SEGMENTS, int), here[0], following[0], none], axis=-1),
                bands.reshape(-1, 4),
                np.stack([here[-1], np.full(SEGMENTS, len(vertices) - 1), following[-1], none], axis=-1),
            ]
        ).astype(np.int32)
        distance = radii * np.sin(polar)
        ring_material = np.where(distance <= PUPIL_RADIUS + 1e-6, 2, np.where(distance <= IRIS_RADIUS + 1e-6, 1, 0))
        ring_material[angles > 90] = 0
        materials = np.repeat(np.append(ring_material, 0), SEGMENTS).astype(np.int16)
        return Mesh(vertices, faces), materials


def fit_left_eyeball(source: FaceSource) -> Eyeball:
    """Fit sphere, axis and profile to the outer shell of the source's left eyeball."""
    rows = source.face_rows(*source.ranges["eyeball_left"])
    shell = np.unique(source.faces[rows][source.materials[rows] == "M_ScleraLeft"])
    points = source.vertices[shell[shell >= 0]]
    center = points.mean(axis=0)
    for _ in range(20):
        back = points[points[:, 2] < center[2] + 4]
        solution = np.linalg.lstsq(np.column_stack([2 * back, np.ones(len(back))]), (back**2).sum(axis=1), rcond=None)
        center = solution[0][:3]
    radius = np.sqrt(solution[0][3] + center @ center)
    distance = np.linalg.norm(points - center, axis=1)
    axis = (points[distance > radius + 0.3] - center).mean(axis=0)
    axis /= np.linalg.norm(axis)
    angle = np.degrees(np.arccos(np.clip((points - center) @ axis / distance, -1, 1)))
    return Eyeball(center, axis, _fitted_profile(angle, distance))


def _fitted_profile(angle: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the least-squares piecewise linear profile, even in the angle and slightly smoothed."""
    hats = np.stack([np.interp(angle, PROFILE_DEGREES, row) for row in np.eye(len(PROFILE_DEGREES))], axis=1)
    second = np.diff(np.eye(len(PROFILE_DEGREES)), n=2, axis=0) * 2.0
    return np.linalg.lstsq(
        np.concatenate([hats, second]), np.concatenate([distance, np.zeros(len(second))]), rcond=None
    )[0]


def _ring_angles(radii: np.ndarray) -> np.ndarray:
    """Return the angles of the rings in degrees: one exactly at the edge of pupil and iris each."""
    fine = np.linspace(0, 60, 2401)
    distance = np.interp(fine, PROFILE_DEGREES, radii) * np.sin(np.radians(fine))
    pupil, iris = np.interp([PUPIL_RADIUS, IRIS_RADIUS], distance, fine)
    return np.concatenate(
        [
            np.linspace(0, pupil, 3)[1:],
            np.linspace(pupil, iris, 5)[1:],
            np.linspace(iris, 60, 8)[1:],
            np.linspace(60, 180, 13)[1:-1],
        ]
    )
