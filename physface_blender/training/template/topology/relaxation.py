"""Lets a mesh of quads settle on the surface that it lies on.

Every quad asks for the nearest rectangle (the projective view of mesh smoothing: Bouaziz et al., Shape-Up: shaping
discrete geometry with projections, 2012), every vertex for the weighted middle of its neighbors; then each vertex
walks over the surface toward what it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .face_layout import FaceLayout
from .flat_map import middle_of_neighbors
from .lines import lengths_along, places_along, points_along
from .surface_walk import SurfaceWalk

#: Share of the middle of the neighbors; the rest is of the rectangles.
FAIRNESS = 0.35
#: A quad whose scaled Jacobian falls below the healthy one is heard more.
HEALTHY, URGENCY = 0.6, 20.0
#: How often vertices that wait are looked for; one that waits may turn over a quad of a neighbor.
RETREATS = 3


@dataclass(frozen=True)
class Rail:
    """A line in the surface that vertices stay on, and that they never leave.

    Attributes:
        points: (P, 3) millimeters.
        vertices: numbers of the mesh's vertices on it, in order; the first and the last stay where they are.
    """

    points: np.ndarray
    vertices: np.ndarray


class Relaxation:
    """Vertices of quads on a surface, and what holds them."""

    def __init__(
        self, walk: SurfaceWalk, plane: np.ndarray, layout: FaceLayout, rails: list[Rail], stays: np.ndarray
    ) -> None:
        """Prepare half a face.

        Args:
            walk: the surface.
            plane: (V, 2) places of its vertices in the plane, no triangle turned over.
            layout: the mesh; beyond its middle it goes on as its mirror image.
            rails: lines that the boundary slides on.
            stays: (N,) bool, vertices that do not move.
        """
        self.walk, self.plane, self.layout, self.rails, self.stays = walk, plane, layout, rails, stays
        on_rail = np.concatenate([rail.vertices for rail in rails])
        self.free = np.setdiff1d(np.flatnonzero(~stays), on_rail)

    def run(self, points: np.ndarray, index: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        """Let vertices settle.

        No quad is turned over on the way: where one would be in the plane, its vertices wait.

        Args:
            points: (N, 3) millimeters, on the surface.
            index: (N,) the triangle that each lies in.
            rounds: how often every vertex moves.

        Returns:
            Points (N, 3) and triangles (N,).
        """
        points = points.copy()
        index, barycentric = self.walk.toward(points, index)
        flat = self._flat(index, barycentric)
        # The plane may show the surface from behind.
        outward = np.sign(_areas(flat[self.layout.quads]).sum())
        area = outward * _areas(flat[self.layout.quads])
        places = [places_along(rail.points, points[rail.vertices]) for rail in self.rails]
        for _ in range(rounds):
            wished = self._wished(points)
            at, inside = self.walk.toward(wished[self.free], index[self.free])
            next_flat = flat.copy()
            next_flat[self.free] = self._flat(at, inside)
            for _ in range(RETREATS):
                next_area = outward * _areas(next_flat[self.layout.quads])
                waiting = np.unique(self.layout.quads[(next_area <= 0) & (next_area <= area)])
                next_flat[waiting] = flat[waiting]
            moves = (next_flat[self.free] != flat[self.free]).any(axis=1)
            moved = self.free[moves]
            index[moved] = at[moves]
            points[moved] = self.walk.places(at[moves], inside[moves])
            flat, area = next_flat, outward * _areas(next_flat[self.layout.quads])
            for rail, place in zip(self.rails, places, strict=True):
                self._slide(rail, place, points, wished)
        return points, index

    def _flat(self, index: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Return the places (P, 2) in the plane of points of the surface."""
        return np.einsum("pc,pcx->px", barycentric, self.plane[self.walk.triangles[index]])

    def _wished(self, points: np.ndarray) -> np.ndarray:
        """Return (N, 3) where each vertex is asked to go."""
        corners = points[self.layout.quads]
        targets = nearest_rectangles(corners)
        weight = 1.0 + URGENCY * np.clip(HEALTHY - scaled_jacobians(corners), 0.0, 1.0)
        asked = np.zeros_like(points)
        shares = np.zeros(len(points))
        for corner in range(4):
            np.add.at(asked, self.layout.quads[:, corner], weight[:, None] * targets[:, corner])
            np.add.at(shares, self.layout.quads[:, corner], weight)
        rectangles = asked / shares[:, None]
        # An edge counts the more the longer it is, so that one which gets too short loses its pull.
        length = np.linalg.norm(points[self.layout.edges[:, 1]] - points[self.layout.edges[:, 0]], axis=1)
        middle = middle_of_neighbors(points, self.layout.edges, length / self.layout.lengths**2 + 1e-9)
        wished = FAIRNESS * middle + (1.0 - FAIRNESS) * rectangles
        # Half of the neighbors of a vertex in the plane are not there: their pull is the mirror image of the others'.
        wished[self.layout.middle, 0] = 0.0
        return wished

    def _slide(self, rail: Rail, place: np.ndarray, points: np.ndarray, wished: np.ndarray) -> None:
        """Move a rail's vertices along it, in place, without one overtaking the next."""
        length = lengths_along(rail.points)
        ahead, behind = np.roll(points[rail.vertices], -1, axis=0), np.roll(points[rail.vertices], 1, axis=0)
        tangent = ahead - behind
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        step = ((wished[rail.vertices] - points[rail.vertices]) * tangent).sum(axis=1)
        step[[0, -1]] = 0.0
        step[self.stays[rail.vertices]] = 0.0
        gap = np.diff(place)
        step[:-1] = np.minimum(step[:-1], 0.4 * gap)
        step[1:] = np.maximum(step[1:], -0.4 * gap)
        place += step
        points[rail.vertices] = points_along(rail.points, length, place / length[-1])


