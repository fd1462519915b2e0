"""Fitting through contact (paper 001, section 5.4, figure 16): it lowers the error that switching contact on raised.

The network was trained on captures whose lips pass through each other, by a loss that knows nothing of contact. So its
poses fit best without contact; contact puts the lips right and makes the fit worse; and training the network a little
further, through the simulation with contact, makes it better again. To tell what contact has to do with that from what
training on these frames does anyway, the same training is also done through the simulation without contact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from ..simulation.sensitivities.adjoint import SensitivityError
from ..simulation.state import SimulationResult, SimulationState, Status
from .captured_mouth import CapturedMouth


class TrainableFace(Protocol):
    """A face whose network can be trained through the simulator.

    Attributes:
        rest: (P, 3) the compared vertices at rest, millimeters.
    """

    rest: torch.Tensor

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """The weights that are trained."""
        ...

    def pose(
        self, expression: np.ndarray, start: SimulationState | None, *, contact: bool
    ) -> tuple[torch.Tensor, SimulationResult]:
        """Return the vertices (P, 3) under weights (K,), with gradients, and how the solve went."""
        ...


@dataclass
class Errors:
    """Mean distance of skin and capture in millimeters, frame by frame.

    Attributes:
        face: (T,) over all vertices that are compared.
        lips: (T,) over those of the lips.
        skins: (T, P, 3) the simulated skin.
        not_converged: frames whose solve stopped early.
    """

    face: np.ndarray
    lips: np.ndarray
    skins: np.ndarray
    not_converged: int


@dataclass
class ContactFit:
    """What came out.

    Attributes:
        errors: of the weights to begin with ("given"), of those trained without contact, simulated without ("free") and
            with it ("contact"), and with contact after training on through contact ("fitted") and through the simulation
            without it ("control").
        curves: mean error at the lips over the fitted frames, with contact as in training, after every pass, by
            "fitted" and "control".
        skipped: steps of training that were left out, because a pose had no derivatives, by the same names.
    """

    errors: dict[str, Errors] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)


class ContactFitting:
    """The experiment.

    Args:
        face: with the weights to begin with.
        capture: what is fitted.
        lips: (P,) which of the compared vertices belong to the lips.
        rate: of Adam, falling linearly to nothing in each training.
        report: told the share done and what is being done.
    """

    def __init__(
        self,
        face: TrainableFace,
        capture: CapturedMouth,
        lips: np.ndarray,
        rate: float,
        report: Callable[[float, str], None],
    ) -> None:
        self._face, self._capture, self._rate, self._report = face, capture, rate, report
        self._lips = torch.as_tensor(np.flatnonzero(lips))
        self._targets = face.rest + torch.as_tensor(capture.displacements)

    def run(self, passes: int) -> ContactFit:
        """Train without contact, measure, go on in both ways, and measure again.

        Args:
            passes: how often every fitted frame is trained on in each of the three trainings.
        """
        fit = ContactFit()
        count = len(self._capture.expressions)
        fit.errors["given"], states = self._measure([None] * count, contact=False)
        self._train("before", states, passes, fit, (0.0, 0.25), contact=False)
        before = [parameter.detach().clone() for parameter in self._face.parameters]
        fit.errors["free"], free = self._measure(states, contact=False)
        fit.errors["contact"], touching = self._measure([None] * count, contact=True)
        self._train("fitted", list(touching), passes, fit, (0.3, 0.75), contact=True)
        fit.errors["fitted"], _ = self._measure(touching, contact=True)
        with torch.no_grad():
            for parameter, value in zip(self._face.parameters, before, strict=True):
                parameter.copy_(value)
        self._train("control", free, passes, fit, (0.75, 1.0), contact=False)
        fit.errors["control"], _ = self._measure(touching, contact=True)
        return fit

    def _distances(self, skin: torch.Tensor, frame: int) -> torch.Tensor:
        return (skin - self._targets[frame]).norm(dim=1)

    @torch.no_grad()
    def _measure(self, starts: list[SimulationState | None], *, contact: bool) -> tuple[Errors, list[SimulationState]]:
        """Return the errors of all frames and the states; a frame without a start begins at the frame before."""
        skins, states, face, lips, failures = [], [], [], [], 0
        state = None
        for frame, expression in enumerate(self._capture.expressions):
            skin, result = self._face.pose(expression, starts[frame] or state, contact=contact)
            state = result.state
            failures += result.status is not Status.CONVERGED
            distances = self._distances(skin, frame)
            face.append(float(distances.mean()))
            lips.append(float(distances[self._lips].mean()))
            skins.append(skin.numpy())
            states.append(state)
        return Errors(np.array(face), np.array(lips), np.stack(skins), failures), states

    def _train(
        self,
        name: str,
        states: list[SimulationState],
        passes: int,
        fit: ContactFit,
        shares: tuple[float, float],
        *,
        contact: bool,
    ) -> None:
        """Train on the fitted frames, one after the other, each from its own last state (in place)."""
        parameters, trained = self._face.parameters, np.flatnonzero(~self._capture.held_out)
        optimizer = torch.optim.Adam(parameters, lr=self._rate)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, passes * len(trained))
        fit.curves[name], fit.skipped[name] = [], 0
        for done in range(passes):
            errors = []
            for frame in trained:
                optimizer.zero_grad()
                skin, result = self._face.pose(self._capture.expressions[frame], states[frame], contact=contact)
                states[frame] = result.state
                distances = self._distances(skin, frame)
                errors.append(float(distances[self._lips].detach().mean()))
                try:
                    ((distances**2).mean() + (distances[self._lips] ** 2).mean()).backward()
                    optimizer.step()
                except SensitivityError:
                    fit.skipped[name] += 1
                schedule.step()
            fit.curves[name].append(float(np.mean(errors)))
            share = shares[0] + (shares[1] - shares[0]) * (done + 1) / passes
            text = f"training {name}, pass {done + 1} of {passes}: {fit.curves[name][-1]:.3f} mm at the lips"
            self._report(share, text)
