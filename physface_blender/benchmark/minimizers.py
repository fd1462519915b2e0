"""Four ways to minimize the energy of one frame without contact, on the product's own kernels and factor.

The product keeps the fastest of them and one reference; here all four run to the same residual, so that the choice can
be measured again. Every iteration costs one evaluation of energy and forces and one solve with K's factor, which gives
both the residual and the step of projective dynamics; Newton's method adds its conjugate gradients. None of them
extends its steps or judges by the skin, as the product does: the comparison is of the methods alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..simulation.conjugate_gradients import conjugate_gradients
from ..simulation.tissue import Expansion, Tissue

Measure = Callable[[np.ndarray, np.ndarray], float]
"""Takes the forces (N, 3) and K^-1 times them (N, 3) to what is to become small."""

_WINDOW = 5
"""Steps that Anderson's method mixes; Peng et al. (2018) use five for projective dynamics."""
_PAIRS = 8
"""Pairs of steps and changes that L-BFGS keeps."""
_LINEAR_TOLERANCE = 0.3
"""Newton steps are solved until increments are shorter than this fraction of them, as in the product."""
_LINEAR_ITERATIONS = 50
_HALVINGS = 30


@dataclass(frozen=True)
class Descent:
    """The way of one minimization.

    Attributes:
        nodes: (N, 3) where it ended.
        seconds: (M,) wall time at which each pose was measured, from the start.
        measures: (M,) what was measured there, of which the last is at most the tolerance if it was reached.
        energies: (M,) newton millimeter.
        solves: applications of the factor.
    """

    nodes: np.ndarray
    seconds: tuple[float, ...]
    measures: tuple[float, ...]
    energies: tuple[float, ...]
    solves: int

    def until(self, tolerance: float) -> tuple[float, int] | None:
        """Return seconds and iterations after which the measure was at most the tolerance; None if it never was."""
        for iteration, (seconds, measure) in enumerate(zip(self.seconds, self.measures, strict=True)):
            if measure <= tolerance:
                return seconds, iteration
        return None


class Method(Protocol):
    """Proposes steps.

    Attributes:
        curvature: whether the Hessian is needed at every pose.
    """

    curvature: bool

    def steps(self, nodes: np.ndarray, force: np.ndarray, solved: np.ndarray) -> list[np.ndarray]:
        """Return the steps (N, 3) to try, in this order, from a pose with given forces and K^-1 times them."""


class LocalGlobal:
    """Projective dynamics: one solve with K for the rotations of the pose, which is a step of K^-1 times the force."""

    curvature = False

    def steps(self, nodes: np.ndarray, force: np.ndarray, solved: np.ndarray) -> list[np.ndarray]:
        """Return the one step; it never raises the energy."""
        return [solved]


class AndersonMixing:
    """Anderson acceleration of projective dynamics (Peng et al. 2018, Anderson Acceleration for Geometry Optimization).

    The step is mixed from the last ones so that the mixed residual is least. Where it would raise the energy, the plain
    step is taken.
    """

    curvature = False

    def __init__(self) -> None:
        self._changes: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=_WINDOW)
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def steps(self, nodes: np.ndarray, force: np.ndarray, solved: np.ndarray) -> list[np.ndarray]:
        """Return the mixed step and the plain one."""
        if self._last is not None:
            self._changes.append((nodes - self._last[0], solved - self._last[1]))
        self._last = (nodes, solved)
        if not self._changes:
            return [solved]
        changes = np.stack([change.ravel() for _, change in self._changes], axis=1)
        shares = np.linalg.lstsq(changes.T @ changes, changes.T @ solved.ravel(), rcond=1e-12)[0]
        mixed = solved.copy()
        for share, (moved, change) in zip(shares, self._changes, strict=True):
            mixed -= share * (moved + change)
        return [mixed, solved]


class QuasiNewton:
    """L-BFGS with K as initial Hessian (Liu et al. 2017), K^-1 times each change of force kept beside it."""

    curvature = False

    def __init__(self) -> None:
        self._pairs: deque[tuple[np.ndarray, np.ndarray, np.ndarray, float]] = deque(maxlen=_PAIRS)
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def steps(self, nodes: np.ndarray, force: np.ndarray, solved: np.ndarray) -> list[np.ndarray]:
        """Return the step of the two-loop recursion."""
        if self._last is not None:
            moved, change, through = nodes - self._last[0], self._last[1] - force, self._last[2] - solved
            curvature = float(np.vdot(moved, change))
            if curvature > 1e-12 * np.linalg.norm(moved) * np.linalg.norm(change):
                self._pairs.append((moved, change, through, 1.0 / curvature))
        self._last = (nodes, force, solved)
        right, step, shares = force.copy(), solved.copy(), []
        for moved, change, through, scale in reversed(self._pairs):
            share = scale * float(np.vdot(moved, right))
            right -= share * change
            step -= share * through
            shares.append(share)
        for (moved, change, _, scale), share in zip(self._pairs, reversed(shares), strict=True):
            step += (share - scale * float(np.vdot(change, step))) * moved
        return [step]


