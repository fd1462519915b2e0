"""The simulator as a function of torch tensors that can be differentiated.

The only module of the simulation that knows torch, so that nothing else of it needs torch to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..conditions import Conditions
from ..reconciliation import Reconciliation
from ..simulator import SimulationInputError, Simulator
from ..state import SimulationResult, SimulationState
from .reconciled_target import reconciled_gradient
from .sensitivities import sensitivities


def simulate_frame(
    simulator: Simulator,
    target_nodes: torch.Tensor,
    jaw: torch.Tensor,
    start: SimulationState | None = None,
    *,
    actuation: torch.Tensor | None = None,
    paralysis: torch.Tensor | None = None,
    mandible_scale: torch.Tensor | None = None,
    eyes: tuple[np.ndarray, np.ndarray] | None = None,
    conditions: Conditions | None = None,
    contact: bool = True,
) -> tuple[torch.Tensor, SimulationResult]:
    """Solve one frame; the pose carries gradients to every tensor that wants them.

    All tensors are float64 on the CPU. The pose does not depend on the start, except for which minimum is found.

    Args:
        simulator: of the character. Its tolerance bounds the accuracy of the gradients (see `sensitivities`).
        target_nodes: (N, 3) where the actuation wants the nodes, millimeters.
        jaw: (4, 4) rigid transform of the mandible. Its gradient is by the entries as if they were free: make the
            transform of rotations and translations by torch's own operations, and theirs is right.
        start: state of the frame before, or None for rest.
        actuation: (E, 8, 3, 3) or (E, 3, 3) symmetric tensors, or None to take them from the target.
        paralysis: (N,) share 0..1 that each node loses, in place of that of the conditions.
        mandible_scale: (3,) length, width and height, in place of those of the conditions' mandible.
        eyes: (4, 4) transforms of left and right eyeball.
        conditions: gravity, paralysis, mandible.
        contact: whether surfaces collide.

    Returns:
        The pose of the nodes (N, 3) and how the solve went. Going backward through a pose that did not converge, or
        that is no minimum, raises a `SensitivityError`: look at the status, and leave such a frame out of the loss.

    Raises:
        SimulationInputError: if the simulator refuses the input, or a tensor is not float64.
        ConditionsError: if the simulator refuses the conditions.
    """
    tensors = (target_nodes, jaw, actuation, paralysis, mandible_scale)
    for tensor in tensors:
        if tensor is not None and tensor.dtype is not torch.float64:
            raise SimulationInputError(f"The simulator takes tensors of float64, not {tensor.dtype}.")
    target, transform, stretch, share, scale = (None if t is None else t.detach().numpy() for t in tensors)
    conditions = conditions or Conditions()
    if share is not None:
        conditions = replace(conditions, paralysis=share)
    if scale is not None:
        if conditions.mandible is None:
            raise SimulationInputError("Scales of the mandible need conditions with a mandible, which says what about.")
        conditions = replace(conditions, mandible=replace(conditions.mandible, scale=scale))
    result = simulator.solve(
        target, transform, start, actuation=stretch, eyes=eyes, conditions=conditions, contact=contact
    )
    frame = (simulator, result, conditions, stretch)
    return _SolvedPose.apply(frame, *tensors), result


def simulate_frames(
    simulator: Simulator,
    target_nodes: torch.Tensor,
    jaws: torch.Tensor,
    starts: Sequence[SimulationState | None],
    *,
    actuations: torch.Tensor | None = None,
    **shared: Any,
) -> tuple[torch.Tensor, list[SimulationResult]]:
    """Solve frames one after the other.

    Args:
        simulator: of the character.
        target_nodes: (B, N, 3).
        jaws: (B, 4, 4).
        starts: B states.
        actuations: (B, E, 8, 3, 3) or (B, E, 3, 3), or None.
        **shared: further arguments of `simulate_frame`, the same for all frames.

    Returns:
        Poses (B, N, 3) and how the solves went.

    Raises:
        SimulationInputError: as `simulate_frame`.
        ConditionsError: as `simulate_frame`.
    """
    stretches = [None] * len(starts) if actuations is None else actuations
    solved = [
        simulate_frame(simulator, target, jaw, start, actuation=stretch, **shared)
        for target, jaw, start, stretch in zip(target_nodes, jaws, starts, stretches, strict=True)
    ]
    return torch.stack([pose for pose, _ in solved]), [result for _, result in solved]


def reconcile(reconciliation: Reconciliation, target_nodes: torch.Tensor, jaw: torch.Tensor) -> torch.Tensor:
    """Bring a target into agreement with the bones; the result carries gradients to both tensors.

    Args:
        reconciliation: of the character.
        target_nodes: (N, 3) float64 on the CPU, millimeters.
        jaw: (4, 4) rigid transform of the mandible; as for `simulate_frame`.
    """
    return _AgreedTarget.apply(reconciliation, target_nodes, jaw)


class _AgreedTarget(torch.autograd.Function):
    """A target in agreement with the bones."""

    @staticmethod
    def forward(ctx: Any, reconciliation: Reconciliation, target: torch.Tensor, jaw: torch.Tensor) -> torch.Tensor:
        ctx.made_of = reconciliation, jaw.detach().numpy()
        return torch.from_numpy(reconciliation.applied(target.detach().numpy(), jaw.detach().numpy()))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        reconciliation, jaw = ctx.made_of
        by_target, by_jaw = reconciled_gradient(reconciliation, gradient.numpy(), jaw)
        return None, torch.from_numpy(by_target), torch.from_numpy(by_jaw)


class _SolvedPose(torch.autograd.Function):
    """A pose that was solved already, and the way back from it."""

    @staticmethod
    def forward(ctx: Any, frame: tuple, *tensors: torch.Tensor | None) -> torch.Tensor:
        ctx.frame = frame
        return torch.from_numpy(frame[1].state.positions.copy())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, loss: torch.Tensor) -> tuple:
        simulator, result, conditions, actuation = ctx.frame
        found = sensitivities(simulator, result, loss.numpy(), conditions=conditions, actuation=actuation)
        by_actuation = found.actuation
        if actuation is not None and actuation.ndim == 3:
            by_actuation = by_actuation.sum(axis=1)
        gradients = (found.target_nodes, found.bones.jaw, by_actuation, found.paralysis, found.bones.mandible_scale)
        return None, *(
            torch.from_numpy(gradient) if needed else None
            for gradient, needed in zip(gradients, ctx.needs_input_grad[1:], strict=True)
        )
