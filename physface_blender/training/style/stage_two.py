"""The second stage of the style model's training: through differentiable projective dynamics (paper 001, section 7.2).

The loss is what counts in the end: how far the simulated skin is from the captured one. Every frame keeps the pose it
had when it was last seen, so that a few local and global steps follow the tensors, which change slowly. One adjoint
solve gives the derivative by all tensors of a frame; the networks are then run backward for a draw of the cells only,
by how much they matter and weighted so that the gradient's expectation is exact. A GPU takes many frames of all actors in a
step (``stage_two_batch``).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from ...networks.actuation import ActuationCode, ActuationModel, symmetric_tensor, warp
from ...networks.weights import save_weights
from ..checkpoint import write_checkpoint
from ..seeds import STYLE_TRAINING_SEED
from ..soap import Soap
from .performer import Performer
from .stage_one import (
    ACTUATION_WEIGHT,
    JAW_WEIGHT,
    Lesson,
    StageOneConfiguration,
    Variant,
    append_row,
    coordinates_for,
    device_name,
    jaw_distance,
    schedule,
    training_device,
)

Array = npt.NDArray[np.float64]

FOLLOWING_ITERATIONS, ADJOINT_ITERATIONS = 2, 2
DRAWN_CELLS = 1200
UNIFORM_SHARE = 0.2
"""Of the draw's probability; the rest goes by the size of a cell's derivative."""
ROUNDING_MM = 0.2
"""Distances below count by their square, larger ones by themselves: what is measured in the end is the distance."""
LIPSCHITZ_WEIGHT = 1e-6
"""lambda_lip of equation 7."""
LOG_EVERY = 10
CHECKPOINT_EVERY = 25


@dataclass(frozen=True)
class FrameGradient:
    """What one frame says.

    Attributes:
        distance_mm: mean distance of the skin.
        by_tensors: (E, 3, 3) derivative of the loss.
        by_jaw: (4, 4) likewise, by the jaw in the actor's own coordinates.
        nodes: (N, 3) the pose.
    """

    distance_mm: float
    by_tensors: Array
    by_jaw: Array
    nodes: Array


def frame_gradient(
    performer: Performer, tensors: Array, jaw: Array, displacement: Array, start: Array, iterations: int
) -> FrameGradient:
    """Follow the tensors (E, 3, 3) and the jaw (4, 4) from a pose (N, 3), and see how the skin's distance changes with them.

    Args:
        performer: whose tissue.
        tensors: in the actor's material space.
        jaw: in the actor's own coordinates.
        displacement: (P, 3) mm, of the captured skin.
        start: pose to begin with.
        iterations: local and global steps.
    """
    tissue = performer.active
    nodes = tissue.solve(tensors, jaw, None, start, iterations)
    gap = performer.place_skin(nodes) - (performer.actor.neutral[performer.carried] + displacement)
    distance = np.linalg.norm(gap, axis=1)
    by_skin = gap / np.sqrt(distance**2 + ROUNDING_MM**2)[:, None] / len(gap)
    by_tensors, by_jaw = tissue.gradients(nodes, tensors, performer.skin.T @ by_skin, ADJOINT_ITERATIONS)
    return FrameGradient(float(distance.mean()), by_tensors, by_jaw, nodes)


def train_stage_two(
    model: ActuationModel,
    lessons: Sequence[Lesson],
    variant: Variant,
    configuration: StageOneConfiguration,
    directory: Path,
    progress: Callable[[float, str], None],
) -> ActuationModel:
    """Go on with a model of the first stage, or from ``checkpoint_two.pt``.

    Leaves ``actuation.safetensors`` and ``log_two.csv``; arguments as in ``train_stage_one``.
    """
    device = training_device()
    if device.type == "cuda":
        from .stage_two_batch import ManyFrames

        take = ManyFrames(lessons, variant, configuration.second_frames, device)
    else:
        take = SingleFrames(lessons, variant)
    return run_stage_two(model, take, variant, configuration, directory, progress)


def run_stage_two(
    model: ActuationModel,
    take: "TakeFrames",
    variant: Variant,
    configuration: StageOneConfiguration,
    directory: Path,
    progress: Callable[[float, str], None],
) -> ActuationModel:
    """The loop of ``train_stage_two`` over what ``take`` says of some frames in each step."""
    model.to(take.device).train().requires_grad_(True)
    rate, budget = variant.rate_share * configuration.second_rate, configuration.second
    optimizer = Soap(model.parameters(), lr=rate)
    generator = torch.Generator(take.device).manual_seed(STYLE_TRAINING_SEED + 1)
    checkpoint, first, before = directory / "checkpoint_two.pt", 0, 0.0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        first, before = int(state["step"]), float(state["seconds"])
    started, cpu_started = time.monotonic() - before, time.process_time()
    done, distances, share = first, [], budget.spent(first, before)
    while share < 1.0:
        optimizer.param_groups[0]["lr"] = rate * schedule(done, share, budget.steps)
        optimizer.zero_grad(set_to_none=True)
        loss, distance = take(model, generator)
        if variant.lipschitz:
            loss = loss + LIPSCHITZ_WEIGHT * model.lipschitz_product()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        distances.append(distance)
        done += 1
        seconds = time.monotonic() - started
        share = budget.spent(done, seconds)
        if done % LOG_EVERY == 0 or share >= 1.0:
            mean = float(torch.stack(distances).mean())
            distances = []
            row = {
                "step": done,
                "seconds": round(seconds, 1),
                "cpu_seconds": round(time.process_time() - cpu_started, 1),
            }
            append_row(directory / "log_two.csv", row | {"distance_mm": round(mean, 4)})
            left = seconds * (1.0 - share) / share
            progress(share, f"second stage, step {done}  skin {mean:.3f} mm  {left / 60:.1f} min left")
        if done % CHECKPOINT_EVERY == 0 or share >= 1.0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"generator": generator.get_state(), "step": done, "seconds": seconds}
            write_checkpoint(checkpoint, state)
    model.cpu().eval().requires_grad_(False)
    facts = {"model": "actuation", "stage": "second", "device": device_name(take.device)}
    save_weights(model, directory / "actuation.safetensors", facts)
    return model


class TakeFrames(Protocol):
    """Draws some frames and says how the loss changes with what the model puts out for them."""

    device: torch.device

    def __call__(self, model: ActuationModel, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A scalar whose derivative by the model's weights is the loss's, and the skin's mean distance in mm."""
        ...


