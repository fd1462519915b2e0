"""Minimization of the energy of one frame, with every accepted state free of intersections.

A state is a pose of the nodes and a time in 0..1 along the motion of the jaw from where it was to where it shall be.
A step moves both: the nodes along a direction that anticipates the teeth (the barrier's mixed derivatives times their
displacement), the jaw along a screw motion. Continuous collision detection on the straight lines between the two
poses shortens the step until nothing passes through anything. Where that leaves little of the way, the
jaw waits while the tissue settles. Once it has arrived the boundary stays fixed, and from then on no step raises the
energy. Eyeballs move as the jaw does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .conjugate_gradients import conjugate_gradients
from .obstacle import PoseMotion
from .settings import Method, SimulationSettings
from .state import Status
from .tissue import Expansion, Tissue

_SMALLEST_STEP = 1e-7
"""A step shorter than this fraction of its direction counts as no progress."""
_FARTHEST_STEP_MM = 10.0
"""Bound on one Newton step on the skin where the jaw stays; squeezed tissue has directions of hardly any stiffness."""
_ADVANCE_TOLERANCE = 0.05
"""Relative accuracy of a step that follows the jaw; what skin lags behind a tooth is taken off their distance."""
_FREE_ADVANCE = 0.2
"""When the jaw gets on by less than this share of its way, the tissue settles first."""
_STEEP = 0.3
"""A full step is extended when this share of the slope is left at its end."""
_LONGEST_STEP = 4.0
"""Bound on the extension."""
_WIDE_GAP = 0.1
"""Fraction of d-hat at which a gap is wide enough for the jaw to go on."""
_FOLLOWING_STEP = 8.0
"""A step that is not worked out any more may be so many times longer than the preconditioner makes it at once: 2.5 times
on 112 steps of a capture, 9 times for one in twenty of them."""
_SETTLED_MM = 0.5
"""The tissue has settled when a step moves the skin less than this."""


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
        motion: the way of jaw and eyeballs.
        contact: whether surfaces collide.
        skin_nodes: nodes that carry the skin, by whose displacement convergence is judged.
        should_cancel: polled in every iteration.
        on_way: told the nodes and the time of every pose that is reached before the last one.
    """

    def __init__(
        self,
        tissue: Tissue,
        settings: SimulationSettings,
        motion: PoseMotion,
        contact: bool,
        skin_nodes: np.ndarray,
        should_cancel: Callable[[], bool] | None,
        on_way: Callable[[np.ndarray, float], None] | None = None,
    ) -> None:
        self._tissue = tissue
        self._settings = settings
        self._motion = motion
        self._contact = tissue.contact if contact else None
        self._skin_nodes = skin_nodes
        self._should_cancel = should_cancel or (lambda: False)
        self._on_way = on_way or (lambda _nodes, _time: None)
        self._settling = False
        self._gap = 0.0
        self._precondition: Callable[[np.ndarray], np.ndarray] | None = None
        self._solved: np.ndarray | None = None

    def surface(self, nodes: np.ndarray, time: float) -> np.ndarray | None:
        """Return the colliding surfaces at a pose, or None without contact."""
        return None if self._contact is None else self._contact.geometry.surface(nodes, self._motion.at(time))

    def run(self, nodes: np.ndarray, guess: np.ndarray) -> Progress:
        """Minimize from nodes (N, 3), which must be free of intersection, trying the pose guess (N, 3) first."""
        progress = Progress(nodes, 0.0)
        if self._contact is None:
            progress.nodes, progress.time = guess, 1.0
        else:
            self._settling = self._advance(progress, self._predicted(nodes, guess)) < _FREE_ADVANCE
        stalled = 0
        expansion = None
        while progress.iterations < self._settings.max_iterations:
            self._on_way(progress.nodes, progress.time)
            if self._should_cancel():
                progress.status = Status.CANCELLED
                return progress
            arrived = progress.time >= 1.0
            if expansion is None:
                expansion = self._expand(progress, advancing=not (arrived or self._settling))
            direction = self._direction(expansion, progress)
            if arrived and not progress.energies:
                progress.energies.append(expansion.energy)
            if arrived and progress.step_mm <= self._settings.tolerance_mm:
                progress.status = Status.CONVERGED
                return progress
            progress.iterations += 1
            if arrived or self._settling:
                taken, expansion = self._descend(progress, direction, expansion)
                if arrived and taken >= 1.0 and self._is_done(expansion, progress):
                    progress.status = Status.CONVERGED
                    return progress
                if not arrived and self._has_settled(progress, taken):
                    self._settling, expansion = False, None
            else:
                taken, expansion = self._advance(progress, direction), None
                self._settling, self._gap = taken < _FREE_ADVANCE, 0.0
            stalled = 0 if taken > _SMALLEST_STEP else stalled + 1
            if stalled >= 3:
                return progress
        return progress

    def _is_done(self, expansion: Expansion, progress: Progress) -> bool:
        """Return whether the step after a full one would surely be short, by one solve with the last preconditioner."""
        if self._settings.method is not Method.NEWTON:
            return False
        solved = self._precondition(-expansion.gradient)
        if not self._is_short(solved):
            # Without contact the next step begins with this very solution.
            self._solved = solved if expansion.barrier is None else None
            return False
        progress.residual = float(np.sqrt(max(0.0, -np.vdot(solved, expansion.gradient))))
        progress.step_mm = self._length(solved)
        return True

    def _has_settled(self, progress: Progress, taken: float) -> bool:
        """Return whether the jaw may go on after a step of which a fraction was taken.

        The step must have been free and short; and where surfaces had come so near that each step doubles their
        distance (Newton's method on a logarithm does that), it must have stopped growing.
        """
        before, self._gap = (
            self._gap,
            self._contact.barrier.minimum_distance(self.surface(progress.nodes, progress.time)),
        )
        recovered = self._gap > _WIDE_GAP * self._contact.barrier.distance_mm or self._gap < 1.3 * before
        return taken > 0.5 and taken * progress.step_mm <= _SETTLED_MM and recovered

    def _predicted(self, nodes: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """Return the step (N, 3) towards a guess that takes the contacts of the present pose into account.

        The step d to the guess minimizes |x - d|_K; with the barrier to second order beside it, and the teeth on
        their way, it is the solution of (K + H) x = K d - drag.
        """
        step = guess - nodes
        surface = self.surface(nodes, 0.0)
        barrier = self._contact.expand(surface, self.surface(nodes, 1.0) - surface)
        if not barrier.pairs:
            return step
        right = self._tissue.stiffness @ step
        right[self._tissue.patch_nodes] -= barrier.drag
        return self._tissue.preconditioner(barrier)(right)

    def _expand(self, progress: Progress, *, advancing: bool) -> Expansion:
        """Return the expansion at a pose.

        Args:
            progress: gives the pose.
            advancing: the mandible counts as arrived, and the barrier is told the way the teeth still have; otherwise
                all stays where it is now.
        """
        surface = self.surface(progress.nodes, progress.time)
        self._tissue.set_pose(self._motion.at(1.0 if advancing else progress.time))
        obstacle_step = None
        if advancing:
            obstacle_step = self.surface(progress.nodes, 1.0) - surface
        return self._tissue.expand(
            progress.nodes, surface, obstacle_step, curvature=self._settings.method is Method.NEWTON
        )

    def _direction(self, expansion: Expansion, progress: Progress) -> np.ndarray:
        """Return the displacement (N, 3) to try, and note its length on the skin and the residual."""
        barrier = expansion.barrier
        right = -expansion.gradient
        if barrier is not None:
            right[self._tissue.patch_nodes] -= barrier.drag
        solve = self._precondition = self._tissue.preconditioner(barrier)
        method = self._settings.method
        still = progress.time >= 1.0 or self._settling
        direction, self._solved = solve(right) if self._solved is None else self._solved, None
        norm = float(np.sqrt(max(0.0, np.vdot(direction, right))))
        if method is Method.NEWTON and not (progress.time >= 1.0 and self._is_short(direction)):
            direction, norm, _ = conjugate_gradients(
                lambda d: self._tissue.hessian_product(d, barrier),
                solve,
                right,
                self._length,
                self._settings.linear_tolerance if still else _ADVANCE_TOLERANCE,
                0.3 * self._settings.tolerance_mm,
                self._settings.max_linear_iterations,
                _FARTHEST_STEP_MM if still else np.inf,
                direction,
            )
        progress.residual = norm
        progress.step_mm = self._length(direction)
        return direction

    def _is_short(self, solved: np.ndarray) -> bool:
        """Return whether the step that begins with the preconditioned forces solved (N, 3) would surely be too short."""
        return _FOLLOWING_STEP * self._length(solved) <= self._settings.tolerance_mm

    def _length(self, displacement: np.ndarray) -> float:
        """Return how far a displacement (N, 3) moves the skin at most, millimeters."""
        vectors = displacement[self._skin_nodes]
        return float(np.sqrt(np.einsum("pi,pi->p", vectors, vectors).max(initial=0.0)))

    def _free(self, progress: Progress, direction: np.ndarray, fraction: float, remaining: float) -> float:
        """Return the largest tried fraction of a step that collides with nothing.

        The jaw turns while collision detection follows straight lines, so the end of a shortened step is not on the
        line that was tested: the shortened step is tested again.
        """
        if self._contact is None:
            return fraction
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

    def _descend(
        self, progress: Progress, direction: np.ndarray, expansion: Expansion
    ) -> tuple[float, Expansion | None]:
        """Take the longest step along a direction that neither collides nor raises the energy.

        Returns:
            The fraction taken and the expansion at the pose reached; None when no step was taken.
        """
        slope = float(np.vdot(expansion.gradient, direction))
        if slope >= 0.0:
            # Rounding has won against the preconditioner: there is no way down that it knows.
            return 0.0, None
        fraction = self._free(progress, direction, 1.0, 0.0)
        noise = 1e-13 * self._tissue.force_scale**2
        while fraction > _SMALLEST_STEP:
            trial = self._try(progress, fraction * direction)
            if trial.energy <= expansion.energy + 1e-4 * fraction * slope + noise:
                if fraction == 1.0:
                    fraction, trial = self._extended(progress, direction, slope, trial)
                progress.nodes = progress.nodes + fraction * direction
                if progress.time >= 1.0:
                    progress.energies.append(trial.energy)
                return fraction, trial
            fraction *= 0.5
        return 0.0, None

    def _extended(
        self, progress: Progress, direction: np.ndarray, slope: float, trial: Expansion
    ) -> tuple[float, Expansion]:
        """Go beyond a full step where the energy still falls steeply at its end.

        The Hessian of the barrier is made positive semidefinite, so where lips slide along each other its steps are
        too short. The longer step goes where the slope would vanish, if that is free and lowers the energy further.

        Returns:
            The fraction and the expansion there.
        """
        left = float(np.vdot(trial.gradient, direction)) / slope
        if left < _STEEP:
            return 1.0, trial
        longer = self._free(progress, direction, min(1.0 / max(1.0 - left, 1e-3), _LONGEST_STEP), 0.0)
        if longer > 1.0:
            further = self._try(progress, longer * direction)
            if further.energy < trial.energy:
                return longer, further
        return 1.0, self._try(progress, direction)

    def _try(self, progress: Progress, step: np.ndarray) -> Expansion:
        """Return the expansion after a step, with the jaw where it is."""
        nodes = progress.nodes + step
        return self._tissue.expand(
            nodes, self.surface(nodes, progress.time), curvature=self._settings.method is Method.NEWTON
        )
