"""All derivatives of a number that depends on a simulated pose, from one adjoint system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..conditions import Conditions
from ..hexahedron import gauss_points, shape_values
from ..simulator import SimulationInputError, Simulator
from ..state import SimulationResult, Status
from ..tissue import Tissue
from .actuation import target_gradient
from .adjoint import SensitivityError, adjoint_displacement
from .bones import BonesGradient, bones_gradient
from .exact_contact import ExactContact


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives of a number by everything that a frame was asked for.

    Attributes:
        target_nodes: (N, 3) by the target: through the border, and through the actuation unless that was given.
        actuation: (E, 8, 3, 3) symmetric, by the actuation tensors before any paralysis.
        paralysis: (N,) by the share that each node loses, also where it loses none.
        bones: by jaw, mandible and skull. The shift of the border that goes with an edited mandible is held.
    """

    target_nodes: np.ndarray
    actuation: np.ndarray
    paralysis: np.ndarray
    bones: BonesGradient


def sensitivities(
    simulator: Simulator,
    result: SimulationResult,
    loss: np.ndarray,
    *,
    conditions: Conditions | None = None,
    actuation: np.ndarray | None = None,
) -> Sensitivities:
    """Differentiate a number through a solve.

    The derivatives are those of the minimum itself, so they are as exact as the solve: at a tolerance of 0.01 mm they
    serve a fit, at 1e-8 mm they agree with central differences. At 2 mm cells they need 0.5 GB for a moment.

    Args:
        simulator: the one that solved the frame; what it holds of a frame is set to this one.
        result: of the solve.
        loss: (N, 3) derivatives of the number by the nodes.
        conditions: those of the solve.
        actuation: that of the solve, (E, 8, 3, 3) or (E, 3, 3); None if it took it from the target.

    Raises:
        SimulationInputError: if what is given does not fit the character or is not finite.
        ConditionsError: if the conditions make no sense.
        SensitivityError: if the solve did not converge, if it had contact with friction, or if where it ended is no
            minimum.
    """
    if result.status is not Status.CONVERGED:
        raise SensitivityError("The solve did not converge, so the pose is no minimum and has no derivatives.")
    state, conditions = result.state, conditions or Conditions()
    if conditions.friction > 0.0 and state.collision_free:
        raise SensitivityError(
            "With friction a pose also depends on where the frame before ended, and has no derivatives of its own; "
            "solve it with friction 0."
        )
    loss = np.ascontiguousarray(loss, dtype=np.float64)
    if loss.shape != state.positions.shape or not np.isfinite(loss).all():
        raise SimulationInputError(
            f"The derivatives by the nodes must be finite numbers of the shape {state.positions.shape}, not {loss.shape}."
        )
    tissue = simulator.tissue_in(state, conditions, actuation)
    surface = contact = None
    if state.collision_free:
        surface = simulator.collision.surface(state.positions, state.pose)
        contact = ExactContact.at(tissue.contact, surface)
    adjoint = adjoint_displacement(tissue, state.positions, surface, contact, loss)
    by_obstacles = None if contact is None else -contact.obstacle_product(adjoint[tissue.patch_nodes])
    springs = tissue.attachments.target_gradient(adjoint)
    by_impaired = tissue.elasticity.work_by_actuation(state.positions, adjoint)
    by_actuation, by_target = by_impaired, springs.target_nodes
    if conditions.paralysis is not None:
        by_actuation = tissue.activity(conditions.paralysis)[:, :, None, None] * by_impaired
        by_target = (1.0 - conditions.paralysis)[:, None] * by_target
    if actuation is None:
        by_target = by_target + target_gradient(tissue.elasticity, state.target_nodes, by_actuation)
    # Where all of the actuation is lost it cannot be told from what is left.
    unimpaired = simulator.tissue_in(state, actuation=actuation).elasticity.actuation
    return Sensitivities(
        target_nodes=by_target,
        actuation=by_actuation,
        paralysis=_paralysis_gradient(tissue, state.target_nodes, unimpaired, by_impaired, springs.target_nodes),
        bones=bones_gradient(springs, simulator.collision, by_obstacles, state.pose),
    )


def _paralysis_gradient(
    tissue: Tissue, target_nodes: np.ndarray, unimpaired: np.ndarray, by_actuation: np.ndarray, by_border: np.ndarray
) -> np.ndarray:
    """Return the derivatives (N,) by the paralysis, which draws the actuation towards I and the border towards rest.

    Args:
        tissue: of the character.
        target_nodes: (N, 3) the target.
        unimpaired: (E, 8, 3, 3) actuation without any paralysis.
        by_actuation: (E, 8, 3, 3) derivatives by the actuation in force.
        by_border: (N, 3) derivatives by the border in force.
    """
    by_activity = np.einsum("eqij,eqij->eq", by_actuation, unimpaired - np.eye(3))
    corners = by_activity @ shape_values(gauss_points())
    by_left = np.bincount(tissue.elasticity.hexes.ravel(), corners.ravel(), len(target_nodes))
    return -by_left - ((target_nodes - tissue.rest_nodes) * by_border).sum(axis=1)
