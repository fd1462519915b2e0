"""The heads of the mandible, about which the jaw turns."""

from __future__ import annotations

import numpy as np

_HEIGHT_MM = 3.0
_DEPTH_MM = 20.0


def condyle_vertices(mandible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices of the left and of the right condyle.

    They are the highest 3 mm within the hindmost 20 mm of each half; the coronoid process lies further in front.

    Args:
        mandible: (M, 3) vertices in canonical millimeters (x to the left, y up, z forward).
    """
    hind = mandible[:, 2] < mandible[:, 2].min() + _DEPTH_MM
    found = []
    for side in (1.0, -1.0):
        half = np.flatnonzero(hind & (side * mandible[:, 0] > 0.0))
        found.append(half[mandible[half, 1] > mandible[half, 1].max() - _HEIGHT_MM])
    return found[0], found[1]
