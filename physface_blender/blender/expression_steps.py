# SPDX-License-Identifier: GPL-3.0-or-later
"""From one expression to another in steps that the simulation can follow.

A simulated pose starts from the one before. Lips and teeth that touch have to slide along each other, so a solve that
should cross half the range of a slider at once can come to a halt against them (jawOpen from 0 to 0.8 does); in steps of a
quarter it arrives.
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


def between(current: NDArray[np.float64], target: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The expressions to pose between ``current`` and ``target``, both (52,) and neither among them."""
    count = int(np.ceil(np.abs(target - current).max() / LARGEST_STEP - 1e-9))
    return [current + (target - current) * (step / count) for step in range(1, count)]
