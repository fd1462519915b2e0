"""What a fit looks for: identity and expression, their bounds, and what is likely of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..networks.generalized import EXPRESSION_COUNT, IDENTITY_COUNT

IDENTITY_BOUND = 3.5
"""Of a coefficient; the model is trained on N(0, 1), and a character refuses more than 4."""
ACTIVE_SET_ROUNDS = 25
EXPRESSION_DEVIATION = 0.35
"""Expected size of an expression weight; most are far below."""


@dataclass(frozen=True, eq=False)
class FaceParameters:
    """An identity (100,) in an expression (52,)."""

    identity: np.ndarray
    expression: np.ndarray

    @classmethod
    def mean(cls) -> FaceParameters:
        """The mean face at rest."""
        return cls(np.zeros(IDENTITY_COUNT), np.zeros(EXPRESSION_COUNT))

    def improved(
        self, system: np.ndarray, slope: np.ndarray, prior: float, extra: int, *, held: np.ndarray | None = None
    ) -> tuple[FaceParameters, np.ndarray]:
        """A Gauss-Newton step within the bounds.

        Minimizes ``x' system x / 2 - slope' x`` with the prior ``(|identity|^2 + |expression / deviation|^2) prior/2``.

        Args:
            system: (152 + E, 152 + E), J'WJ for identity, expression and E free parameters; the last ones have priors
                of their own in it.
            slope: (152 + E,), J'Wr.
            prior: its weight.
            extra: E.
            held: (52,) bool, expression weights that stay what they are; None for none of them.

        Returns:
            The new parameters, and the step (E,) of the free ones.
        """
        now = np.concatenate([self.identity, self.expression])
        precision = prior * np.repeat([1.0, EXPRESSION_DEVIATION**-2], [IDENTITY_COUNT, EXPRESSION_COUNT])
        matrix, right = system.copy(), slope.copy()
        count = len(now)
        matrix[range(count), range(count)] += precision
        right[:count] -= precision * now
        low = np.concatenate([np.full(IDENTITY_COUNT, -IDENTITY_BOUND), np.zeros(EXPRESSION_COUNT)]) - now
        high = np.concatenate([np.full(IDENTITY_COUNT, IDENTITY_BOUND), np.ones(EXPRESSION_COUNT)]) - now
        if held is not None:
            low[IDENTITY_COUNT:][held] = high[IDENTITY_COUNT:][held] = 0.0
        unbounded = np.full(extra, np.inf)
        step = bounded_minimum(matrix, right, np.concatenate([low, -unbounded]), np.concatenate([high, unbounded]))
        moved = now + step[:count]
        return (
            FaceParameters(
                np.clip(moved[:IDENTITY_COUNT], -IDENTITY_BOUND, IDENTITY_BOUND),
                np.clip(moved[IDENTITY_COUNT:], 0.0, 1.0),
            ),
            step[count:],
        )


def bounded_minimum(matrix: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Minimize ``x' matrix x / 2 - right' x`` within bounds, by an active set.

    Args:
        matrix: (N, N) symmetric, positive definite.
        right: (N,).
        low: (N,), at most 0.
        high: (N,), at least 0.

    Returns:
        (N,) within the bounds; the minimum, unless it is not reached within ``ACTIVE_SET_ROUNDS``, which in a Gauss-Newton
        step the next one puts right.
    """
    step = np.zeros(len(right))
    held = np.zeros(len(right), dtype=bool)
    for _ in range(ACTIVE_SET_ROUNDS):
        free = ~held
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free] - matrix[np.ix_(free, held)] @ step[held])
        outside = (step < low) | (step > high)
        step = np.clip(step, low, high)
        slope = matrix @ step - right
        leaves = held & (((step <= low) & (slope < 0.0)) | ((step >= high) & (slope > 0.0))) & (low < high)
        if not outside.any() and not leaves.any():
            break
        held = (held | outside) & ~leaves
    return step
