"""How a synthetic actor performs: from what is asked for to what that person's muscles do."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...performance.arkit import ARKIT_COUNT, ARKIT_INDEX, ARKIT_NAMES
from ..expressions import make_plausible

Array = npt.NDArray[np.float64]

SATURATION_POWER = 4.0
GAIN_RANGE = (0.55, 1.4)
GAIN_SPREAD = 0.3
JAW_GAIN_RANGE = (0.88, 1.1)
"""A jaw turns 25 degrees at weight 1, so a small gain is a large difference."""
ONSET_RANGE = (0.75, 1.5)
CEILING_RANGE = (0.75, 1.0)
BIAS = {"brow": 0.4, "eye": 0.25, "cheek": 0.35, "mouth": 0.3, "nose": 0.3}
"""Greatest left-right asymmetry by the first word of the muscle's name."""
RECRUITED_COUNT = 2
RECRUITED_RANGE = (0.25, 0.55)
CROSSED_COUNT = 5
CROSSED_RANGE = (0.2, 0.45)

EXACT = ("eyeBlink", "eyeLook", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthClose", "tongueOut")
"""What every actor does alike: lids must close, eyes must look where they are told."""

NEIGHBORS: dict[str, tuple[str, ...]] = {
    "mouthSmile": ("cheekSquint", "eyeSquint", "mouthDimple", "mouthUpperUp", "browOuterUp", "noseSneer", "mouthPress"),
    "browInnerUp": ("eyeWide", "mouthFrown", "mouthPress", "mouthShrugLower", "mouthFunnel"),
    "browOuterUp": ("eyeWide", "mouthStretch", "mouthPucker", "mouthShrugUpper"),
    "browDown": ("noseSneer", "eyeSquint", "mouthPress", "mouthPucker", "mouthFrown"),
    "eyeWide": ("browInnerUp", "browOuterUp", "mouthStretch"),
    "eyeSquint": ("browDown", "noseSneer", "mouthUpperUp"),
    "noseSneer": ("eyeSquint", "mouthUpperUp", "browDown", "mouthFrown"),
    "jawOpen": ("mouthLowerDown", "mouthStretch", "browInnerUp", "mouthUpperUp", "mouthFunnel", "mouthSmile", "mouthFrown"),
    "mouthFrown": ("mouthShrugLower", "browDown", "mouthStretch", "mouthPress"),
    "mouthPucker": ("mouthShrugUpper", "browInnerUp", "mouthFunnel", "noseSneer", "browDown", "cheekSquint"),
    "mouthFunnel": ("mouthPucker", "browInnerUp", "browDown", "mouthLowerDown"),
    "mouthUpperUp": ("noseSneer", "cheekSquint", "mouthLowerDown", "browOuterUp"),
    "mouthLowerDown": ("mouthStretch", "mouthFrown", "browDown"),
    "mouthStretch": ("mouthLowerDown", "eyeWide", "mouthFrown"),
    "cheekPuff": ("eyeWide", "browInnerUp", "mouthPucker", "browDown"),
}  # fmt: skip
"""Muscles that people use along with others: a smile that squints, a jaw that lowers the lip."""

CROSSED: tuple[tuple[str, str, str], ...] = (
    ("mouthSmile", "jawOpen", "mouthUpperUp"),
    ("mouthSmile", "jawOpen", "mouthLowerDown"),
    ("mouthSmile", "jawOpen", "noseSneer"),
    ("browOuterUp", "jawOpen", "mouthFrown"),
    ("browOuterUp", "jawOpen", "mouthStretch"),
    ("eyeWide", "jawOpen", "mouthLowerDown"),
    ("mouthSmile", "mouthSmile", "browOuterUp"),
    ("mouthSmile", "mouthSmile", "mouthStretch"),
    ("mouthPucker", "mouthPucker", "browDown"),
    ("mouthFunnel", "jawOpen", "mouthUpperUp"),
    ("browDown", "mouthFrown", "noseSneer"),
    ("mouthUpperUp", "mouthUpperUp", "cheekSquint"),
)
"""Candidates for person-specific nonlinear terms: the product of the first two adds to the third."""


@dataclass(frozen=True)
class StyleMap:
    """One person's way of performing; arrays in the order of ``ARKIT_NAMES``.

    Attributes:
        gain: (52,) how strongly a muscle answers, its asymmetry included.
        onset: (52,) exponent of the answer: below 1 early, above 1 late.
        ceiling: (52,) where it saturates.
        recruitment: (52, 52) share of the trigger (column) that a neighbour (row) takes part with.
        crossed: (first, second, third, amount): first * second * amount is added to the third.
    """

    gain: Array
    onset: Array
    ceiling: Array
    recruitment: Array
    crossed: tuple[tuple[int, int, int, float], ...]

    def __call__(self, weights: Array) -> Array:
        """What the muscles do (N, 52), 0..1, when weights (N, 52), 0..1, are asked for; zero for zero."""
        asked = np.clip(weights, 0.0, 1.0)
        answered = asked**self.onset
        effort = answered + asked @ self.recruitment.T
        for first, second, third, amount in self.crossed:
            effort[:, third] += amount * asked[:, first] * asked[:, second]
        effort *= self.gain
        done = effort / (1.0 + (effort / self.ceiling) ** SATURATION_POWER) ** (1.0 / SATURATION_POWER)
        exact = _exact()
        done[:, exact] = asked[:, exact]
        return make_plausible(done)


def draw_style_map(generator: np.random.Generator) -> StyleMap:
    """A random person's style map."""
    gain, onset, ceiling = np.ones(ARKIT_COUNT), np.ones(ARKIT_COUNT), np.ones(ARKIT_COUNT)
    bias = {region: generator.uniform(-limit, limit) for region, limit in BIAS.items()}
    for stem in sorted({_stem(name) for name in ARKIT_NAMES}):
        low, high = JAW_GAIN_RANGE if stem.startswith("jaw") else GAIN_RANGE
        strength = float(np.clip(np.exp(GAIN_SPREAD * generator.standard_normal()), low, high))
        exponent = generator.uniform(*ONSET_RANGE)
        limit = generator.uniform(*CEILING_RANGE)
        region = next((word for word in BIAS if stem.startswith(word)), None)
        for index in _indices(stem):
            side = {"Left": 1.0, "Right": -1.0}.get(ARKIT_NAMES[index].removeprefix(stem), 0.0)
            gain[index] = strength * (1.0 + side * (bias[region] if region else 0.0))
            onset[index] = exponent
            # The jaw and a few others have no room above 1: what saturates there is the joint, not the muscle.
            ceiling[index] = 1.0 if stem.startswith("jaw") else limit
    recruitment = np.zeros((ARKIT_COUNT, ARKIT_COUNT))
    for trigger, neighbors in NEIGHBORS.items():
        for neighbor in generator.choice(neighbors, RECRUITED_COUNT, replace=False):
            amount = generator.uniform(*RECRUITED_RANGE)
            for row, column, share in _pairs(str(neighbor), trigger):
                recruitment[row, column] += amount * share
    crossed = []
    for chosen in generator.choice(len(CROSSED), CROSSED_COUNT, replace=False):
        first, second, third = CROSSED[chosen]
        amount = generator.uniform(*CROSSED_RANGE)
        for a, b, c in _sided(first, second, third):
            crossed.append((a, b, c, amount))
    return StyleMap(gain, onset, ceiling, recruitment, tuple(crossed))


def _stem(name: str) -> str:
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return name
    return name.removesuffix("Left").removesuffix("Right")


def _indices(stem: str) -> list[int]:
    if stem in ARKIT_INDEX:
        return [ARKIT_INDEX[stem]]
    return [ARKIT_INDEX[stem + "Left"], ARKIT_INDEX[stem + "Right"]]


def _exact() -> npt.NDArray[np.bool_]:
    return np.array([name.startswith(EXACT) for name in ARKIT_NAMES])


def _pairs(recruited: str, trigger: str) -> list[tuple[int, int, float]]:
    """(recruited index, trigger index, share): side to side where both have sides, halves where the trigger alone has."""
    rows, columns = _indices(recruited), _indices(trigger)
    if len(rows) == len(columns):
        return [(row, column, 1.0) for row, column in zip(rows, columns, strict=True)]
    return [(row, column, 1.0 / len(columns)) for row in rows for column in columns]


def _sided(*stems: str) -> list[tuple[int, ...]]:
    """The indices of several muscles, once for each side."""
    return [tuple(_indices(stem)[min(side, len(_indices(stem)) - 1)] for stem in stems) for side in (0, 1)]
