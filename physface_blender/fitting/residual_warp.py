"""What lies under the skin follows the free-form finish of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy.biharmonic_spline import BiharmonicSpline
from ..anatomy.face_region import INNER_REGIONS
from ..anatomy.parametric_bones import spread_control_points
from ..anatomy.template import Template

SKIN_CONTROLS, TEETH_CONTROLS = 320, 40
"""Of each row of teeth; as for the parametric bones, so that bones keep the tissue over them as thick as it was."""


@dataclass(frozen=True, eq=False)
class ResidualWarp:
    """Displacements in canonical space from those of the skin.

    Bones move with the skin over them as parametric bones do (equation 21 of the paper, for the part of the shape that
    the model does not know), teeth stay, and so the tissue between keeps its thickness. What is finer than the warp
    stays on the skin.

    Attributes:
        skin: (V, 3) displacement of the skin's vertices, mm.
        warp: of everything else.
    """

    skin: np.ndarray
    warp: BiharmonicSpline

    @classmethod
    def of(cls, template: Template, residual: np.ndarray, ignored: np.ndarray | None = None) -> ResidualWarp:
        """The warp of a residual (V, 3) in mm of the template's skin, without what some vertices (V,) say."""
        skin = template.meshes["skin"].vertices
        if ignored is None:
            ignored = np.any([template.regions[name] > 0.5 for name in INNER_REGIONS], axis=0)
        outer = np.flatnonzero(~ignored)
        chosen = outer[spread_control_points(skin[outer], SKIN_CONTROLS)]
        teeth = [template.meshes[part].vertices for part in ("upper_teeth", "lower_teeth")]
        teeth = np.concatenate([points[spread_control_points(points, TEETH_CONTROLS)] for points in teeth])
        spread = BiharmonicSpline.through(
            np.concatenate([skin[chosen], teeth]), np.concatenate([residual[chosen], np.zeros_like(teeth)])
        )
        return cls(residual, spread)

    def displacement(self, part: str, points: np.ndarray) -> np.ndarray:
        """Displacements (P, 3) in mm of the canonical points (P, 3) of a part; those of the skin are its vertices."""
        return self.skin if part == "skin" else self.warp.displacement(points)
