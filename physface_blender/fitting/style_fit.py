"""Learns styles from captures: what an actor's muscles do when something is asked for, so that the skin goes where it went.

The generalized model is frozen; only what stands before it (``networks.style``) is learned, through it, from skin alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..networks.generalized import DISPLACEMENT_SCALE_MM, EXPRESSION_COUNT, GeneralizedModel, GeneralizedNetwork
from ..networks.style import CROSSED_COUNT, FEATURE_COUNT, StyleModel, StyleNetwork
from ..performance.arkit import ARKIT_NAMES
from .actor_capture import ActorCapture, ActorCaptureError

RIDGE = 1.0
OVERSHOOT = 30.0
SAME_MUSCLE, OTHER_SIDE = 0.4, 6.0
FRAMES, POINTS = 24, 192
"""A step's sample."""
CODE_STEPS, READOUT_STEPS = 150, 1000
CODE_RATE, READOUT_RATE = 3e-2, 1e-2
SHAPE_SHARE = 0.3
"""Share of a step's samples that are static shapes; they are few but each is an expression of its own."""

Progress = Callable[[float, str], bool]


class StyleFitCancelled(Exception):  # noqa: N818 - an expected outcome, not an error
    """The learning of a style was cancelled."""


@dataclass(frozen=True, eq=False)
class StyleExamples:
    """What one actor showed.

    Attributes:
        asked: (N, 52) ARKit weights: of the static shapes first, then of frames by projection on the actor's basis.
        shown: (N, V, 3) displacement of the skin from the neutral, mm.
        shape_count: how many of the N are static shapes.
        coordinates: (V, 4) of N_e.
        identity_code: (1, 128).
    """

    asked: torch.Tensor
    shown: torch.Tensor
    shape_count: int
    coordinates: torch.Tensor
    identity_code: torch.Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, model: GeneralizedModel, actor: ActorCapture, sequences: Iterable[str] | None = None) -> Self:
        """The examples in a capture.

        Args:
            model: the generalized model.
            actor: with canonical points; the mean identity stands in for an unknown one.
            sequences: names of the performances to use; all when None.

        Raises:
            ActorCaptureError: nothing says where the vertices lie in the canonical face.
        """
        if actor.canonical is None:
            raise ActorCaptureError(
                f"Nothing says where the vertices of actor {actor.name} lie in the canonical face; fit the face first."
            )
        asked, shown = [actor.shape_weights], [actor.shapes]
        for name in actor.sequences if sequences is None else sequences:
            positions = actor.sequences[name].positions
            asked.append(actor.blendweights(positions) @ actor.shape_weights)
            shown.append(positions - actor.neutral)
        identity = np.zeros(100) if actor.identity is None else actor.identity
        network = model.network
        return cls(
            _tensor(np.clip(np.concatenate(asked), 0.0, 1.0)),
            _tensor(np.concatenate(shown)),
            len(actor.shapes),
            network.material_coordinates(_tensor(actor.canonical), _tensor(actor.parting)),
            network.identity_encoder(_tensor(identity)[None]),
        )

    def draw(self, generator: torch.Generator, count: int) -> torch.Tensor:
        """Indices (count,) of examples for one step."""
        shapes = count if self.shape_count == len(self.asked) else round(SHAPE_SHARE * count)
        still = torch.randint(self.shape_count, (shapes,), generator=generator)
        if shapes == count:
            return still
        moving = torch.randint(self.shape_count, len(self.asked), (count - shapes,), generator=generator)
        return torch.cat([still, moving])


def displacement(
    network: GeneralizedNetwork, examples: StyleExamples, muscles: torch.Tensor, vertices: torch.Tensor
) -> torch.Tensor:
    """N_e (B, P, 3) in mm at vertices (P,) of an actor under expression inputs (B, 52); zero for zero."""
    inputs = torch.cat([muscles, torch.zeros(1, EXPRESSION_COUNT)])
    codes = network.encode_expression(inputs)
    condition = network.expression_condition(examples.identity_code.expand(len(inputs), -1), codes)
    field = network.expression_field(examples.coordinates[vertices].expand(len(inputs), -1, -1), condition)
    return DISPLACEMENT_SCALE_MM * (field[:-1] - field[-1:])


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
    readout: torch.Tensor,
    examples: StyleExamples,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean squared distance in mm^2 on a sample of frames and vertices, and the penalty of muscles beyond 0..1."""
    rows = examples.draw(generator, FRAMES)
    vertices = torch.randint(len(examples.coordinates), (POINTS,), generator=generator)
    wanted = styles(examples.asked[rows], readout)
    muscles = wanted.clamp(0.0, 1.0)
    shown = displacement(model.network, examples, muscles, vertices)
    distance = (shown - examples.shown[rows][:, vertices]).square().sum(-1).mean()
    return distance, OVERSHOOT * (wanted - muscles).square().mean()


def fit_style(
    model: GeneralizedModel,
    styles: StyleModel,
    examples: StyleExamples,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> torch.Tensor:
    """The readout (52, FEATURE_COUNT) of a new actor: first a code among the known styles, then its own correction.

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
    known = torch.stack(list(styles.readouts.values()))
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
        readout = torch.einsum("k,kij->ij", code, known) + correction
        distance, overshoot = style_loss(model, styles.network, readout, examples, generator)
        penalty = RIDGE / (FRAMES * POINTS) * (price * correction.square()).sum() + 1e-3 * code.square().sum()
        optimizer.zero_grad(set_to_none=True)
        (distance + overshoot + penalty).backward()
        optimizer.step()
        if progress is not None and step % 25 == 0:
            error = float(distance.detach()) ** 0.5
            if not progress(step / total, f"Learning the style, {error:.2f} mm from what was shown"):
                raise StyleFitCancelled("The learning of the style was cancelled.")
    return (torch.einsum("k,kij->ij", code, known) + correction).detach()


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))
