"""Learns styles from captures: what an actor's muscles do when something is asked for, so that the skin goes where it went.

The generalized model is frozen; only what ``networks.style`` adds to it is learned, through it, from skin alone.
"""

from collections.abc import Callable

import numpy as np
import torch

from ..networks.generalized import EXPRESSION_COUNT, GeneralizedModel
from ..networks.style import CROSSED_COUNT, FEATURE_COUNT, STYLE_SIZE, Readout, StyleModel, StyleNetwork
from ..performance.arkit import ARKIT_NAMES
from .style_examples import StyleExamples, displacement
from .style_field import MUSCLE_SHARE, field_readout

RIDGE = 1.0
OVERSHOOT = 30.0
SAME_MUSCLE, OTHER_SIDE = 0.4, 6.0
FRAMES, POINTS = 24, 192
"""A step's sample."""
CODE_STEPS, READOUT_STEPS = 150, 1000
CODE_RATE, READOUT_RATE = 3e-2, 1e-2

Progress = Callable[[float, str], bool]


class StyleFitCancelled(Exception):  # noqa: N818 - an expected outcome, not an error
    """The learning of a style was cancelled."""


def ridge_weights() -> torch.Tensor:
    """How dear each entry (52, FEATURE_COUNT) of a readout is.

    Static shapes are mostly of both sides at once and leave open which side made what; that a muscle answers to what
    is asked of its own side is what we know of faces.
    """
    side = np.array([1 if name.endswith("Left") else -1 if name.endswith("Right") else 0 for name in ARKIT_NAMES])
    pairs = np.where(side[:, None] * side[None, :] < 0, OTHER_SIDE, 1.0)
    np.fill_diagonal(pairs, SAME_MUSCLE)
    # The left half's learned features, then the right half's.
    crossed = [np.where(side == -half, OTHER_SIDE, 1.0)[:, None].repeat(CROSSED_COUNT, axis=1) for half in (1, -1)]
    return _tensor(np.concatenate([pairs, pairs, *crossed], axis=1))


def style_loss(
    model: GeneralizedModel,
    styles: StyleNetwork,
    muscles: torch.Tensor,
    examples: StyleExamples,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean squared distance in mm^2 on a sample of frames and vertices, and the penalty of muscles beyond 0..1.

    Args:
        model: the generalized model.
        styles: the features.
        muscles: readout (52, FEATURE_COUNT).
        examples: what the actor showed.
        generator: draws the sample.
    """
    rows = examples.draw(generator, FRAMES)
    vertices = torch.randint(len(examples.coordinates), (POINTS,), generator=generator)
    wanted, none = styles(examples.asked[rows], Readout(muscles, torch.zeros(STYLE_SIZE, FEATURE_COUNT)))
    done = wanted.clamp(0.0, 1.0)
    shown = displacement(model, styles, examples, done, none, vertices)
    distance = (shown - examples.shown[rows][:, vertices]).square().sum(-1).mean()
    return distance, OVERSHOOT * (wanted - done).square().mean()


def fit_style(
    model: GeneralizedModel,
    styles: StyleModel,
    examples: StyleExamples,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Readout:
    """The readout of a new actor: a code among the known styles, its own correction, and last the style input of N_e.

    Args:
        model: the generalized model.
        styles: the known styles; their features are kept.
        examples: what the new actor showed; a handful of static shapes is enough.
        seed: of the drawn samples.
        progress: told the share done, 0..1, and the error; False from it cancels.

    Raises:
        StyleFitCancelled: ``progress`` said so.
    """
    generator = torch.Generator().manual_seed(seed)
    known = torch.stack([readout.muscles for readout in styles.readouts.values()]) / MUSCLE_SHARE
    code = torch.zeros(len(known), requires_grad=True)
    correction = torch.zeros(EXPRESSION_COUNT, FEATURE_COUNT, requires_grad=True)
    price = ridge_weights()
    total = CODE_STEPS + READOUT_STEPS
    optimizer = torch.optim.Adam([code], lr=CODE_RATE)
    for step in range(total):
        if step == CODE_STEPS:
            optimizer = torch.optim.Adam([correction], lr=READOUT_RATE)
        if step > CODE_STEPS:
            optimizer.param_groups[0]["lr"] = READOUT_RATE * min(1.0, 2.0 * (total - step) / READOUT_STEPS)
        muscles = torch.einsum("k,kij->ij", code, known) + correction
        distance, overshoot = style_loss(model, styles.network, muscles, examples, generator)
        penalty = RIDGE / (FRAMES * POINTS) * (price * correction.square()).sum() + 1e-3 * code.square().sum()
        optimizer.zero_grad(set_to_none=True)
        (distance + overshoot + penalty).backward()
        optimizer.step()
        if progress is not None and step % 25 == 0:
            error = float(distance.detach()) ** 0.5
            if not progress(step / total, f"Learning the style, {error:.2f} mm from what was shown"):
                raise StyleFitCancelled("The learning of the style was cancelled.")
    muscles = MUSCLE_SHARE * (torch.einsum("k,kij->ij", code, known) + correction).detach()
    return Readout(muscles, field_readout(model, styles.network, examples, muscles))


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))
