"""Where the points of the detector lie on the template: not quite where those that are placed by hand do.

MediaPipe's mesh has no points on iBUG's places along the contour, the brows and the lips, and the nearest are up to ten
millimeters off. Taken for iBUG's they made fits to rendered photos worse than the mean face.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..anatomy.template import Template

OFFSETS_MM = (
    (1.2, 5.5), (1.0, -3.1), (-1.0, 1.9), (2.3, -10.2), (0.6, -1.1), (-3.9, 4.0),
    (-1.6, 2.0), (3.4, -6.3), (0.0, -0.3), (-3.4, -6.3), (1.6, 2.0), (3.9, 4.0),
    (-0.6, -1.1), (-2.3, -10.2), (1.0, 1.9), (-1.0, -3.1), (-1.2, 5.5), (-5.8, -0.9),
    (-2.7, -5.6), (-5.6, -2.9), (-4.3, -2.5), (-2.3, -2.5), (2.3, -2.5), (4.3, -2.5),
    (5.6, -2.9), (2.7, -5.6), (5.8, -0.9), (0.0, 1.5), (0.0, -1.1), (0.0, -5.9),
    (0.0, -0.7), (-0.7, 4.6), (-1.6, 0.4), (0.0, 1.5), (1.6, 0.4), (0.7, 4.6),
    (-2.3, -0.2), (-0.4, 0.8), (-0.7, 0.8), (0.4, -0.2), (-1.1, -0.6), (0.4, -0.3),
    (-0.4, -0.2), (0.7, 0.8), (0.4, 0.8), (2.3, -0.2), (-0.4, -0.3), (1.1, -0.6),
    (-0.1, 0.0), (2.6, 0.7), (0.2, -0.6), (0.0, -1.0), (-0.2, -0.6), (-2.6, 0.7),
    (0.1, 0.0), (-4.2, -1.2), (-3.1, -0.6), (0.0, -0.2), (3.1, -0.6), (4.2, -1.2),
    (0.0, 1.1), (4.8, 0.6), (0.0, 0.7), (-4.8, 0.6), (0.0, 1.1), (-4.5, -0.5),
    (0.0, -0.4), (4.5, -0.5),
)  # fmt: skip
"""From iBUG's points to the detector's, to the right and up in the front view of the mean face. Measured where the detector
sees them in ``docs/pictures/neutral_front.png``, left and right averaged."""
LEAST_FACING = 0.1
"""Of the normal's z; what faces away is hidden in the front view."""


def detected_vertices(template: Template) -> np.ndarray:
    """The vertices (68,) of the template's skin that the detector's points mark."""
    skin = template.meshes["skin"]
    outer = (template.regions["inner_mouth"] <= 0.5) & (skin.vertex_normals[:, 2] > LEAST_FACING)
    seen = np.flatnonzero(outer)
    marks = skin.vertices[template.landmarks68, :2] + np.array(OFFSETS_MM)
    # Skin behind, such as that of the neck below the chin, is farther from the viewer and gets a handicap.
    depth = skin.vertices[template.landmarks68, 2]
    places = np.column_stack([skin.vertices[seen, :2], 0.3 * skin.vertices[seen, 2]])
    return seen[cKDTree(places).query(np.column_stack([marks, 0.3 * depth]))[1]]
