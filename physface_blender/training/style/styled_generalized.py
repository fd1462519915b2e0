"""Trains style as a third input of the generalized model: six actors together, three more as new ones."""

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ...fitting.actor_capture import ActorCapture
from ...fitting.style_examples import StyleExamples, displacement
from ...fitting.style_field import MUSCLE_SHARE, field_readout
from ...fitting.style_fit import FRAMES, POINTS, RIDGE, fit_style, ridge_weights, style_loss
from ...networks.generalized import GeneralizedModel, load_generalized
from ...networks.style import STYLE_FILE, StyleModel, StyleNetwork, load_style
from ...networks.weights import save_weights
from ..checkpoint import write_checkpoint
from ..seeds import STYLE_TRAINING_SEED, TRAINED_ACTORS
from .actors import load_actors

LOG_EVERY = 60
CHECKPOINT_EVERY = 120
EVALUATED_STRIDE = 3
"""Of the vertices, in the evaluation."""


@dataclass(frozen=True)
class StyleConfiguration:
    """One training run.

    Attributes:
        steps: of the optimizer; every step takes one actor in turn.
        learning_rate: of Adam; constant for the first half, then linearly to zero.
    """

    steps: int
    learning_rate: float = 5e-3


CONFIGURATIONS = {"small": StyleConfiguration(30), "cpu": StyleConfiguration(6000), "full": StyleConfiguration(60000)}


def run_style(
    configuration_name: str,
    data: Path,
    directory: Path,
    progress: Callable[[float, str], None],
    start: Path | None = None,
) -> dict[str, float]:
    """Train the styles, or go on with the directory's checkpoint, and evaluate them.

    Args:
        configuration_name: a key of ``CONFIGURATIONS``, or ``tune`` with ``start``.
        data: source data.
        directory: receives the actors, ``checkpoint.pt``, ``log.csv``, ``style.safetensors``, ``metrics.json``.
        progress: called with fraction and sentence.
        start: finished styles, whose features and muscles are kept; only the style input of N_e is solved for anew, which
            is what other weights of the generalized model ask for.

    Returns:
        What ``evaluate_styles`` measured, mm.
    """
    model = load_generalized()
    actors = load_actors(data, directory / "actors")
    if start is not None:
        styles = load_style(start)
        solve_fields(
            model, styles.network, [StyleExamples.of(model, actor, _training(actor)) for actor in actors], progress
        )
        return _leave(model, styles.network, actors, directory)
    trained, new = actors[:TRAINED_ACTORS], actors[TRAINED_ACTORS:]
    network = train_styles(model, trained, CONFIGURATIONS[configuration_name], directory, progress)
    styles = StyleModel(network, {actor.name: network.readout(index) for index, actor in enumerate(trained)})
    readouts = dict(styles.readouts)
    for actor in new:
        examples = StyleExamples.of(model, actor, _training(actor))
        progress(1.0, f"Learning {actor.name} as a new actor")
        readouts[actor.name] = fit_style(model, styles, examples, seed=STYLE_TRAINING_SEED)
    whole = StyleNetwork(len(readouts))
    whole.load_state_dict(
        network.state_dict()
        | {
            "readouts": torch.stack([readout.muscles for readout in readouts.values()]),
            "fields": torch.stack([readout.field for readout in readouts.values()]),
        }
    )
    return _leave(model, whole, actors, directory)


