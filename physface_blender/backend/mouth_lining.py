# SPDX-License-Identifier: GPL-3.0-or-later
"""Lining of the mouth that lies on bone with no tissue in between."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import SuperLU, splu
from scipy.spatial import cKDTree

from ..anatomy.template import Template
from .rigid_motion import Transform, apply

FIRM_DISTANCE_MM = 3.0

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class MouthLining:
    """The skin vertices of the region ``contact`` beyond the tissue.

    In the vestibule the lining lies on the gums and on the roots of the teeth; no hexahedron fits between. Left to the
    network, which is off by a fraction of a millimeter, it would wander into them. So the lining within 3 mm of teeth
    and gums moves rigidly with their bone, and the rest of it takes the displacement that is harmonic over the surface
    (graph Laplacian) between that, the simulated skin at the seam, and the skin that follows the network.

    Attributes:
        on_skull: vertices that stay.
        on_mandible: vertices that move with the jaw.
        between: (B,) vertices whose displacement is harmonic.
        coupling: (B, V) minus the Laplacian's entries of ``between`` against all other vertices.
        factor: of the Laplacian's entries of ``between`` among themselves; None when there are none.
    """

    on_skull: Indices
    on_mandible: Indices
    between: Indices
    coupling: csr_matrix
    factor: SuperLU | None

    @classmethod
    def of(cls, template: Template, outside: Indices) -> Self:
        """Find the lining among the skin vertices beyond the tissue."""
        skin = template.meshes["skin"]
        lining = outside[template.regions["contact"][outside] > 0.5]
        upper = _distance(skin.vertices[lining], template, ("upper_teeth", "upper_gum"))
        lower = _distance(skin.vertices[lining], template, ("lower_teeth", "lower_gum"))
        firm = np.minimum(upper, lower) < FIRM_DISTANCE_MM
        between = lining[~firm]
        count = len(skin.vertices)
        i, j = skin.edges.T
        adjacency = coo_matrix((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), shape=(count, count)).tocsr()
        laplacian = (diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsr()[between]
        keep = np.ones(count)
        keep[between] = 0.0
        return cls(
            on_skull=lining[firm & (upper <= lower)],
            on_mandible=lining[firm & (upper > lower)],
            between=between,
            coupling=-(laplacian @ diags(keep)).tocsr(),
            factor=splu(laplacian[:, between].tocsc()) if len(between) else None,
        )

    def settle(self, skin: Floats, rest: Floats, jaw: Transform) -> None:
        """Put the lining in its place.

        Args:
            skin: (V, 3) mm, all other vertices posed; changed in place.
            rest: (V, 3) mm.
            jaw: (4, 4).
        """
        skin[self.on_skull] = rest[self.on_skull]
        skin[self.on_mandible] = apply(jaw, rest[self.on_mandible])
        if self.factor is not None:
            skin[self.between] = rest[self.between] + self.factor.solve(self.coupling @ (skin - rest))


def _distance(points: Floats, template: Template, parts: tuple[str, ...]) -> Floats:
    """Distance (P,) in mm to the nearest vertex of some parts."""
    return cKDTree(np.concatenate([template.meshes[part].vertices for part in parts])).query(points)[0]
