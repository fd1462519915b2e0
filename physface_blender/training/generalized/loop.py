"""The training loop of the generalized model: resumable, with progress, a CSV log and checkpoints."""

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...networks.generalized import GeneralizedNetwork
from ...networks.weights import load_weights, save_weights
from ..checkpoint import write_checkpoint
from ..expressions import ExpressionSampler
from ..seeds import TRAINING_LOOP_SEED, training_identities
from .configuration import Configuration
from .objective import Objective
from .optimization import Optimization
from .workers import Workers

LOG_EVERY = 50
LEARNING_RATE_CONSTANT_SHARE = 0.5
WARM_UP_STEPS = 200
MOST_EXPRESSIONS = 131072
"""Drawn before the training; from then on a step chooses among them."""
RANK_SEED_STEP = 1_000_000
"""Between the seeds of processes that train together: more than there are steps, which a resumed run adds to them."""


class TrainingDivergedError(RuntimeError):
    """The losses are no numbers any more."""

    def __init__(self, step: int, learning_rate: float) -> None:
        """Say where it happened and what to do."""
        super().__init__(
            f"The training diverged before step {step}: its losses are not finite. Give the configuration a smaller "
            f"learning rate than {learning_rate:g} and train into a new folder."
        )


def learning_rate_factor(step: int, iterations: int) -> float:
    """Share of the initial rate at a step: constant for the first half, then linearly to zero (paper, section 5).

    Our rate is ten times the paper's and therefore rises over the first steps.
    """
    constant = LEARNING_RATE_CONSTANT_SHARE * iterations
    return min((step + 1) / WARM_UP_STEPS, 1.0, max(0.0, (iterations - step) / (iterations - constant)))


def train(
    objective: Objective,
    expressions: ExpressionSampler,
    configuration: Configuration,
    directory: Path,
    *,
    workers: Workers,
    progress: Callable[[float, str], None],
    start: Path | None = None,
) -> GeneralizedNetwork:
    """Train, or go on from the directory's checkpoint.

    Half of every batch are identities of the training set, half are drawn anew (our deviation: our captures are
    synthetic, and 336 points of a 100-dimensional space alone are learned by heart).

    Args:
        objective: the losses.
        expressions: what to draw expressions from.
        configuration: sizes and schedule.
        directory: receives ``checkpoint.pt`` (network, optimizer, step), ``log.csv``,
            ``generalized.safetensors``.
        workers: the processes that train together; the first one writes the files and tells the progress.
        progress: called with the finished fraction and a sentence with losses and time left.
        start: weights to start from instead of fresh ones.

    Returns:
        The trained network.

    Raises:
        TrainingDivergedError: the losses are no numbers any more.
    """
    directory.mkdir(parents=True, exist_ok=True)
    device, batch = workers.device, workers.share(configuration.batch)
    torch.manual_seed(TRAINING_LOOP_SEED)
    network = GeneralizedNetwork()
    if start is not None:
        load_weights(network, "generalized", start)
    network.to(device)
    identities = torch.as_tensor(training_identities(), dtype=torch.float32, device=device)
    checkpoint = directory / "checkpoint.pt"
    first = 0
    state = None
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        first = int(state["step"])
    generator = torch.Generator(device).manual_seed(TRAINING_LOOP_SEED + RANK_SEED_STEP * workers.rank + first)
    drawn = expressions.draw(
        np.random.default_rng((TRAINING_LOOP_SEED, first, workers.rank)),
        min(MOST_EXPRESSIONS, batch * max(1, configuration.iterations - first)),
    )
    performed = torch.as_tensor(drawn, device=device)
    workers.same_start(network)

    def choose(rows: torch.Tensor, count: int) -> torch.Tensor:
        return rows[torch.randint(len(rows), (count,), generator=generator, device=device)]

    optimization = Optimization(network, objective, configuration.learning_rate, workers)
    if state is not None:
        optimization.load(state["optimizer"])
    started = time.monotonic()
    for step in range(first, configuration.iterations):
        fresh = torch.randn(batch // 2, identities.shape[1], generator=generator, device=device)
        people = torch.cat([fresh, choose(identities, batch - batch // 2)])
        lesson = objective.draw(people, choose(performed, batch), generator)
        optimization.step(lesson, configuration.learning_rate * learning_rate_factor(step, configuration.iterations))

        done = step + 1
        if done % LOG_EVERY == 0 or done == configuration.iterations:
            means = optimization.mean_losses()
            if not all(map(math.isfinite, means.values())):
                raise TrainingDivergedError(done, configuration.learning_rate)
            elapsed = time.monotonic() - started
            remaining = elapsed / (done - first) * (configuration.iterations - done)
            shown = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
            if workers.is_first:
                _append_log(directory / "log.csv", {"step": done, "seconds": round(elapsed, 1), **means})
                progress(done / configuration.iterations, f"step {done}  {shown}  {remaining / 60:.0f} min left")
        if not workers.is_first:
            continue
        if done % configuration.checkpoint_every == 0 or done == configuration.iterations:
            state = {
                "network": network.state_dict(),
                "optimizer": optimization.optimizer.state_dict(),
                "step": done,
            }
            write_checkpoint(checkpoint, state)
            save_weights(
                network, directory / "generalized.safetensors", {"model": "generalized", "training_step": str(done)}
            )
    return network


def _append_log(file: Path, row: dict[str, float]) -> None:
    fresh = not file.is_file()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
