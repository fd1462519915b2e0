"""One process of a training that torch's launcher starts; ``test_training_processes`` does so."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from physface_blender.training.generalized.configuration import CONFIGURATIONS
from physface_blender.training.generalized.loop import train
from physface_blender.training.generalized.workers import Workers


class NeutralObjective:
    """The network's rest shape is to be the identity map, and half of every batch is seen."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def draw(self, identities, expressions, generator):
        self.seen.append(float(identities[-1, 0]))
        return identities, expressions, 50.0 * torch.rand(len(identities), 16, 3, generator=generator)

    def losses(self, network, lesson):
        identities, expressions, points = lesson
        code = network.identity_encoder(identities) + network.encode_expression(expressions).mean()
        return {"identity": (network.rest(points, code) - 1.02 * points).square().mean()}


class Expressions:
    """Draws random weights."""

    def draw(self, generator, count):
        return generator.random((count, 52), dtype="float32")


def main() -> None:
    """Train in the folder that is named, for as many steps as are named, and tell what this process has."""
    folder, iterations = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    workers = Workers.join()
    objective, told = NeutralObjective(), []
    configuration = replace(CONFIGURATIONS["small"], iterations=iterations, batch=4, checkpoint_every=10)
    network = train(
        objective, Expressions(), configuration, folder, workers=workers, progress=lambda *words: told.append(words)
    )
    weights = torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])
    facts = {
        "count": workers.count,
        "share": workers.share(4),
        "weights": weights.double().sum().item(),
        "largest": weights.abs().max().item(),
        "seen": objective.seen,
        "told": len(told),
    }
    (folder / f"rank_{workers.rank}.json").write_text(json.dumps(facts))
    workers.leave()


if __name__ == "__main__":
    main()
