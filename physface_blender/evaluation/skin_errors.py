"""How far a skin is from a capture: the paper's four figures, and the distances behind its cumulative curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..anatomy.mesh import Mesh
from ..fitting.scan import Scan
from ..training.fit_evaluation import Correspondence, figures

FIGURES = ("v2v_mm", "s2m_mm", "f_score", "normal")


@dataclass(frozen=True, eq=False)
class SkinErrors:
    """Errors of one skin.

    Attributes:
        figures: V2V and S2M in mm, F-score at 1 mm, normal error as the mean cosine distance, by the names of ``FIGURES``.
        distances: (S,) mm between corresponding points.
    """

    figures: dict[str, float]
    distances: np.ndarray

    @classmethod
    def of(cls, correspondence: Correspondence, skin: Mesh, face: np.ndarray, truth: np.ndarray) -> SkinErrors:
        """Measure a skin.

        Args:
            correspondence: of the captures with the template.
            skin: the template's, posed.
            face: (V,) bool, its frontal face.
            truth: (S, 3) the capture's frontal face, mm.
        """
        found = figures(correspondence, skin, face, truth)
        normals = correspondence.on(skin.vertex_normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        true_normals = Scan(truth, correspondence.triangles).normals
        found["normal"] = float(1.0 - np.einsum("sx,sx->s", normals, true_normals).mean())
        return cls(found, np.linalg.norm(correspondence.on(skin.vertices) - truth, axis=1))


def mean_figures(errors: Sequence[SkinErrors]) -> dict[str, float]:
    """The mean of every figure over frames."""
    return {name: round(float(np.mean([each.figures[name] for each in errors])), 4) for name in FIGURES}


def shares_below(errors: Sequence[SkinErrors], limits: np.ndarray) -> np.ndarray:
    """The share (L,) of all distances that is below each limit (L,) in mm."""
    distances = np.sort(np.concatenate([each.distances for each in errors]))
    return np.searchsorted(distances, limits) / len(distances)
