# SPDX-License-Identifier: GPL-3.0-or-later
"""A character of a fitted face."""

from ..fitting.residual_warp import ResidualWarp
from ..simulation.hexahedron import RestShapeError, reference_jacobians
from ..simulation.rest_repair import RestRepairError
from .assets import FaceAssets
from .identity import Identity
from .rest_shape import make_rest_shape

STRENGTHS = (1.0, 0.7, 0.4, 0.0)
"""Shares of a residual that are tried."""


def usable_identity(identity: Identity, assets: FaceAssets, resolution_mm: float, cache_directory=None):
    """The identity with as much of its residual as its tissue allows.

    Returns:
        The identity, and the share of the residual that is left: 1 unless lips could not be parted or a cell of the
        tissue would be turned inside out.

    Raises:
        RestRepairError: the identity cannot be used even without a residual.
    """
    if identity.residual is None:
        return identity, 1.0
    shared = assets.space(resolution_mm, cache_directory)
    actor = assets.model.actor(identity.coefficients)
    for strength in STRENGTHS:
        changed = Identity(identity.coefficients, strength * identity.residual)
        warp = ResidualWarp.of(assets.template, changed.residual)
        try:
            rest = make_rest_shape(assets, shared, actor, cache_directory, warp)
            reference_jacobians(rest.nodes, shared.space.hexes)
        except (RestRepairError, RestShapeError):
            if strength == 0.0:
                raise
            continue
        break
    return changed, strength
