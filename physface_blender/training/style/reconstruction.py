"""Table 1 of paper 001: how near each model comes to performances it has not seen, in millimetres."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ...networks.actuation import ActuationModel, symmetric_tensor, warp
from .performer import Performer
from .stage_one import Variant, coordinates_for, place_displacement

Array = npt.NDArray[np.float64]

TESTED_ACTORS = 3
"""Of the six trained ones: three sequences of three people, as in the paper. The held-out performances of the other
three are the validation, by which configurations are chosen."""
FRAME_STRIDE = 6
FIRST_ITERATIONS, NEXT_ITERATIONS = 40, 15

FrameErrors = Callable[[Performer, str], Array]


def held_out(performer: Performer) -> list[str]:
    """Names of the performances that nothing was trained on."""
    return [name for name in performer.actor.sequences if name.startswith("held_out")]


def frames(performer: Performer, name: str) -> tuple[Array, Array]:
    """Tested frames of a performance: captured positions (T, V, 3) and blendweights (T, K)."""
    positions = performer.actor.sequences[name].positions[::FRAME_STRIDE]
    return positions, performer.actor.blendweights(positions)


def linear_rig_errors(performer: Performer, name: str) -> Array:
    """Mean vertex error (T,) in mm of the actor's own linear rig."""
    positions, blendweights = frames(performer, name)
    difference = performer.actor.linear_rig(blendweights) - positions
    return np.linalg.norm(difference[:, performer.carried], axis=2).mean(axis=1)


@torch.no_grad()
def tensors_of(
    model: ActuationModel, performer: Performer, variant: Variant, expression: torch.Tensor, style: torch.Tensor
) -> Array:
    """Actuation (E, 3, 3) in the actor's material space under an expression (19,) and a style code (4,)."""
    code = model.code(expression[None], style[None])
    tensors = symmetric_tensor(model.field(coordinates_for(performer, variant)[None], code)[0])
    if variant.warp:
        tensors = warp(tensors, performer.cell_rotations)
    return tensors.double().numpy()


@torch.no_grad()
def perform(
    model: ActuationModel, performer: Performer, variant: Variant, blendweights: Array, style: torch.Tensor
) -> Array:
    """The carried skin (T, P, 3) in mm under blendweights (T, 19) in a style; collisions are not handled.

    Frames follow each other: each starts where the one before ended.
    """
    expressions = torch.as_tensor(blendweights, dtype=torch.float32)
    skin, start = [], None
    for expression in expressions:
        code = model.code(expression[None], style[None])
        if variant.displacement:
            output = model.field(performer.skin_coordinates[None], code)[0]
            moved = place_displacement(output, performer.skin_rotations)
            skin.append(performer.actor.neutral[performer.carried] + moved.double().numpy())
            continue
        jaw = performer.jaw_from_canonical(model.jaw_motion(code)[0].double().numpy())
        tensors = tensors_of(model, performer, variant, expression, style)
        iterations = FIRST_ITERATIONS if start is None else NEXT_ITERATIONS
        start = performer.active.solve(tensors, jaw, None, start, iterations)
        skin.append(performer.place_skin(start))
    return np.stack(skin)


def model_errors(
    model: ActuationModel, performer: Performer, variant: Variant, style: torch.Tensor, name: str, stride: int = 1
) -> Array:
    """Mean vertex error (T,) in mm of a model on a held-out performance, or every so many of its tested frames."""
    positions, blendweights = (values[::stride] for values in frames(performer, name))
    skin = perform(model, performer, variant, blendweights, style)
    return np.linalg.norm(skin - positions[:, performer.carried], axis=2).mean(axis=1)


def silhouette(points: Array, labels: npt.NDArray[np.intp]) -> float:
    """Mean silhouette of points (N, D) by label (N,): 1 for far apart clusters, 0 for mixed ones (Rousseeuw 1987)."""
    squares = (points**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * points @ points.T, 0.0))
    names = np.unique(labels)
    sums = np.stack([distance[:, labels == name].sum(axis=1) for name in names], axis=1)
    counts = np.array([(labels == name).sum() for name in names])
    own = np.searchsorted(names, labels)
    rows = np.arange(len(points))
    inner = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    return float(((outer - inner) / np.maximum(outer, inner)).mean())


def style_silhouette(model: ActuationModel, expressions: torch.Tensor) -> float:
    """Silhouette by style of the modulation codes of expressions (N, 19) under every learned style (figure 4)."""
    return silhouette(*style_codes(model, expressions))


@torch.no_grad()
def style_codes(model: ActuationModel, expressions: torch.Tensor) -> tuple[Array, npt.NDArray[np.intp]]:
    """Modulation codes (K N, D) of expressions (N, 19) under the K learned styles, and which style (K N,)."""
    codes, labels = [], []
    for index, style in enumerate(model.styles):
        code = model.code(expressions, style.expand(len(expressions), -1))
        codes.append(model.modulation_code(code).flatten(1).double().numpy())
        labels.append(np.full(len(expressions), index))
    return np.concatenate(codes), np.concatenate(labels)


def interpolation_steps(skins: Sequence[Array]) -> float:
    """How unevenly a face moves while its style is blended: greatest over mean step, averaged over the moving skin.

    Args:
        skins: (P, 3) at evenly spaced style weights; 1 is perfectly even.
    """
    steps = np.linalg.norm(np.diff(np.stack(skins), axis=0), axis=2)
    moving = steps.mean(axis=0) > 0.05
    return float((steps.max(axis=0) / steps.mean(axis=0))[moving].mean())