class SingleFrames:
    """One frame of every actor at a time, on a CPU."""

    device = torch.device("cpu")

    def __init__(self, lessons: Sequence[Lesson], variant: Variant) -> None:
        """Begin with the poses of the passive simulation."""
        self._lessons, self._variant = lessons, variant
        self._poses = [lesson.tensors.nodes.clone() for lesson in lessons]

    def __call__(self, model: ActuationModel, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``TakeFrames``."""
        lessons, poses = self._lessons, self._poses
        rows = [int(torch.randint(len(lesson.tensors.expression), (), generator=generator)) for lesson in lessons]
        expression = torch.stack([lesson.tensors.expression[row] for lesson, row in zip(lessons, rows, strict=True)])
        code = model.code(expression, model.styles[: len(lessons)])
        motion = model.jaw_motion(code)
        wanted = torch.stack([lesson.tensors.jaw[row] for lesson, row in zip(lessons, rows, strict=True)])
        loss = JAW_WEIGHT * jaw_distance(motion, wanted)
        distances = []
        for index, (lesson, row) in enumerate(zip(lessons, rows, strict=True)):
            performer, own = lesson.performer, ActuationCode(*(part[index : index + 1] for part in code))
            coordinates = coordinates_for(performer, self._variant)
            with torch.no_grad():
                tensors = _tensors(model, performer, self._variant, coordinates, own, slice(None))
            frame = frame_gradient(
                performer,
                tensors.double().numpy(),
                performer.jaw_from_canonical(motion[index].detach().double().numpy()),
                lesson.tensors.displacement[row].double().numpy(),
                poses[index][row].double().numpy(),
                FOLLOWING_ITERATIONS,
            )
            poses[index][row] = torch.as_tensor(frame.nodes, dtype=torch.float32)
            distances.append(frame.distance_mm)
            slopes = torch.as_tensor(frame.by_tensors, dtype=torch.float32)
            sizes = slopes.flatten(1).norm(dim=1)
            chance = (1.0 - UNIFORM_SHARE) * sizes / sizes.sum() + UNIFORM_SHARE / len(sizes)
            drawn = torch.multinomial(chance, DRAWN_CELLS, replacement=True, generator=generator)
            found = _tensors(model, performer, self._variant, coordinates, own, drawn)
            weighted = slopes[drawn] / (DRAWN_CELLS * chance[drawn])[:, None, None]
            loss = loss + (found * weighted).sum() / len(lessons)
            loss = loss + ACTUATION_WEIGHT * (found - torch.eye(3)).square().sum((-1, -2)).mean() / len(lessons)
            frame_jaw = torch.as_tensor(performer.jaw_frame, dtype=torch.float32)
            turned = frame_jaw @ motion[index] @ torch.linalg.inv(frame_jaw)
            loss = loss + (turned * torch.as_tensor(frame.by_jaw, dtype=torch.float32)).sum() / len(lessons)
        return loss, torch.tensor(float(np.mean(distances)))


def _tensors(
    model: ActuationModel,
    performer: Performer,
    variant: Variant,
    coordinates: torch.Tensor,
    code: ActuationCode,
    cells: torch.Tensor | slice,
) -> torch.Tensor:
    """Tensors (C, 3, 3) of some cells in the actor's material space."""
    found = symmetric_tensor(model.field(coordinates[cells][None], code)[0])
    return warp(found, performer.cell_rotations[cells]) if variant.warp else found
