# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh in a file that the backend reads: binary PLY, vertices in their order, faces as triangles."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from .face_objects import FaceObjectError

_TRIANGLE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def write(path: Path, coordinates: NDArray, mesh: bpy.types.Mesh) -> None:
    """Write the faces of a mesh with these vertices.

    Args:
        path: A .ply file; its folder is made when it is not there.
        coordinates: (V, 3).
        mesh: Of V vertices.

    Raises:
        FaceObjectError: It has no faces, or the file cannot be written.
    """
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    if not count:
        raise FaceObjectError(f"{mesh.name} has no faces; choose the mesh of a head.")
    triangles = np.empty(3 * count, dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    rows = np.empty(count, dtype=_TRIANGLE)
    rows["count"], rows["corners"] = 3, triangles.reshape(-1, 3)
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(coordinates)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {count}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    content = header.encode() + np.ascontiguousarray(coordinates, dtype="<f4").tobytes() + rows.tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise FaceObjectError(
            f"The mesh cannot be written to {path} ({error.strerror}); check the cache folder in the preferences."
        ) from None
