"""Freeing the rest shape of intersections, once per character.

A capture or an identity's network knows nothing of collisions: at rest a lip may touch a tooth. Contact can keep
surfaces apart only if they start apart, so the skin of the contact patch is moved a little, and the displacement
becomes part of the detail that rides on the tissue in every pose.

The patch is a membrane that wants to keep its shape, p* = argmin |p - p0|^2 + s^2 |grad (p - p0)|^2 + barrier. The
way to a free shape is the solver's own: the skin first draws back along its normals and the teeth shrink towards
their middle until nothing intersects, and then both grow back, the teeth as moving obstacles that push the skin ahead
of them, with steps limited by continuous collision detection.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix, diags, identity, kron
from scipy.sparse.linalg import splu

from .barrier import SurfaceBarrier
from .collision_geometry import CollisionGeometry
from .obstacle import REST_POSE

_RETREATS = ((0.0, 0.98), (0.0, 0.95), (0.2, 0.98), (0.4, 0.95), (0.8, 0.95), (1.2, 0.9), (1.6, 0.8), (2.4, 0.7))
"""Tried in turn: how far the skin draws back into the tissue (millimeters), and the size of the teeth."""
_MEMBRANE_MM = 3.0
"""Length over which a displacement fades."""
_MAX_ITERATIONS = 200
_STEP_MM = 1e-3
_STIFFNESS = 1.0
"""Barrier pressure against the pull of one millimeter on the membrane."""


class RestRepairError(ValueError):
    """The rest shape could not be freed of intersections."""


def repair_rest(geometry: CollisionGeometry, rest_nodes: np.ndarray, distance_mm: float = 0.2) -> CollisionGeometry:
    """Return colliding surfaces that are free of intersection at rest.

    Args:
        geometry: surfaces that may intersect a little, skin with skin or with teeth.
        rest_nodes: (N, 3) nodes at rest.
        distance_mm: distance below which the skin is pushed away from the teeth and from itself.

    Returns:
        The same geometry with another `detail`; untouched where it was free already.

    Raises:
        RestRepairError: if the surfaces pass through each other too far, or if the teeth could not grow back.
    """
    full = geometry.surface(rest_nodes, REST_POSE)
    count = len(geometry.skin_vertices)
    barrier = SurfaceBarrier(full, geometry.faces, count, distance_mm, _STIFFNESS)
    if not barrier.intersects(full):
        return geometry
    surface = _retreated(geometry, barrier, full, count)
    surface = _grow(geometry, barrier, surface, full, count)
    return replace(geometry, detail=geometry.detail + surface[:count] - full[:count])


def _retreated(geometry: CollisionGeometry, barrier: SurfaceBarrier, full: np.ndarray, count: int) -> np.ndarray:
    """Return the surfaces after the smallest retreat of skin and teeth that makes them free."""
    ends = count + np.cumsum([0, *(len(obstacle.vertices) for obstacle in geometry.obstacles)])
    normals = _smooth_normals(full[:count], geometry.triangles)
    for depth, scale in _RETREATS:
        surface = full.copy(order="F")
        surface[:count] -= depth * normals
        for first, last in pairwise(ends):
            middle = full[first:last].mean(axis=0)
            surface[first:last] = middle + scale * (full[first:last] - middle)
        if not barrier.intersects(surface):
            return surface
    raise RestRepairError(
        "The lips or cheeks of this identity pass through themselves or the teeth at rest, farther than can be repaired."
    )


def _smooth_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return (C, 3) unit normals, averaged over neighbors a few times so that a retreat along them does not fold."""
    corners = vertices[triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], area)
    for _ in range(4):
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        mean = normals[triangles].sum(axis=1)
        for corner in range(3):
            np.add.at(normals, triangles[:, corner], mean)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _membrane(geometry: CollisionGeometry, rest: np.ndarray):
    """Return the (C, C) matrix of areas plus the graph Laplacian times the squared fading length."""
    count = len(rest)
    triangles = geometry.triangles
    corners = rest[triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2.0
    mass = np.bincount(triangles.ravel(), weights=np.repeat(area / 3.0, 3), minlength=count)
    mass = np.maximum(mass, 1e-3 * mass.max(initial=0.0))
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    weights = np.full(len(edges), 0.5 * _MEMBRANE_MM**2 / np.sqrt(3.0))
    i, j = edges.T
    rows = np.concatenate([i, j, i, j, np.arange(count)])
    columns = np.concatenate([j, i, i, j, np.arange(count)])
    values = np.concatenate([-weights, -weights, weights, weights, mass])
    return coo_matrix((values, (rows, columns)), shape=(count, count)).tocsr()


def _grow(
    geometry: CollisionGeometry, barrier: SurfaceBarrier, surface: np.ndarray, full: np.ndarray, count: int
) -> np.ndarray:
    """Let the teeth grow to their full size and the skin settle; return the surfaces."""
    membrane = _membrane(geometry, full[:count])
    elastic = kron(membrane, identity(3), format="csr")

    def energy(trial: np.ndarray) -> float:
        moved = trial[:count] - full[:count]
        return 0.5 * float(np.vdot(moved, membrane @ moved)) + barrier.pairs(trial).energy

    grown = False
    for _ in range(_MAX_ITERATIONS):
        obstacle_step = full - surface
        obstacle_step[:count] = 0.0
        right = -(membrane @ (surface[:count] - full[:count])).ravel()
        system = elastic
        pairs = barrier.pairs(surface)
        if len(pairs):
            derivatives = pairs.distance_derivatives(len(surface))
            weighted = derivatives[:, : 3 * count].T @ diags(pairs.curvatures)
            right -= pairs.gradient(len(surface))[:count].ravel() + weighted @ (derivatives @ obstacle_step.ravel())
            system = elastic + weighted @ derivatives[:, : 3 * count]
        step = obstacle_step
        step[:count] = splu(system.tocsc()).solve(right).reshape(-1, 3)
        if grown and np.abs(step).max() < _STEP_MM:
            return surface
        fraction = barrier.free_fraction(surface, np.asfortranarray(surface + step))
        if grown:
            now = energy(surface)
            while fraction > 1e-7 and energy(np.asfortranarray(surface + fraction * step)) > now:
                fraction *= 0.5
        surface = np.asfortranarray(surface + fraction * step)
        if fraction == 1.0 and not grown:
            surface[count:] = full[count:]
            grown = True
    if grown:
        return surface
    raise RestRepairError("The teeth of this identity could not be freed from the lips and cheeks at rest.")
