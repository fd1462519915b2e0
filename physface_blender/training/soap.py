"""Adam in the eigenbasis of a layer's gradients (SOAP, Vyas et al. 2024).

A layer whose inputs are as alike as blendweights, and whose outputs count as little each as a cell's tensor, learns some
combinations of its weights thousands of times slower than others. Adam scales weights one by one and so does not see
combinations; turned into the eigenvectors of the gradients' covariances on both sides of the matrix, it does.
"""

from collections.abc import Iterable

import torch

COVARIANCE_DECAY = 0.95
MOMENT_DECAYS = (0.9, 0.95)
EPSILON = 1e-8
REFRESH_EVERY = 20
"""Steps between two turns of the basis."""
LARGEST_SIDE = 1024
"""Longer sides of a matrix keep their own basis: eigenvectors would take longer than they save."""


class Soap(torch.optim.Optimizer):
    """SOAP for matrices; what has one dimension, or none, is left to Adam's own rule."""

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float) -> None:
        """Take over parameters; lr as for Adam."""
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move every parameter that has a gradient; the first step of each only looks at it."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"])

    def _move(self, parameter: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        state = self.state[parameter]
        sides = range(2) if gradient.dim() == 2 else ()
        if not state:
            state["step"] = 0
            state["first"], state["second"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
            for side in sides:
                if gradient.shape[side] <= LARGEST_SIDE:
                    state[f"covariance_{side}"] = _covariance(gradient, side)
                    state[f"basis_{side}"] = torch.linalg.eigh(state[f"covariance_{side}"])[1]
            return
        state["step"] += 1
        for side in sides:
            if f"covariance_{side}" in state:
                state[f"covariance_{side}"].lerp_(_covariance(gradient, side), 1.0 - COVARIANCE_DECAY)
        turned = self._turned(state, gradient)
        first, second = state["first"], state["second"]
        decay, square_decay = MOMENT_DECAYS
        first.lerp_(turned, 1.0 - decay)
        second.lerp_(turned.square(), 1.0 - square_decay)
        corrected = first / (1.0 - decay ** state["step"])
        scale = (second / (1.0 - square_decay ** state["step"])).sqrt().add_(EPSILON)
        parameter.sub_(rate * self._turned(state, corrected / scale, back=True))
        if state["step"] % REFRESH_EVERY == 0:
            for side in sides:
                if f"covariance_{side}" in state:
                    self._refresh(state, side)

    @staticmethod
    def _turned(state: dict, values: torch.Tensor, *, back: bool = False) -> torch.Tensor:
        """Values in the basis, or back from it."""
        left, right = state.get("basis_0"), state.get("basis_1")
        if left is not None:
            values = (left if back else left.T) @ values
        if right is not None:
            values = values @ (right.T if back else right)
        return values

    @staticmethod
    def _refresh(state: dict, side: int) -> None:
        """One step of orthogonal iteration toward the eigenvectors of the covariance now; the moments turn along."""
        basis, covariance = state[f"basis_{side}"], state[f"covariance_{side}"]
        product = covariance @ basis
        order = (basis * product).sum(0).argsort(descending=True)
        fresh = torch.linalg.qr(product[:, order])[0]
        turn = basis.T @ fresh
        state["first"] = turn.T @ state["first"] if side == 0 else state["first"] @ turn
        state["second"] = state["second"].index_select(side, order)
        state[f"basis_{side}"] = fresh


def _covariance(gradient: torch.Tensor, side: int) -> torch.Tensor:
    return gradient @ gradient.T if side == 0 else gradient.T @ gradient