def _areas(corners: np.ndarray) -> np.ndarray:
    """Return (F,) the signed areas of quads (F, 4, 2) in the plane."""
    first, second = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


def scaled_jacobians(corners: np.ndarray) -> np.ndarray:
    """Return (F,) the least scaled Jacobian of quads (F, 4, 3): 1 for a rectangle, below 0 for one folded over."""
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True).clip(1e-12)
    least = np.full(len(corners), np.inf)
    for k in range(4):
        along = corners[:, (k + 1) % 4] - corners[:, k]
        back = corners[:, (k + 3) % 4] - corners[:, k]
        size = np.linalg.norm(along, axis=1) * np.linalg.norm(back, axis=1)
        least = np.minimum(least, (np.cross(along, back) * normal).sum(axis=1) / size.clip(1e-12))
    return least


def nearest_rectangles(corners: np.ndarray) -> np.ndarray:
    """Return (F, 4, 3) the flat rectangles with the quads' centers and mean side lengths, turned to fit best."""
    center = corners.mean(axis=1, keepdims=True)
    along = (corners[:, 1] + corners[:, 2] - corners[:, 0] - corners[:, 3]) / 2
    across = (corners[:, 2] + corners[:, 3] - corners[:, 0] - corners[:, 1]) / 2
    length = np.linalg.norm(along, axis=1, keepdims=True)
    width = np.linalg.norm(across, axis=1, keepdims=True)
    first, second = along / length, across / width
    # The two bisectors of the middle lines are at right angles; the rectangle's sides lie halfway between them.
    both, apart = first + second, first - second
    both /= np.linalg.norm(both, axis=1, keepdims=True).clip(1e-9)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True).clip(1e-9)
    side = (both + apart) / np.sqrt(2) * length / 2
    up = (both - apart) / np.sqrt(2) * width / 2
    return center + np.stack([-side - up, side - up, side + up, up - side], axis=1)
