"""Actuation evaluated at points, as the papers do: the foil of the actuation that is consistent with the grid.

At every quadrature point F is the derivative of the network's deformation by the network's rest shape, and A = R(F)^T F.
No pose of the nodes has these F, so the solver ends elsewhere than the network, the farther the coarser the grid.
"""

from __future__ import annotations

import numpy as np

from ..anatomy.embedding import trilinear_weights
from ..anatomy.material_space import parting_at
from ..backend.assets import FaceAssets
from ..backend.character import Character
from ..backend.displacement_sampler import DisplacementSampler
from ..simulation.hexahedron import gauss_points

_STEP_MM = 0.25
"""Of the central differences: the fields are in single precision, and smooth over centimeters."""
_CHUNK = 8192
"""Hexahedra evaluated together."""


class PointActuation:
    """The actuation of one character at the quadrature points of its hexahedra.

    Args:
        assets: the model.
        character: whose face; only its identity and its space are used.
    """

    def __init__(self, assets: FaceAssets, character: Character) -> None:
        space = character.space
        actor = assets.model.actor(character.identity.coefficients)
        self._samplers: list[DisplacementSampler] = []
        self._inverses: list[np.ndarray] = []
        local = gauss_points()
        offsets = _STEP_MM * np.concatenate([np.eye(3), -np.eye(3)])
        for first in range(0, len(space.hexes), _CHUNK):
            hexes = np.arange(first, min(first + _CHUNK, len(space.hexes)))
            points = np.einsum("qc,ecx->eqx", trilinear_weights(local), space.node_positions[space.hexes[hexes]])
            parting, slope = parting_at(space, np.repeat(hexes, 8), np.tile(local, (len(hexes), 1)))
            moved = points.reshape(-1, 1, 3) + offsets
            sides = (parting[:, None] + slope @ offsets.T).ravel()
            rest = actor.rest(moved.reshape(-1, 3))
            self._inverses.append(np.linalg.inv(_derivative(rest)))
            self._samplers.append(DisplacementSampler(actor, moved.reshape(-1, 3), sides, assets.evaluator))

    def tensors(self, expression: np.ndarray) -> np.ndarray:
        """Return A (E, 8, 3, 3) under an expression (52,)."""
        parts = [
            np.eye(3) + _derivative(sampler.displacements(expression)) @ inverse
            for sampler, inverse in zip(self._samplers, self._inverses, strict=True)
        ]
        return stretch(np.concatenate(parts)).reshape(-1, 8, 3, 3)


def _derivative(values: np.ndarray) -> np.ndarray:
    """Return the derivatives (P, 3, 3), value by coordinate, from values at the shifted points (6 P, 3)."""
    values = values.reshape(-1, 2, 3, 3)
    return np.moveaxis(values[:, 0] - values[:, 1], 1, 2) / (2.0 * _STEP_MM)


def stretch(deformation: np.ndarray) -> np.ndarray:
    """Return A = R^T F (P, 3, 3) with R the proper rotation nearest to F (P, 3, 3)."""
    squares, axes = np.linalg.eigh(np.swapaxes(deformation, 1, 2) @ deformation)
    sizes = np.sqrt(np.maximum(squares, 0.0))
    sizes[:, 0] *= np.sign(np.linalg.det(deformation))
    return np.einsum("pik,pk,pjk->pij", axes, sizes, axes)