def _leave(
    model: GeneralizedModel, network: StyleNetwork, actors: Sequence[ActorCapture], directory: Path
) -> dict[str, float]:
    """Save the styles of all actors and evaluate them."""
    network.eval().requires_grad_(False)
    names = [actor.name for actor in actors]
    save_weights(network, directory / f"{STYLE_FILE}.safetensors", {"model": STYLE_FILE, "styles": ",".join(names)})
    readouts = {name: network.readout(index) for index, name in enumerate(names)}
    metrics = evaluate_styles(model, StyleModel(network, readouts), actors)
    (directory / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics


@torch.no_grad()
def solve_fields(
    model: GeneralizedModel,
    network: StyleNetwork,
    examples: Sequence[StyleExamples],
    progress: Callable[[float, str], None],
) -> None:
    """Solve for the style input of N_e of all actors, in place."""
    for index, (one, muscles) in enumerate(zip(examples, network.readouts, strict=True)):
        progress(index / len(examples), f"Solving for the style input of N_e, actor {index + 1} of {len(examples)}")
        network.fields[index] = field_readout(model, network, one, muscles)


def train_styles(
    model: GeneralizedModel,
    actors: Sequence[ActorCapture],
    configuration: StyleConfiguration,
    directory: Path,
    progress: Callable[[float, str], None],
) -> StyleNetwork:
    """Learn features that all actors share and a readout of the muscles for each, then solve for the style input of N_e."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(STYLE_TRAINING_SEED)
    network = StyleNetwork(len(actors))
    learned = [*network.crossing.parameters(), *network.crossed.parameters(), network.readouts]
    optimizer = torch.optim.Adam(learned, lr=configuration.learning_rate)
    generator = torch.Generator().manual_seed(STYLE_TRAINING_SEED)
    checkpoint = directory / "checkpoint.pt"
    first = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        first = int(state["step"])
    examples = [StyleExamples.of(model, actor, _training(actor)) for actor in actors]
    price = ridge_weights()
    started, total = time.monotonic(), torch.zeros(2)
    for step in range(first, configuration.steps):
        share = (configuration.steps - step) / configuration.steps
        optimizer.param_groups[0]["lr"] = configuration.learning_rate * min(1.0, 2.0 * share)
        index = step % len(actors)
        readout = network.readouts[index]
        distance, overshoot = style_loss(model, network, readout, examples[index], generator)
        penalty = RIDGE / (FRAMES * POINTS) * (price * readout.square()).sum()
        optimizer.zero_grad(set_to_none=True)
        (distance + overshoot + penalty).backward()
        optimizer.step()
        total += torch.stack([distance, penalty]).detach()
        done = step + 1
        if done % LOG_EVERY == 0 or done == configuration.steps:
            counted = (done - 1) % LOG_EVERY + 1
            row = {
                "step": done,
                "seconds": round(time.monotonic() - started, 1),
                "distance_mm": float(total[0] / counted) ** 0.5,
                "penalty": float(total[1] / counted),
            }
            total = torch.zeros(2)
            _append(directory / "log.csv", row)
            left = row["seconds"] / (done - first) * (configuration.steps - done)
            progress(done / configuration.steps, f"step {done}  {row['distance_mm']:.3f} mm  {left / 60:.0f} min left")
        if done % CHECKPOINT_EVERY == 0 or done == configuration.steps:
            state = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(),
                "step": done,
            }
            write_checkpoint(checkpoint, state)
    network.eval().requires_grad_(False)
    network.readouts.mul_(MUSCLE_SHARE)
    solve_fields(model, network, examples, progress)
    return network


@torch.inference_mode()
def evaluate_styles(
    model: GeneralizedModel, styles: StyleModel, actors: Sequence[ActorCapture], stride: int = EVALUATED_STRIDE
) -> dict[str, float]:
    """Mean vertex errors in mm on the held-out performances: linear rig, no style, and each actor's style."""
    errors: dict[str, list[torch.Tensor]] = {"linear_rig": [], "without_style": [], "unified": [], "new_actors": []}
    for index, actor in enumerate(actors):
        held_out = [name for name in actor.sequences if name.startswith("held_out")]
        examples = StyleExamples.of(model, actor, held_out)
        vertices = torch.arange(0, len(actor.neutral), stride)
        asked, shown = (values[examples.shape_count :] for values in (examples.asked, examples.shown))
        kind = "unified" if index < TRAINED_ACTORS else "new_actors"
        muscles, style = styles.network(asked, styles.readouts[actor.name])
        performed = {"without_style": (asked, torch.zeros_like(style)), kind: (muscles.clamp(0.0, 1.0), style)}
        for name, (muscles, style) in performed.items():
            for rows in torch.arange(len(asked)).split(25):
                found = displacement(model, styles.network, examples, muscles[rows], style[rows], vertices)
                errors[name].append((found - shown[rows][:, vertices]).norm(dim=-1).mean(dim=1))
        for name in held_out:
            positions = actor.sequences[name].positions
            rig = torch.as_tensor(actor.linear_rig(actor.blendweights(positions)) - positions)
            if kind == "unified":
                errors["linear_rig"].append(rig.norm(dim=-1).mean(dim=1))
    return {f"{name}_mm": float(torch.cat(values).mean()) for name, values in errors.items()}


def _training(actor: ActorCapture) -> list[str]:
    return [name for name in actor.sequences if name.startswith("training")]


def _append(file: Path, row: dict[str, float]) -> None:
    fresh = not file.is_file()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
