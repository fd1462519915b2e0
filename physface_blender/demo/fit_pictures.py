"""Pictures of a fit: the input, the fit and the error beside each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from ..fitting.scan import Scan
from .png import write_png
from .shaded_picture import View, error_colors, shade

ERROR_SHOWN_MM = 2.0
"""Red in the error map."""
YAWS = (0.0, 42.0)


def write_scan_pictures(path: Path, template: Template, scan: Scan, skin: np.ndarray, distances: np.ndarray) -> None:
    """Write input, fit and error map, from the front and from the side.

    Args:
        path: a PNG file.
        template: the mean face.
        scan: in the frame of the model, mm.
        skin: (V, 3) the fit.
        distances: (V,) mm, not a number where nothing is known.
    """
    mesh = Mesh(skin, template.meshes["skin"].faces)
    eyes = skin[template.landmarks68[36:48]].mean(axis=0)
    rows = []
    for yaw in YAWS:
        view = View((eyes[0], eyes[1] - 30.0, eyes[2] - 40.0), yaw_degrees=yaw)
        rows.append(
            np.concatenate(
                [
                    shade(scan.vertices, scan.triangles, scan.normals, view),
                    shade(mesh.vertices, mesh.triangles, mesh.vertex_normals, view),
                    shade(
                        mesh.vertices,
                        mesh.triangles,
                        mesh.vertex_normals,
                        view,
                        error_colors(distances, ERROR_SHOWN_MM),
                    ),
                ],
                axis=1,
            )
        )
    write_png(path, np.concatenate(rows))
