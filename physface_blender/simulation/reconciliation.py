"""Bringing a target into agreement with the bones, without moving the skin.

A network that was trained on faces moves the tissue at skull and mandible almost as these move, but not quite, and nodes of
cells that reach into bone move as it happens. The actuation says how tissue is strained and not where it is: what
the target is off at the bone, the whole tissue in front of it would be off as well, up to the skin. So the target is
given the displacement that removes the disagreement at the bones, is zero at the skin, and costs the tissue between
them the least; the simulation then has its minimum where the network wants the skin. Papers 001 and 002 leave the
disagreement in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from .dissection import lattice_coordinates
from .factorization import factorize
from .obstacle import RigidPose
from .tissue import Tissue

if TYPE_CHECKING:
    from ..anatomy.material_space import MaterialSpace

_ANCHOR = 40.0
"""Stiffness that holds a vertex of the skin, in multiples of Young's modulus times a millimeter: tissue 10 mm thick is a
hundredth of that under the 7 square millimeters of a vertex, bone more than a hundred times that."""
_REFINEMENTS = 1
"""Corrections of the solution in double precision; the factor has single precision, and the bones are very stiff."""


class Reconciliation:
    """Adds to targets what makes them agree with the bones.

    Args:
        tissue: of the character.
        space: its cells.
        held: (V,) whether a vertex of the skin shall stay where the target has it; where tissue is as thin as in front
            of the teeth, the skin of the mouth's inner side is better left to follow.
        young_modulus_mpa: of the tissue.

    Attributes:
        attachments: the springs to the bones.

    Raises:
        FactorizationError: if nothing is held.
    """

    def __init__(self, tissue: Tissue, space: MaterialSpace, held: np.ndarray, young_modulus_mpa: float) -> None:
        self.attachments = tissue.attachments
        chosen = np.asarray(held, dtype=bool) & (space.skin.hexes >= 0)
        corners, weights = space.skin.corners[chosen], space.skin.weights[chosen]
        count = tissue.stiffness.shape[0]
        starts = np.arange(0, 8 * len(corners) + 1, 8)
        skin = csr_matrix((weights.ravel(), corners.ravel(), starts), shape=(len(corners), count))
        self._matrix = (tissue.stiffness + (_ANCHOR * young_modulus_mpa) * (skin.T @ skin)).tocsr()
        coordinates = lattice_coordinates(space.hexes, space.cells, count)
        # Springs of the mouth's lining leave the lattice of the cells, so its nodes come last.
        lining = np.arange(len(space.node_positions), count)
        self._factor = factorize(self._matrix, coordinates, lining)

    def applied(self, target_nodes: np.ndarray, jaw: np.ndarray) -> np.ndarray:
        """Return a target (N, 3), millimeters, so that tissue at the bones goes with them.

        Args:
            target_nodes: (N, 3) where a network wants the nodes.
            jaw: (4, 4) rigid transform of the mandible from rest. Edited bones do not enter: the same actuation is
                replayed over them.
        """
        return target_nodes + self.solved(self.attachments.disagreement(target_nodes, RigidPose.of(jaw)))

    def solved(self, load: np.ndarray) -> np.ndarray:
        """Return the displacement (N, 3) in millimeters of tissue whose skin is held, under forces (N, 3) in newton."""
        shift = self._factor.solve(load)
        for _ in range(_REFINEMENTS):
            shift += self._factor.solve(load - self._matrix @ shift)
        return shift