class NewtonConjugateGradients:
    """Newton's method with the analytic Hessian, by conjugate gradients that K preconditions.

    Args:
        product: multiplies by the Hessian at the last pose.
        solve: solves with K.
    """

    curvature = True

    def __init__(self, product: Callable[[np.ndarray], np.ndarray], solve: Callable[[np.ndarray], np.ndarray]) -> None:
        self._product = product
        self._solve = solve

    def steps(self, nodes: np.ndarray, force: np.ndarray, solved: np.ndarray) -> list[np.ndarray]:
        """Return the step; the solve for the residual is the first that conjugate gradients need."""
        known = [solved]
        step, _, _ = conjugate_gradients(
            self._product,
            lambda right: known.pop() if known else self._solve(right),
            force,
            _longest,
            _LINEAR_TOLERANCE,
            0.0,
            _LINEAR_ITERATIONS,
        )
        return [step]


def _longest(displacement: np.ndarray) -> float:
    """Return the length of the longest row of a displacement (N, 3)."""
    return float(np.sqrt(np.einsum("ni,ni->n", displacement, displacement).max(initial=0.0)))


METHODS = ("local–global", "Anderson", "L-BFGS", "Newton–PCG")


class FrameMinimizer:
    """Minimizes the energy of the frame that a tissue was given.

    Args:
        tissue: with the target of the frame set.
    """

    def __init__(self, tissue: Tissue) -> None:
        self._tissue = tissue
        self._solves = 0
        self._load: np.ndarray | None = None

    def residual(self, force: np.ndarray, solved: np.ndarray) -> float:
        """Return the norm of the forces relative to that of the stress, both through K^-1: the product's residual."""
        return float(np.sqrt(max(0.0, np.vdot(force, solved)))) / self._tissue.force_scale

    def run(
        self,
        name: str,
        nodes: np.ndarray,
        tolerance: float,
        max_iterations: int,
        measure: Measure | None = None,
        load: np.ndarray | None = None,
    ) -> Descent:
        """Minimize by one of ``METHODS``.

        Args:
            name: of the method.
            nodes: (N, 3) where to begin.
            tolerance: ends the minimization when the measure is no larger.
            max_iterations: bound on the steps.
            measure: what has to become small; the residual when None.
            load: (N, 3) constant forces in newton on top of all others; None for none.
        """
        measure = measure or self.residual
        self._load = load
        method = self._method(name)
        self._solves = 0
        started = time.perf_counter()
        seconds, measures, energies = [], [], []
        expansion = self._expand(nodes, method)
        while True:
            force = -expansion.gradient
            solved = self._solve(force)
            measures.append(measure(force, solved))
            energies.append(expansion.energy)
            seconds.append(time.perf_counter() - started)
            if measures[-1] <= tolerance or len(measures) > max_iterations:
                break
            moved = self._descend(method, nodes, expansion, method.steps(nodes, force, solved))
            if moved is None:
                break
            nodes, expansion = moved
        return Descent(nodes, tuple(seconds), tuple(measures), tuple(energies), self._solves)

    def _method(self, name: str) -> Method:
        if name == "Newton–PCG":
            return NewtonConjugateGradients(lambda d: self._tissue.hessian_product(d, None), self._solve)
        return {"local–global": LocalGlobal, "Anderson": AndersonMixing, "L-BFGS": QuasiNewton}[name]()

    def _expand(self, nodes: np.ndarray, method: Method) -> Expansion:
        """Return energy and gradient with the load, and keep the Hessian if the method needs it."""
        expansion = self._tissue.expand(nodes, None, curvature=method.curvature)
        if self._load is None:
            return expansion
        energy = expansion.energy - float(np.vdot(self._load, nodes))
        return replace(expansion, energy=energy, gradient=expansion.gradient - self._load)

    def _solve(self, right: np.ndarray) -> np.ndarray:
        self._solves += 1
        return self._tissue.factor.solve(right)

    def _descend(
        self, method: Method, nodes: np.ndarray, expansion: Expansion, steps: list[np.ndarray]
    ) -> tuple[np.ndarray, Expansion] | None:
        """Return the pose and expansion after the first step that lowers the energy; the last one is shortened.

        Energies are sums of some hundred thousand numbers; close to the minimum their rounding is larger than what a
        step gains, so that much is let through, as in the product.
        """
        noise = 1e-13 * self._tissue.force_scale**2
        for step in steps:
            fraction = 1.0
            slope = -float(np.vdot(expansion.gradient, step))
            for _ in range(_HALVINGS if step is steps[-1] else 1):
                trial = self._expand(nodes + fraction * step, method)
                if trial.energy <= expansion.energy - 1e-4 * fraction * max(0.0, slope) + noise:
                    return nodes + fraction * step, trial
                fraction *= 0.5
        return None
