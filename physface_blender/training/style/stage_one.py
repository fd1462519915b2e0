"""The first stage of the style model's training: against tensors, without a simulator (paper 001, section 7.2)."""

import csv
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...networks.actuation import ActuationModel, ActuationSettings, symmetric_tensor, warp
from ...networks.weights import save_weights
from ..checkpoint import write_checkpoint
from ..seeds import STYLE_TRAINING_SEED
from ..soap import Soap
from .passive import PassiveTensors
from .performer import Performer

ACTUATION_WEIGHT = 1e-3
LIPSCHITZ_WEIGHT = 1e-7
"""lambda_act and lambda_lip of equation 7. The paper has 1e-6, which is as much as the loss of the tensors here, a mean over
their cells, and kept the models with Lipschitz regularization from learning; the second stage, whose loss is in
millimetres, takes the paper's."""
JAW_WEIGHT = 1.0
HUBER = 0.1
"""Strain beyond which the loss grows linearly: single cells at the lips' corners are torn in the captures."""
SHAPES_PER_ACTOR = 1
"""Of a step's frames of an actor; the others are frames of performances."""
WARM_UP = 100
"""Steps in which the learning rate grows to its full size; from there it falls along a cosine."""
DISPLACEMENT_SCALE_MM = 10.0
LOG_EVERY = 50
CHECKPOINT_EVERY = 250


@dataclass(frozen=True)
class Variant:
    """One row of table 1.

    Attributes:
        canonical: learn in the canonical space, else every actor in its own.
        warp: turn the tensors along with phi.
        lipschitz: with Lipschitz regularization.
        sine: the network of Yang et al. 2022.
        displacement: regress displacements instead of tensors.
        single: one model for each tested actor.
    """

    canonical: bool = True
    warp: bool = True
    lipschitz: bool = True
    sine: bool = False
    displacement: bool = False
    single: bool = False

    @property
    def rate_share(self) -> float:
        """Of the configuration's learning rate: sine layers throughout do not bear more than a tenth of it."""
        return 0.1 if self.sine else 1.0

    def settings(self, actor_count: int, width: int) -> ActuationSettings:
        """The networks of this row."""
        return ActuationSettings(
            actor_count=1 if self.single else actor_count,
            lipschitz=self.lipschitz,
            sine=self.sine,
            output_count=3 if self.displacement else 6,
            width=width,
        )


VARIANTS = {
    "model_cswl": Variant(),
    "displacement": Variant(displacement=True),
    "single_identity": Variant(single=True),
    "model_n": Variant(canonical=False, warp=False, lipschitz=False),
    "model_csw": Variant(lipschitz=False),
    "model_cs": Variant(warp=False, lipschitz=False),
    "model_csl": Variant(warp=False),
    "yang_2022": Variant(canonical=False, warp=False, lipschitz=False, sine=True, single=True),
}
"""The trained rows of table 1."""


@dataclass(frozen=True)
class Budget:
    """When a stage ends.

    Attributes:
        steps: of the optimizer, at most.
        seconds: by the clock, at most; 0 does not look at it.
    """

    steps: int
    seconds: float = 0.0

    def spent(self, steps: int, seconds: float) -> float:
        """Share of the budget, 1 at its end, that so many steps and seconds are."""
        by_clock = seconds / self.seconds if self.seconds else 0.0
        return max(by_clock, steps / self.steps if self.steps else 1.0)


@dataclass(frozen=True)
class StageOneConfiguration:
    """One training run of both stages.

    Attributes:
        first: budget of the first stage. The learning rate falls along a cosine (paper: constant, then linearly).
        second: of the second stage.
        frames: of each actor in a step of the first stage (paper: 6 in all).
        second_frames: of each actor in a step of the second stage, on a GPU; a CPU takes one.
        points: tensors a frame.
        learning_rate: of the optimizer (paper: Adam, 1e-4).
        second_rate: in the second stage (paper: 5e-5).
        width: units of N_A's layers (paper: 256).
    """

    first: Budget
    second: Budget = Budget(0)
    frames: int = 4
    second_frames: int = 1
    points: int = 96
    learning_rate: float = 4e-3
    second_rate: float = 1e-3
    width: int = 128


