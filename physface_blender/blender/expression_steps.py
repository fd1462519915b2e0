# SPDX-License-Identifier: GPL-3.0-or-later
"""From one expression to another in steps that are shown on the way.

A simulated pose that crosses a slider's whole range takes seconds; in steps of a quarter the face is seen to move there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_STEP = 0.25
"""Largest change of any slider from one simulated pose to the next."""


def toward(current: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The next expression on the straight line from ``current`` to ``target``, both (52,); the target when it is near."""
    change = target - current
    largest = np.abs(change).max()
    return target if largest <= LARGEST_STEP else current + change * (LARGEST_STEP / largest)
