"""The closed outer skin: face and head with the mouth, the lids and the neck filled."""

from __future__ import annotations

import numpy as np

from ...anatomy.mesh import Mesh

POCKETS = ("inner_mouth", "eye_socket_left", "eye_socket_right")


def outer_skin(skin: Mesh, regions: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) in millimeters and triangles (T, 3) of the closed outer skin.

    The faces of mouth and eye sockets are left out and all openings closed by fans.
    """
    in_pocket = np.max([regions[name] for name in POCKETS], axis=0) > 0.5
    shell = Mesh(skin.vertices, skin.faces[~in_pocket[skin.faces].any(axis=1)])
    vertices, triangles = [shell.vertices], [shell.triangles]
    count = len(skin.vertices)
    for loop in boundary_loops(shell):
        vertices.append(shell.vertices[loop].mean(axis=0)[None])
        triangles.append(np.column_stack([np.roll(loop, -1), loop, np.full(len(loop), count)]))
        count += 1
    return np.concatenate(vertices), np.concatenate(triangles).astype(np.int32)


def boundary_loops(mesh: Mesh) -> list[np.ndarray]:
    """Return the closed boundary loops, vertices in the direction of the faces' sides, longest first.

    Raises:
        ValueError: a boundary vertex has several boundary sides that leave it.
    """
    sides = mesh.directed_edges.astype(np.int64)
    key = sides[:, 0] << 32 | sides[:, 1]
    boundary = sides[~np.isin(key, sides[:, 1] << 32 | sides[:, 0])]
    following = dict(boundary.tolist())
    if len(following) != len(boundary):
        raise ValueError("The boundary touches itself at a vertex.")
    loops = []
    while following:
        start, current = following.popitem()
        loop = [start]
        while current != start:
            loop.append(current)
            current = following.pop(current)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)
