"""The second stage of the style model's training, on a block of tissue."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from physface_blender.networks.actuation import ActuationModel
from physface_blender.training.style import stage_two
from physface_blender.training.style.passive import PassiveTensors
from physface_blender.training.style.stage_one import CONFIGURATIONS, VARIANTS, Budget, Lesson
from physface_blender.training.style.stage_two import SingleFrames, frame_gradient, run_stage_two
from physface_blender.training.style.stage_two_batch import ManyFrames

from .performers import BlockPerformer


@pytest.fixture(scope="module")
def performer() -> BlockPerformer:
    return BlockPerformer()


def _bulge(performer: BlockPerformer, amount: float) -> np.ndarray:
    """The skin (P, 3) of a block that grows by a share of its height."""
    tensors = np.tile(np.diag([1.0, 1.0 + amount, 1.0]), (len(performer.cell_coordinates), 1, 1))
    return performer.place_skin(performer.active.solve(tensors, np.eye(4), iterations=200))


def test_tensors_change_the_distance_as_the_gradient_says(performer):
    """Along a random direction of the tensors; by central differences of the rounded distance."""
    random = np.random.default_rng(0)
    tensors = np.tile(np.eye(3), (len(performer.cell_coordinates), 1, 1))
    direction = 0.1 * random.standard_normal(tensors.shape)
    direction += np.swapaxes(direction, 1, 2)
    wanted = _bulge(performer, 0.3) - performer.actor.neutral

    def loss(tensors):
        nodes = performer.active.solve(tensors, np.eye(4), iterations=300)
        gap = performer.place_skin(nodes) - performer.actor.neutral - wanted
        return np.sqrt((gap**2).sum(axis=1) + stage_two.ROUNDING_MM**2).mean()

    step = 1e-2
    central = (loss(tensors + step * direction) - loss(tensors - step * direction)) / (2.0 * step)
    frame = frame_gradient(performer, tensors, np.eye(4), wanted, performer.nodes, 300)
    # Two iterations of the adjoint leave a few hundredths.
    assert (frame.by_tensors * direction).sum() == pytest.approx(central, rel=0.05)


@pytest.mark.parametrize("many", [False, True])
def test_second_stage_brings_the_skin_nearer(performer, many, tmp_path, monkeypatch):
    """Expressions that make a block grow are learned from its skin alone, one frame a step or many."""
    monkeypatch.setattr(stage_two, "DRAWN_CELLS", 24)
    amounts = np.linspace(0.0, 0.3, 24)
    expression = torch.zeros(24, 19)
    expression[:, 0] = torch.as_tensor(amounts, dtype=torch.float32) / 0.3
    shown = np.stack([_bulge(performer, amount) for amount in amounts]) - performer.actor.neutral
    count = len(performer.cell_coordinates)
    tensors = PassiveTensors(
        expression,
        torch.zeros(24, count, 6),
        torch.as_tensor(performer.nodes, dtype=torch.float32).expand(24, -1, -1).clone(),
        torch.eye(4).expand(24, 4, 4),
        torch.as_tensor(shown, dtype=torch.float32),
        ["training"],
        [24],
    )
    variant = VARIANTS["model_cswl"]
    configuration = replace(CONFIGURATIONS["small"], second=Budget(150), second_rate=3e-3)
    torch.manual_seed(0)
    model, lessons = ActuationModel(variant.settings(1, 16)), [Lesson(performer, tensors)]
    take = ManyFrames(lessons, variant, 4, torch.device("cpu")) if many else SingleFrames(lessons, variant)
    run_stage_two(model, take, variant, configuration, tmp_path, lambda share, text: None)
    with (tmp_path / "log_two.csv").open(encoding="utf-8") as stream:
        distances = [float(row["distance_mm"]) for row in csv.DictReader(stream)]
    assert np.mean(distances[-3:]) < 0.4 * np.mean(distances[:2])
