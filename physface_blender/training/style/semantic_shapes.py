"""The nineteen expressions that every actor is asked for besides the neutral one."""

import numpy as np
import numpy.typing as npt

from ...performance.arkit import expression


def _both(**weights: float) -> dict[str, float]:
    return {stem + side: weight for stem, weight in weights.items() for side in ("Left", "Right")}


SEMANTIC_SHAPES: dict[str, dict[str, float]] = {
    "brows up": {"browInnerUp": 1.0} | _both(browOuterUp=1.0),
    "brows down": _both(browDown=1.0),
    "eyes closed": _both(eyeBlink=1.0),
    "eyes wide": _both(eyeWide=1.0),
    "eyes narrowed": _both(eyeSquint=1.0, cheekSquint=0.7),
    "nose wrinkled": _both(noseSneer=1.0),
    "smile": _both(mouthSmile=1.0),
    "frown": _both(mouthFrown=1.0),
    "jaw open": {"jawOpen": 1.0},
    "jaw left": {"jawLeft": 1.0, "mouthLeft": 0.5},
    "jaw right": {"jawRight": 1.0, "mouthRight": 0.5},
    "jaw forward": {"jawForward": 1.0},
    "oo": {"mouthPucker": 1.0},
    "funnel": {"mouthFunnel": 1.0},
    "upper teeth": _both(mouthUpperUp=1.0),
    "lower teeth": _both(mouthLowerDown=1.0),
    "stretch": _both(mouthStretch=1.0),
    "lips in": {"mouthRollLower": 0.8, "mouthRollUpper": 0.8} | _both(mouthPress=0.8),
    "cheeks puffed": {"cheekPuff": 1.0},
}
"""Name to what is asked for in ARKit weights. With the neutral they are the twenty static expressions of section 4.1."""

SHAPE_NAMES: tuple[str, ...] = tuple(SEMANTIC_SHAPES)


def semantic_weights() -> npt.NDArray[np.float64]:
    """ARKit weights (19, 52) of ``SEMANTIC_SHAPES``."""
    return np.stack([expression(**weights) for weights in SEMANTIC_SHAPES.values()])
