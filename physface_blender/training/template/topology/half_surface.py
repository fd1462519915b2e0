"""The left half of the source skin as a surface to lay a mesh on, and the loops that lead into its pockets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....anatomy.mesh import Mesh
from ..outer_skin import boundary_loops

#: Where the left nostril is looked for, low and high corner in millimeters.
NOSTRIL_BOX = (0.0, -14.0, 90.0), (20.0, 14.0, 130.0)


@dataclass(frozen=True)
class HalfSurface:
    """The left half (x >= 0) of a skin that is its own mirror image.

    Attributes:
        vertices: (V, 3) float64 millimeters, those of the whole skin.
        faces: (F, 4) int32 quads of the left half.
        triangles: (2 F, 3) int32, halves (0, 1, 2) and (0, 2, 3) of quad f at 2 f and 2 f + 1.
        middle: vertices on the middle plane from the neck in front over lips and head to the neck behind.
        neck: vertices of the neck's opening from the front to the back.
    """

    vertices: np.ndarray
    faces: np.ndarray
    triangles: np.ndarray
    middle: np.ndarray
    neck: np.ndarray

    @classmethod
    def of(cls, skin: Mesh) -> HalfSurface:
        """Cut a skin along x = 0.

        Raises:
            ValueError: the skin has quads on both sides of the plane.
        """
        faces = skin.faces[(skin.vertices[skin.faces, 0] >= 0).all(axis=1)]
        if 2 * len(faces) != len(skin.faces):
            raise ValueError("The skin's quads do not end at its middle plane.")
        triangles = np.stack([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
        loop = boundary_loops(Mesh(skin.vertices, faces))[0]
        in_plane = skin.vertices[loop, 0] == 0
        # The neck is the one stretch of the boundary off the plane; start the loop just behind it.
        loop = np.roll(loop, -int(np.flatnonzero(~in_plane & np.roll(in_plane, -1))[0]) - 1)
        count = int((skin.vertices[loop, 0] == 0).sum())
        middle, neck = loop[:count], np.concatenate([loop[count - 1 :], loop[:1]])
        if skin.vertices[middle[0], 2] < skin.vertices[middle[-1], 2]:
            return cls(skin.vertices, faces, triangles, middle[::-1], neck)
        return cls(skin.vertices, faces, triangles, middle, neck[::-1])

    def places(self, index: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Return points (P, 3) in millimeters from triangles (P,) and barycentric coordinates (P, 3)."""
        return np.einsum("pc,pcx->px", barycentric, self.vertices[self.triangles[index]])

    def beyond(self, loop: np.ndarray) -> np.ndarray:
        """Return the triangles on the left of an edge loop that ends nowhere inside the half."""
        owner = {}
        for face, corners in enumerate(self.faces.tolist()):
            for k in range(4):
                owner[corners[k], corners[(k + 1) % 4]] = face
        sides = list(zip(loop.tolist(), loop[1:].tolist(), strict=False))
        fence = set(sides) | {(b, a) for a, b in sides}
        reached = {owner[side] for side in sides if side in owner}
        waiting = list(reached)
        while waiting:
            corners = self.faces[waiting.pop()].tolist()
            for k in range(4):
                side = corners[k], corners[(k + 1) % 4]
                other = owner.get(side[::-1])
                if other is not None and side not in fence and other not in reached:
                    reached.add(other)
                    waiting.append(other)
        faces = np.array(sorted(reached))
        return np.stack([2 * faces, 2 * faces + 1], axis=1).ravel()


def pocket_rings(skin: Mesh, first: int, last: int) -> np.ndarray:
    """Return (R, C) the closed edge loops around and inside the pocket of vertices ``first`` to ``last`` - 1.

    They go from the outside inward; each is counterclockwise seen from outside.
    """
    inside = ((skin.faces >= first) & (skin.faces < last)).all(axis=1)
    return _rings_through(skin, boundary_loops(Mesh(skin.vertices, skin.faces[inside]))[0].tolist())


def nostril_rings(skin: Mesh) -> np.ndarray:
    """Return (R, C) the closed edge loops inside the left nostril, from its rim upward, counterclockwise seen from below.

    Raises:
        ValueError: there is no such loop.
    """
    low, high = NOSTRIL_BOX
    loop = _closed_loop(skin, ((skin.vertices > low) & (skin.vertices < high)).all(axis=1))
    rings = _rings_through(skin, loop)
    if skin.vertices[rings[0], 1].mean() < skin.vertices[rings[-1], 1].mean():
        return rings
    return _rings_through(skin, loop[::-1])


def _rings_through(skin: Mesh, loop: list[int]) -> np.ndarray:
    """Return (R, C) all loops that are parallel to one, the last on its left."""
    across = {}
    for a, b, c, d in skin.faces.tolist():
        across.update({(a, b): (d, c), (b, c): (a, d), (c, d): (b, a), (d, a): (c, b)})
    before = [other[::-1] for other in _loops_from(loop[::-1], across)]
    # Turned around, a loop starts at its other end; all start in the column of the given one.
    return np.array(before[:0:-1] + _loops_from(loop, across))


def _closed_loop(skin: Mesh, region: np.ndarray) -> list[int]:
    """Return an edge loop that closes within a region, (V,) bool; it goes straight on at vertices with four edges."""
    before = {}
    for a, b, c, d in skin.faces.tolist():
        for last, here, following in ((d, a, b), (a, b, c), (b, c, d), (c, d, a)):
            before.setdefault(here, {})[following] = last
    for start in np.flatnonzero(region).tolist():
        for second in before[start]:
            path = [start, second]
            while region[path[-1]] and len(before[path[-1]]) == 4:
                following = before[path[-1]][before[path[-1]][path[-2]]]
                if following == start:
                    return path
                path.append(following)
    raise ValueError("No edge loop goes around the nostril.")


def _loops_from(loop: list[int], across: dict) -> list[list[int]]:
    """Return a closed loop and those that follow it on the left, as long as quads lead straight on."""
    loops = [loop]
    while True:
        sides = list(zip(loops[-1], loops[-1][1:] + loops[-1][:1], strict=True))
        opposite = [across.get(side) for side in sides]
        if None in opposite or any(a[1] != b[0] for a, b in zip(opposite, opposite[1:] + opposite[:1], strict=True)):
            return loops
        loops.append([side[0] for side in opposite])
