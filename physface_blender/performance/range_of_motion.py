"""The built-in performance: a four-second range of motion made for this project.

It visits what a face must do without its lips passing through each other or through the teeth: a
blink, brows, smile, snarl, pucker, an open jaw, a bite on the lower lip, puffed cheeks and a jaw that
goes sideways. Lip bite, press and pucker drive lips and teeth together on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arkit import ARKIT_COUNT, expression
from .curves import Performance

FRAMES_PER_SECOND = 24.0
"""The rate at which the performance is usually played: 96 frames."""


@dataclass(frozen=True)
class KeyPose:
    """A pose that the performance reaches.

    Attributes:
        label: What to call it under a picture.
        time: Seconds at which it is reached.
        weights: ARKIT name to weight, 0 to 1; names left out are 0.
    """

    label: str
    time: float
    weights: dict[str, float]


def _both(**weights: float) -> dict[str, float]:
    """The same weight on both sides: ``_both(eyeBlink=1)`` sets eyeBlinkLeft and eyeBlinkRight."""
    return {stem + side: weight for stem, weight in weights.items() for side in ("Left", "Right")}


_BROWS_UP = {"browInnerUp": 0.8} | _both(browOuterUp=0.9, eyeWide=0.5)
_SMILE = _both(mouthSmile=0.9, mouthDimple=0.2, cheekSquint=0.5, eyeSquint=0.3, mouthUpperUp=0.15)
_SNARL = _both(noseSneer=0.9, mouthUpperUp=0.65, browDown=0.8, eyeSquint=0.5, mouthStretch=0.2) | {"jawOpen": 0.1}
_PUCKER = {"mouthPucker": 0.95, "mouthFunnel": 0.1} | _both(browDown=0.1)
_PRESS = {"mouthRollUpper": 0.5, "mouthRollLower": 0.5, "mouthShrugLower": 0.4} | _both(mouthPress=0.9)
_OPEN = {"jawOpen": 0.75, "browInnerUp": 0.3} | _both(eyeWide=0.4, mouthLowerDown=0.25)
_BITE = {"mouthRollLower": 1.0, "jawOpen": 0.08} | _both(mouthUpperUp=0.3, browDown=0.4, eyeSquint=0.3)
_PUFF = {"cheekPuff": 0.9, "mouthClose": 0.03} | _both(mouthPress=0.5, eyeWide=0.2)
_LEFT = {"jawLeft": 0.8, "mouthLeft": 0.25, "jawOpen": 0.12}
_RIGHT = {"jawRight": 0.8, "mouthRight": 0.25, "jawOpen": 0.12}

KEY_POSES: tuple[KeyPose, ...] = (
    KeyPose("rest", 0.0, {}),
    KeyPose("blink", 0.17, _both(eyeBlink=1.0, cheekSquint=0.1)),
    KeyPose("rest", 0.34, {}),
    KeyPose("brows", 0.60, _BROWS_UP),
    KeyPose("smile", 1.00, _SMILE),
    KeyPose("snarl", 1.38, _SNARL),
    KeyPose("pucker", 1.75, _PUCKER),
    KeyPose("press", 2.05, _PRESS),
    KeyPose("jaw open", 2.42, _OPEN),
    KeyPose("lip bite", 2.80, _BITE),
    KeyPose("puff", 3.14, _PUFF),
    KeyPose("jaw left", 3.44, _LEFT),
    KeyPose("jaw right", 3.72, _RIGHT),
    KeyPose("rest", 4.0, {}),
)
"""In order of time. Between two poses every weight eases in and out."""


def key_pose_frames(frames_per_second: float = FRAMES_PER_SECOND) -> dict[int, str]:
    """The frame nearest to each key pose, with its label.

    Args:
        frames_per_second: The rate the performance is played at.
    """
    last = len(_frame_times(frames_per_second)) - 1
    return {min(round(pose.time * frames_per_second), last): pose.label for pose in KEY_POSES}


def range_of_motion(frames_per_second: float = FRAMES_PER_SECOND) -> Performance:
    """The built-in performance at a rate.

    From one pose to the next the mix follows a minimum-jerk curve, 10 x^3 - 15 x^4 + 6 x^5, whose speed
    and acceleration vanish at both ends (Flash and Hogan 1985, eq. 13), so nothing starts or stops abruptly.

    Args:
        frames_per_second: Samples per second.

    Raises:
        ValueError: The rate is not a positive number.
    """
    if not np.isfinite(frames_per_second) or frames_per_second <= 0.0:
        raise ValueError(f"The frame rate must be a positive number of frames per second; got {frames_per_second}.")
    times = _frame_times(frames_per_second)
    poses = np.array([expression(**pose.weights) for pose in KEY_POSES])
    pose_times = np.array([pose.time for pose in KEY_POSES])
    segment = np.clip(np.searchsorted(pose_times, times, side="right") - 1, 0, len(KEY_POSES) - 2)
    share = (times - pose_times[segment]) / (pose_times[segment + 1] - pose_times[segment])
    share = np.clip(share, 0.0, 1.0)
    eased = (share**3 * (10.0 - 15.0 * share + 6.0 * share**2))[:, None]
    weights = (1.0 - eased) * poses[segment] + eased * poses[segment + 1]
    assert weights.shape == (len(times), ARKIT_COUNT)
    return Performance(times, weights, np.ones(len(times), dtype=bool), "Range of Motion")


def _frame_times(frames_per_second: float) -> NDArray[np.float64]:
    """(T,) seconds; the last frame comes before the end, so that the performance loops."""
    return np.arange(max(1, round(KEY_POSES[-1].time * frames_per_second))) / frames_per_second
