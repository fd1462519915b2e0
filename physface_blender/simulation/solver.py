"""Minimization of the energy of one frame, with every accepted state free of intersections.

A state is a pose of the nodes and a time in 0..1 along the motion of the jaw from where it was to where it shall be.
A step moves both: the nodes along a direction that anticipates the teeth (the barrier's mixed derivatives times their
displacement), the jaw along a screw motion. Continuous collision detection on the straight lines between the two
poses shortens the step until nothing passes through anything. Once the jaw has arrived the boundary stays fixed, and
from then on no step raises the energy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .conjugate_gradients import conjugate_gradients
from .rigid_motion import ScrewMotion
from .settings import Method, SimulationSettings
from .state import Status
from .tissue import Expansion, Tissue

_HISTORY = 8
"""Pairs of steps and gradient changes kept by the quasi-Newton method."""
_SMALLEST_STEP = 1e-7
"""A step shorter than this fraction of its direction counts as no progress."""


@dataclass
class Progress:
    """The way of one solve.

    Attributes:
        nodes: (N, 3) pose, free of intersection if contact is on.
        time: 0..1 along the motion of the jaw.
        iterations: steps tried.
        residual: of the last expansion, through the inverse stiffness.
        step_mm: of the last direction, on the skin.
        energies: after accepted steps with the boundary at its final place.
        status: how it ended.
    """

    nodes: np.ndarray
    time: float
    iterations: int = 0
    residual: float = float("inf")
    step_mm: float = float("inf")
    energies: list[float] = field(default_factory=list)
    status: Status = Status.NOT_CONVERGED


class Minimizer:
    """Minimizes the energy of one frame of one character.

    Args:
        tissue: the energies, with the target of the frame already set.
        settings: method, tolerances and bounds.
        motion: the jaw's way.
        contact: whether surfaces collide.
        skin_nodes: nodes that carry the skin, by whose displacement convergence is judged.
        should_cancel: polled in every iteration.
    """

    def __init__(
        self,
        tissue: Tissue,
        settings: SimulationSettings,
        motion: ScrewMotion,
        contact: bool,
        skin_nodes: np.ndarray,
        should_cancel: Callable[[], bool] | None,
    ) -> None:
        self._tissue = tissue
        self._settings = settings
        self._motion = motion
        self._contact = tissue.contact if contact else None
        self._skin_nodes = skin_nodes
        self._should_cancel = should_cancel or (lambda: False)
        self._pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=_HISTORY)
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def surface(self, nodes: np.ndarray, time: float) -> np.ndarray | None:
        """Return the colliding surfaces at a pose, or None without contact."""
        return None if self._contact is None else self._contact.geometry.surface(nodes, self._motion.at(time))

    def run(self, nodes: np.ndarray, guess: np.ndarray) -> Progress:
        """Minimize from nodes (N, 3), which must be free of intersection, trying the pose guess (N, 3) first."""
        progress = Progress(nodes, 0.0)
        if self._contact is None:
            progress.nodes, progress.time = guess, 1.0
        else:
            self._advance(progress, guess - nodes)
        stalled = 0
        expansion = None
        while progress.iterations < self._settings.max_iterations:
            if self._should_cancel():
                progress.status = Status.CANCELLED
                return progress
            if expansion is None:
                expansion = self._expand(progress.nodes, progress.time)
            direction = self._direction(expansion, progress)
            arrived = progress.time >= 1.0
            if arrived and not progress.energies:
                progress.energies.append(expansion.energy)
            if arrived and progress.step_mm <= self._settings.tolerance_mm:
                progress.status = Status.CONVERGED
                return progress
            progress.iterations += 1
            if arrived:
                taken, expansion = self._descend(progress, direction, expansion)
            else:
                taken, expansion = self._advance(progress, direction), None
            stalled = 0 if taken > _SMALLEST_STEP else stalled + 1
            if stalled >= 3:
                return progress
        return progress

    def _expand(self, nodes: np.ndarray, time: float) -> Expansion:
        """Return the expansion at a pose, with what the obstacles' remaining way adds."""
        surface = self.surface(nodes, time)
        obstacle_step = None
        if surface is not None and time < 1.0:
            obstacle_step = self.surface(nodes, 1.0) - surface
        return self._tissue.expand(nodes, surface, obstacle_step, curvature=self._settings.method is Method.NEWTON)

    def _direction(self, expansion: Expansion, progress: Progress) -> np.ndarray:
        """Return the displacement (N, 3) to try, and note its length on the skin and the residual."""
        barrier = expansion.barrier
        right = -expansion.gradient
        if barrier is not None and progress.time < 1.0:
            right[self._tissue.patch_nodes] -= barrier.drag
        solve = self._tissue.preconditioner(barrier)
        method = self._settings.method
        if method is Method.NEWTON:
            direction, norm, _ = conjugate_gradients(
                lambda d: self._tissue.hessian_product(d, barrier),
                solve,
                right,
                self._length,
                self._settings.linear_tolerance,
                0.1 * self._settings.tolerance_mm,
                self._settings.max_linear_iterations,
            )
        elif method is Method.QUASI_NEWTON:
            direction, norm = self._quasi_newton(solve, progress, -right)
        else:
            direction = solve(right)
            norm = float(np.sqrt(max(0.0, np.vdot(direction, right))))
        progress.residual = norm
        progress.step_mm = self._length(direction)
        return direction

    def _length(self, displacement: np.ndarray) -> float:
        """Return how far a displacement (N, 3) moves the skin at most, millimeters."""
        vectors = displacement[self._skin_nodes]
        return float(np.sqrt(np.einsum("pi,pi->p", vectors, vectors).max(initial=0.0)))

    def _quasi_newton(self, solve: Callable, progress: Progress, gradient: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the direction of L-BFGS with the stiffness as initial Hessian (two-loop recursion)."""
        if self._last is not None and progress.time >= 1.0:
            step, change = progress.nodes - self._last[0], gradient - self._last[1]
            curvature = float(np.vdot(step, change))
            if curvature > 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
                self._pairs.append((step, change, 1.0 / curvature))
        self._last = (progress.nodes, gradient) if progress.time >= 1.0 else None
        right = -gradient
        shares = []
        for step, change, scale in reversed(self._pairs):
            share = scale * float(np.vdot(step, right))
            right -= share * change
            shares.append(share)
        solved = solve(right)
        norm = float(np.sqrt(max(0.0, np.vdot(solved, right))))
        for (step, change, scale), share in zip(self._pairs, reversed(shares), strict=True):
            solved += (share - scale * float(np.vdot(change, solved))) * step
        return solved, norm

    def _free(self, progress: Progress, direction: np.ndarray, fraction: float, remaining: float) -> float:
        """Return the largest tried fraction of a step that collides with nothing.

        The jaw turns while collision detection follows straight lines, so the end of a shortened step is not on the
        line that was tested: the shortened step is tested again.
        """
        start = self.surface(progress.nodes, progress.time)
        for _ in range(12):
            end = self.surface(progress.nodes + fraction * direction, progress.time + fraction * remaining)
            free = self._contact.barrier.free_fraction(start, end)
            if free >= 1.0:
                return fraction
            fraction *= free * (1.0 if remaining == 0.0 else 0.999)
            if remaining == 0.0:
                return fraction
        return 0.0

    def _advance(self, progress: Progress, direction: np.ndarray) -> float:
        """Move nodes and jaw together as far as nothing collides; return the fraction taken."""
        remaining = 1.0 - progress.time
        fraction = self._free(progress, direction, 1.0, remaining)
        progress.nodes = progress.nodes + fraction * direction
        progress.time = 1.0 if fraction == 1.0 else progress.time + fraction * remaining
        return fraction

    def _descend(self, progress: Progress, direction: np.ndarray, expansion: Expansion) -> tuple[float, Expansion]:
        """Take the longest step along a direction that neither collides nor raises the energy.

        Returns:
            The fraction taken and the expansion at the pose reached.
        """
        slope = float(np.vdot(expansion.gradient, direction))
        fraction = 1.0
        if self._contact is not None:
            fraction = self._free(progress, direction, 1.0, 0.0)
        noise = 1e-13 * self._tissue.force_scale**2
        while fraction > _SMALLEST_STEP:
            nodes = progress.nodes + fraction * direction
            trial = self._expand(nodes, 1.0)
            if trial.energy <= expansion.energy + 1e-4 * fraction * slope + noise:
                progress.nodes = nodes
                progress.energies.append(trial.energy)
                return fraction, trial
            fraction *= 0.5
        return 0.0, self._expand(progress.nodes, 1.0)
