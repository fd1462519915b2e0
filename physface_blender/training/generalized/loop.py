"""The training loop of the generalized model: resumable, with progress, a CSV log and checkpoints."""

import csv
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
from .workers import Workers

LOG_EVERY = 50
LEARNING_RATE_CONSTANT_SHARE = 0.5
WARM_UP_STEPS = 200
GRADIENT_NORM_LIMIT = 1.0
"""Without it a run of ours diverged at step 5700 from a few extreme expressions in a row."""
RANK_SEED_STEP = 1_000_000
"""Between the seeds of processes that train together: more than there are steps, which a resumed run adds to them."""


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
    """
    directory.mkdir(parents=True, exist_ok=True)
    device, batch = workers.device, workers.share(configuration.batch)
    torch.manual_seed(TRAINING_LOOP_SEED)
    network = GeneralizedNetwork()
    if start is not None:
        load_weights(network, "generalized", start)
    network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=configuration.learning_rate)
    identity_branch = [*network.identity_encoder.parameters(), *network.identity_field.parameters()]
    expression_branch = [*network.expression_encoder.parameters(), *network.expression_field.parameters()]
    identities = torch.as_tensor(training_identities(), dtype=torch.float32, device=device)
    points_generator = torch.Generator().manual_seed(TRAINING_LOOP_SEED + RANK_SEED_STEP * workers.rank)
    expression_generator = np.random.default_rng((TRAINING_LOOP_SEED, 0, workers.rank))
    checkpoint = directory / "checkpoint.pt"
    first = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        first = int(state["step"])
        points_generator.manual_seed(TRAINING_LOOP_SEED + RANK_SEED_STEP * workers.rank + first)
        expression_generator = np.random.default_rng((TRAINING_LOOP_SEED, first, workers.rank))
    workers.same_start(network)

    started = time.monotonic()
    totals: dict[str, float] = {}
    for step in range(first, configuration.iterations):
        for group in optimizer.param_groups:
            group["lr"] = configuration.learning_rate * learning_rate_factor(step, configuration.iterations)
        chosen = torch.randint(len(identities), (batch,), generator=points_generator)
        weights = torch.as_tensor(expressions.draw(expression_generator, batch), device=device)
        batch_identities = identities[chosen]
        fresh = batch // 2
        batch_identities[:fresh] = torch.randn(fresh, identities.shape[1], generator=points_generator).to(device)
        losses = objective.losses(network, batch_identities, weights, points_generator)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        workers.average_gradients(network.parameters())
        # The two fields do not share a gradient, so a spike in one must not slow down the other.
        for branch in (identity_branch, expression_branch):
            torch.nn.utils.clip_grad_norm_(branch, GRADIENT_NORM_LIMIT)
        optimizer.step()

        for name, loss in losses.items():
            totals[name] = totals.get(name, 0.0) + float(loss.detach())
        done = step + 1
        if done % LOG_EVERY == 0 or done == configuration.iterations:
            counted = (done - 1) % LOG_EVERY + 1
            means = workers.average({name: total / counted for name, total in totals.items()})
            totals = {}
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
                "optimizer": optimizer.state_dict(),
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