CONFIGURATIONS = {
    "small": StageOneConfiguration(Budget(20), points=64, width=16),
    "cpu": StageOneConfiguration(Budget(2500), Budget(1500), second_rate=2e-3),
    "full": StageOneConfiguration(Budget(20000, 50.0), Budget(20000, 145.0), 8, 6, 512, 2e-3, 1e-3, 256),
}
"""``full`` is for a GPU, which the eight rows share as one process each: three minutes by the clock, where the paper
takes two days of several."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """One actor with what is learned from it."""

    performer: Performer
    tensors: PassiveTensors

    def on(self, device: torch.device) -> "Lesson":
        """The same with everything that a network reads on a device."""
        if self.tensors.expression.device.type == device.type:
            return self
        return replace(self, performer=_moved(self.performer, device), tensors=_moved(self.tensors, device))


def _moved(values: Performer | PassiveTensors, device: torch.device) -> Performer | PassiveTensors:
    tensors = {name: value for name, value in vars(values).items() if isinstance(value, torch.Tensor)}
    return replace(values, **{name: value.to(device) for name, value in tensors.items()})


def training_device() -> torch.device:
    """A GPU where torch sees one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def coordinates_for(performer: Performer, variant: Variant) -> torch.Tensor:
    """Coordinates (E, 4) of N_A at an actor's cells."""
    return performer.cell_coordinates if variant.canonical else performer.cell_own


def device_name(device: torch.device) -> str:
    """What it is called, for those who read a table of what was trained on it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def train_stage_one(
    lessons: Sequence[Lesson],
    variant: Variant,
    configuration: StageOneConfiguration,
    directory: Path,
    progress: Callable[[float, str], None],
) -> ActuationModel:
    """Train one model, or go on from the directory's ``checkpoint.pt``; leaves ``actuation.safetensors`` and ``log.csv``."""
    directory.mkdir(parents=True, exist_ok=True)
    device = training_device()
    lessons = [lesson.on(device) for lesson in lessons]
    torch.manual_seed(STYLE_TRAINING_SEED)
    model = ActuationModel(variant.settings(len(lessons), configuration.width)).to(device)
    rate, budget = variant.rate_share * configuration.learning_rate, configuration.first
    optimizer = Soap(model.parameters(), lr=rate)
    generator = torch.Generator(device).manual_seed(STYLE_TRAINING_SEED)
    checkpoint, first, before = directory / "checkpoint.pt", 0, 0.0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        first, before = int(state["step"]), float(state["seconds"])
    started, cpu_started = time.monotonic() - before, time.process_time()
    done, counted, totals, share = first, 0, {}, budget.spent(first, before)
    while share < 1.0:
        optimizer.param_groups[0]["lr"] = rate * schedule(done, share, budget.steps)
        losses = _losses(model, lessons, variant, configuration, generator)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        # Read when they are shown: a GPU would have to wait for every single one.
        for name, loss in losses.items():
            totals[name] = totals.get(name, 0.0) + loss.detach()
        done, counted = done + 1, counted + 1
        seconds = time.monotonic() - started
        share = budget.spent(done, seconds)
        if done % LOG_EVERY == 0 or share >= 1.0:
            row = {name: float(total) / counted for name, total in totals.items()}
            totals, counted = {}, 0
            cpu_seconds = round(time.process_time() - cpu_started, 1)
            append_row(
                directory / "log.csv", {"step": done, "seconds": round(seconds, 1), "cpu_seconds": cpu_seconds, **row}
            )
            left = seconds * (1.0 - share) / share
            shown = "  ".join(f"{name} {value:.6f}" for name, value in row.items())
            progress(share, f"step {done}  {shown}  {left / 60:.1f} min left")
        if done % CHECKPOINT_EVERY == 0 or share >= 1.0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"generator": generator.get_state(), "step": done, "seconds": seconds}
            write_checkpoint(checkpoint, state)
    model.cpu().eval().requires_grad_(False)
    save_weights(
        model,
        directory / "actuation.safetensors",
        {"model": "actuation", "stage": "first", "device": device_name(device)},
    )
    return model


