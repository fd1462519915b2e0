"""What a solve starts from and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .obstacle import RigidPose


class Status(Enum):
    """How a solve ended; the value is a sentence for the user. The state is free of intersections in every case."""

    CONVERGED = "The simulation has converged."
    NOT_CONVERGED = "The simulation stopped before it converged; the last state without intersections is shown."
    CANCELLED = "The simulation was cancelled; the last state without intersections is shown."


@dataclass(frozen=True)
class SimulationState:
    """A pose of the tissue.

    Attributes:
        positions: (N, 3) nodes in millimeters.
        target_nodes: (N, 3) where the actuation wanted them; their difference is carried over to the next frame.
        pose: of mandible, lower teeth and eyeballs in this state.
        collision_free: whether the state was reached with contact on, so that nothing in it intersects.
    """

    positions: np.ndarray
    target_nodes: np.ndarray
    pose: RigidPose
    collision_free: bool = False


@dataclass(frozen=True)
class SimulationResult:
    """The outcome of one solve.

    Attributes:
        state: the pose reached.
        status: how the solve ended.
        iterations: steps of the outer iteration.
        linear_iterations: applications of the factor.
        residual: norm of the remaining force relative to the norm of the stress that the actuation can exert, both
            measured through K^-1, so that it is a mean strain error without a unit.
        step_mm: farthest that any point of the skin would move in the next step.
        seconds: wall time.
        minimum_distance_mm: smallest distance between colliding surfaces, infinity where contact is off or nothing is
            near.
        energies: energy in newton millimeter after every accepted step with the boundary at its final place.
    """

    state: SimulationState
    status: Status
    iterations: int
    linear_iterations: int
    residual: float
    step_mm: float
    seconds: float
    minimum_distance_mm: float
    energies: tuple[float, ...] = ()
