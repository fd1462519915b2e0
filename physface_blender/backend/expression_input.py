# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as an expression: 52 ARKit weights."""

import numpy as np
import numpy.typing as npt

from .errors import ExpressionError

EXPRESSION_COUNT = 52
TOLERATED_MAXIMUM = 1.2
TOLERATED_MINIMUM = -0.2


def validated_expression(weights: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The weights (52,) as float64, clamped to 0..1.

    Captures overshoot (to 1.08 in those we have seen) and curves between keys do too, so -0.2..1.2 is clamped in
    silence; what lies further out is a mistake and is refused.

    Raises:
        ExpressionError: not 52 numbers, not finite, or further out of range.
    """
    try:
        values = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ExpressionError("An expression must be 52 numbers, one for each ARKit name.") from error
    if values.shape != (EXPRESSION_COUNT,):
        raise ExpressionError(
            f"An expression has 52 weights, one for each ARKit name; it came with shape {values.shape}."
        )
    if not np.isfinite(values).all():
        index = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ExpressionError(f"Weight {index} of the expression is {values[index]}; weights must be finite numbers.")
    outside = (values < TOLERATED_MINIMUM) | (values > TOLERATED_MAXIMUM)
    if outside.any():
        index = int(np.flatnonzero(outside)[0])
        raise ExpressionError(
            f"Weight {index} of the expression is {values[index]:g}; weights lie between 0 and 1 "
            f"(up to {TOLERATED_MAXIMUM} is clamped)."
        )
    return np.clip(values, 0.0, 1.0)