def schedule(step: int, share: float, steps: int) -> float:
    """Share of the learning rate: a short warm-up, then a cosine down to zero.

    Args:
        step: steps done.
        share: of the budget that is spent, 0..1.
        steps: of the budget, in whose first tenth the warm-up ends, if not before.
    """
    return min(1.0, (step + 1) / min(WARM_UP, 1 + steps // 10)) * 0.5 * (1.0 + math.cos(math.pi * share))


def _losses(
    model: ActuationModel,
    lessons: Sequence[Lesson],
    variant: Variant,
    configuration: StageOneConfiguration,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """Losses of one step by name; every actor has as many frames in it."""
    expressions, jaws, coordinates, rotations, targets = [], [], [], [], []
    device = generator.device
    for lesson in lessons:
        performer, tensors = lesson.performer, lesson.tensors
        rows = draw_frames(tensors, configuration.frames, generator)
        expressions.append(tensors.expression[rows])
        jaws.append(tensors.jaw[rows])
        if variant.displacement:
            where, turned, wanted = performer.skin_coordinates, performer.skin_rotations, tensors.displacement
        else:
            where, turned, wanted = coordinates_for(performer, variant), performer.cell_rotations, tensors.tensors
        points = torch.randint(
            len(where), (configuration.frames, configuration.points), generator=generator, device=device
        )
        coordinates.append(where[points])
        rotations.append(turned[points])
        targets.append(wanted[rows[:, None], points])
    people = torch.arange(len(lessons), device=device).repeat_interleave(configuration.frames)
    code = model.code(torch.cat(expressions), model.styles[people])
    losses = {"jaw": JAW_WEIGHT * jaw_distance(model.jaw_motion(code), torch.cat(jaws))}
    output = model.field(torch.cat(coordinates), code)
    rotation, target = torch.cat(rotations), torch.cat(targets)
    if variant.displacement:
        moved = place_displacement(output, rotation) - target
        losses["displacement"] = (moved / DISPLACEMENT_SCALE_MM).square().sum(-1).mean()
    else:
        found = symmetric_tensor(output)
        wanted = symmetric_tensor(target)
        if variant.warp:
            found = warp(found, rotation)
        difference = (found - wanted).flatten(-2)
        losses["tensor"] = (
            torch.nn.functional.huber_loss(difference, torch.zeros_like(difference), delta=HUBER, reduction="none")
            .sum(-1)
            .mean()
        )
        losses["actuation"] = ACTUATION_WEIGHT * (found - torch.eye(3, device=device)).square().sum((-1, -2)).mean()
    if variant.lipschitz:
        losses["lipschitz"] = LIPSCHITZ_WEIGHT * model.lipschitz_product()
    return losses


def jaw_distance(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of rigid motions (B, 4, 4); 100 mm of shift count as much as a radian."""
    difference = found - wanted
    return (difference[:, :3, :3].square().sum((-1, -2)) + (difference[:, :3, 3] / 100.0).square().sum(-1)).mean()


def place_displacement(output: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Displacements (..., 3) in mm in an actor's space from the displacement variant's output (..., 3)."""
    return DISPLACEMENT_SCALE_MM * (rotation.mT @ output.unsqueeze(-1)).squeeze(-1)


def draw_frames(tensors: PassiveTensors, count: int, generator: torch.Generator) -> torch.Tensor:
    """Frames (count,): some static shapes, the others of performances."""
    shapes = tensors.shape_count
    device = generator.device
    still = torch.randint(shapes, (min(SHAPES_PER_ACTOR, count),), generator=generator, device=device)
    moving = torch.randint(shapes, len(tensors.expression), (count - len(still),), generator=generator, device=device)
    return torch.cat([still, moving])


def append_row(file: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, with a head if it is new."""
    fresh = not file.is_file()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
