# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose face it is: the coefficients of an identity and their bound."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from .errors import IdentityError

COEFFICIENT_COUNT = 100
COEFFICIENT_BOUND = 4.0
DRAWN_BOUND = 2.5
RESIDUAL_BOUND_MM = 8.0
"""A fit stays below 6 mm."""


@dataclass(frozen=True, eq=False)
class Identity:
    """One person's face in the generalized model.

    The model is trained on coefficients drawn from N(0, 1), so of 100 hardly one exceeds 3 in size; beyond 4 standard
    deviations it extrapolates and such identities are refused.

    Attributes:
        coefficients: (100,) float64, each within -4..4; read-only.
        residual: (V, 3) float64, what a fit adds to the template's skin at rest, mm; None adds nothing; read-only.
    """

    coefficients: npt.NDArray[np.float64]
    residual: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check and freeze the coefficients.

        Raises:
            IdentityError: not 100 finite numbers within the bound.
        """
        try:
            values = np.array(self.coefficients, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise IdentityError("An identity must be 100 numbers.") from error
        if values.shape != (COEFFICIENT_COUNT,):
            raise IdentityError(f"An identity has 100 coefficients; it came with shape {values.shape}.")
        if not np.isfinite(values).all():
            raise IdentityError("The identity holds coefficients that are not finite numbers.")
        largest = float(np.abs(values).max())
        if largest > COEFFICIENT_BOUND:
            raise IdentityError(
                f"An identity coefficient has size {largest:g}; allowed is up to "
                f"{COEFFICIENT_BOUND:g} standard deviations. Lower the strength."
            )
        values.setflags(write=False)
        object.__setattr__(self, "coefficients", values)
        if self.residual is not None:
            object.__setattr__(self, "residual", _checked_residual(self.residual))

    @classmethod
    def mean(cls) -> Self:
        """The mean face."""
        return cls(np.zeros(COEFFICIENT_COUNT))

    @classmethod
    def from_seed(cls, seed: int, strength: float = 1.0) -> Self:
        """A random face, the same for the same seed.

        Coefficients are N(0, 1) cut at 2.5 and scaled by the strength.

        Args:
            seed: any integer; its size counts.
            strength: 0 is the mean face, 1 as different as people are, at most 1.6.

        Raises:
            IdentityError: the strength is not a number within 0..1.6.
        """
        limit = COEFFICIENT_BOUND / DRAWN_BOUND
        if not 0.0 <= strength <= limit:
            raise IdentityError(f"The strength of an identity is {strength:g}; allowed is 0 to {limit:g}.")
        drawn = np.random.default_rng(abs(int(seed))).standard_normal(COEFFICIENT_COUNT)
        return cls(np.clip(drawn, -DRAWN_BOUND, DRAWN_BOUND) * strength)

    def between(self, other: Self, share: float) -> Self:
        """The face a share of the way from this one (0) to another (1).

        Straight between the two, so that no face on the way is more extreme than both ends.

        Raises:
            IdentityError: the share is not within 0..1, or the residuals belong to different templates.
        """
        if not 0.0 <= share <= 1.0:
            raise IdentityError(f"The share between two identities is {share:g}; allowed is 0 to 1.")
        coefficients = (1.0 - share) * self.coefficients + share * other.coefficients
        if self.residual is None and other.residual is None:
            return type(self)(coefficients)
        count = len(self.residual if self.residual is not None else other.residual)
        ends = [np.zeros((count, 3)) if end.residual is None else end.residual for end in (self, other)]
        if ends[0].shape != ends[1].shape:
            raise IdentityError("The two identities were fitted with different templates; fit them again.")
        return type(self)(coefficients, (1.0 - share) * ends[0] + share * ends[1])


def _checked_residual(residual: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.array(residual, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 3:
        raise IdentityError(f"The residual of an identity has three numbers a vertex; it came with {values.shape}.")
    if not np.isfinite(values).all() or np.linalg.norm(values, axis=1).max(initial=0.0) > RESIDUAL_BOUND_MM:
        raise IdentityError(
            f"The residual of an identity moves the skin by more than {RESIDUAL_BOUND_MM:g} mm, or is not finite; fit "
            "it again."
        )
    values.setflags(write=False)
    return values
