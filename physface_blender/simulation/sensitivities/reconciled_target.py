"""Derivatives through the agreement of a target with the bones."""

from __future__ import annotations

import numpy as np

from ..obstacle import RigidPose
from ..reconciliation import Reconciliation
from .bones import bones_gradient


def reconciled_gradient(
    reconciliation: Reconciliation, gradient: np.ndarray, jaw: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Carry derivatives by an agreed target back to what it was made of.

    The agreed target is phi + M^-1 W^T k (t - W phi), with t the far ends of the springs: linear in both.

    Args:
        reconciliation: that made the target.
        gradient: (N, 3) derivatives by the agreed target.
        jaw: (4, 4) the jaw's transform then.

    Returns:
        (N, 3) derivatives by the target before, and (4, 4) by the entries of the jaw's transform as if they were free.
    """
    adjoint = reconciliation.solved(gradient)
    springs = reconciliation.attachments.target_gradient(adjoint)
    by_target = gradient + springs.target_nodes - reconciliation.attachments.matrix @ adjoint
    return by_target, bones_gradient(springs, None, None, RigidPose.of(jaw)).jaw
