"""Expressions to train on: frames of real captures, and combinations that a face can do."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..performance.arkit import ARKIT_NAMES

Array = npt.NDArray[np.float64]

TRAINING_TAKES = ("alex_rom_3", "S07-001", "facial")
VALIDATION_TAKES = ("alex_rom_4", "apfel")
OPPOSITES = (
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    ("eyeLookUpLeft", "eyeLookDownLeft"),
    ("eyeLookUpRight", "eyeLookDownRight"),
    ("eyeLookInLeft", "eyeLookOutLeft"),
    ("eyeLookInRight", "eyeLookOutRight"),
    ("eyeBlinkLeft", "eyeWideLeft"),
    ("eyeBlinkRight", "eyeWideRight"),
    ("mouthFunnel", "mouthStretchLeft"),
    ("mouthFunnel", "mouthStretchRight"),
)
# How often each kind of sample is drawn.
REAL_SHARE, MIXED_SHARE, SINGLE_SHARE, NEUTRAL_SHARE = 0.35, 0.15, 0.2, 0.05
BLINK_SHARE = 0.35
"""How often a blink of any phase is laid over a sample: closed lids are rare in captures, and every error shows there."""


def load_take(data: Path, name: str) -> Array:
    """Valid frames (T, 52) of a cleaned Live Link Face take, ARKit order, clipped to 0..1."""
    with np.load(data / "captures" / f"llf_{name}.npz") as take:
        order = [list(take["names"]).index(arkit) for arkit in ARKIT_NAMES]
        frames = take["W"][take["valid"]][:, order]
    return np.clip(frames.astype(np.float64), 0.0, 1.0)


def load_speech(data: Path) -> Array:
    """Frames (T, 52) of the speech curves, ARKit order; shapes they lack are zero."""
    frames = []
    for file in sorted((data / "speech_curves").glob("*.npz")):
        with np.load(file) as curves:
            header = [str(name) for name in curves["header"]]
            table = curves["table"].astype(np.float64)
        columns = [table[:, header.index(name)] if name in header else np.zeros(len(table)) for name in ARKIT_NAMES]
        frames.append(np.stack(columns, axis=1))
    return np.clip(np.concatenate(frames), 0.0, 1.0)


class ExpressionSampler:
    """Draws training expressions: real frames, mixtures of them, single shapes and sparse combinations."""

    def __init__(self, data: Path) -> None:
        """Read the training takes and the speech curves below the data folder."""
        takes = [load_take(data, name) for name in TRAINING_TAKES]
        self.frames = [*takes, load_speech(data)]

    def _real(self, generator: np.random.Generator) -> Array:
        take = self.frames[generator.integers(len(self.frames))]
        return take[generator.integers(len(take))].copy()

    def _combination(self, generator: np.random.Generator, count: int) -> Array:
        weights = np.zeros(len(ARKIT_NAMES))
        for index in generator.choice(len(ARKIT_NAMES), count, replace=False):
            value = generator.uniform()
            weights[index] = value
            partner = _partner(ARKIT_NAMES[index])
            if partner is not None and generator.uniform() < 0.6:
                weights[ARKIT_NAMES.index(partner)] = value
        return weights

    def draw(self, generator: np.random.Generator, count: int) -> npt.NDArray[np.float32]:
        """Draw ``count`` expressions (count, 52)."""
        result = np.zeros((count, len(ARKIT_NAMES)))
        for row, kind in enumerate(generator.uniform(size=count)):
            if kind < REAL_SHARE:
                result[row] = self._real(generator)
            elif kind < REAL_SHARE + MIXED_SHARE:
                result[row] = generator.uniform(0.3, 1.3) * self._real(generator) + generator.uniform() * self._real(
                    generator
                )
            elif kind < REAL_SHARE + MIXED_SHARE + SINGLE_SHARE:
                result[row] = self._combination(generator, 1)
            elif kind < 1.0 - NEUTRAL_SHARE:
                result[row] = self._combination(generator, int(generator.integers(2, 8)))
        blinks = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
        closing = generator.uniform(0.2, 1.0, size=(count, 2))
        # Half of them close both lids alike, half close each lid by itself: winks must not pull the other lid along.
        alike = generator.uniform(size=count) < 0.5
        closing[alike, 1] = closing[alike, 0]
        winking = generator.uniform(size=(count, 2)) < np.where(alike, 1.0, 0.5)[:, None]
        blinking = (generator.uniform(size=count) < BLINK_SHARE)[:, None] & winking
        result[:, blinks] = np.where(blinking, np.maximum(result[:, blinks], closing), result[:, blinks])
        return make_plausible(result).astype(np.float32)


def _partner(name: str) -> str | None:
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return None
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return None


def make_plausible(weights: Array) -> Array:
    """Clip weights (N, 52) to 0..1 and take out what a face cannot do at once: opposites, closing more than is open."""
    plausible = np.clip(weights, 0.0, 1.0)
    for first, second in OPPOSITES:
        a, b = ARKIT_NAMES.index(first), ARKIT_NAMES.index(second)
        common = np.minimum(plausible[:, a], plausible[:, b])
        plausible[:, a] -= common
        plausible[:, b] -= common
    close, opening = ARKIT_NAMES.index("mouthClose"), ARKIT_NAMES.index("jawOpen")
    plausible[:, close] = np.minimum(plausible[:, close], plausible[:, opening] + 0.1)
    return plausible
