"""The style model's training: canonical maps, the first stage, what is measured."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from physface_blender.networks.actuation import ActuationModel
from physface_blender.training.style import stage_one
from physface_blender.training.style.canonical_maps import measure_map, train_canonical_map
from physface_blender.training.style.passive import PassiveTensors
from physface_blender.training.style.reconstruction import interpolation_steps, silhouette
from physface_blender.training.style.stage_one import CONFIGURATIONS, VARIANTS, Budget, Lesson, train_stage_one


@pytest.mark.slow
def test_canonical_map_learns_a_smooth_warp():
    """A bend and a scale of a head's size, from surface points; the tissue between stays nearly undistorted."""
    random = np.random.default_rng(0)
    directions = random.standard_normal((1500, 3))
    surface = 60.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    inside = surface * random.uniform(0.7, 1.0, size=(len(surface), 1))

    def warp(points):
        return 1.05 * points + np.stack(
            [0.001 * points[:, 1] ** 2, np.zeros(len(points)), np.zeros(len(points))], axis=1
        )

    statistics = measure_map(
        train_canonical_map(surface, warp(surface), inside, iterations=200), surface, warp(surface), inside
    )
    assert statistics.vertex_error_mm.mean() < 0.5
    assert np.linalg.norm(warp(surface) - surface, axis=1).mean() > 3.0
    assert 1.0 < statistics.determinant.mean() < 1.05**3 * 1.05
    assert statistics.singular_ratio.max() < 1.3


class _Performer:
    """What the first stage reads of a performer, made up."""

    def __init__(self, count: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.cell_coordinates = 0.5 * torch.randn(count, 4, generator=generator)
        self.cell_own = self.cell_coordinates + 0.1
        self.cell_rotations = torch.eye(3).expand(count, 3, 3)
        self.skin_coordinates = self.cell_coordinates[:50]
        self.skin_rotations = self.cell_rotations[:50]


def _lesson() -> Lesson:
    """Tensors that are a smooth function of place and expression."""
    performer, frames = _Performer(200), 30
    generator = torch.Generator().manual_seed(1)
    expression = torch.cat([torch.eye(19), torch.rand(frames - 19, 19, generator=generator)])
    place = performer.cell_coordinates.sum(-1)
    tensors = 0.1 * torch.sin(3.0 * place)[None, :, None] * expression[:, :6].unsqueeze(1)
    displacement = 5.0 * tensors[:, :50, :3]
    jaw = torch.eye(4).expand(frames, 4, 4)
    nodes = torch.zeros(frames, 1, 3)
    return Lesson(performer, PassiveTensors(expression, tensors, nodes, jaw, displacement, ["training"], [frames - 19]))


@pytest.mark.parametrize("name", ["model_cswl", "model_n", "displacement", "yang_2022"])
def test_first_stage_learns(name, tmp_path):
    """Losses fall."""
    configuration = replace(CONFIGURATIONS["small"], first=Budget(200), points=64, width=24, learning_rate=5e-3)
    lessons, variant = [_lesson()], VARIANTS[name]
    model = train_stage_one(lessons, variant, configuration, tmp_path / "whole", lambda share, text: None)
    assert isinstance(model, ActuationModel)
    with (tmp_path / "whole" / "log.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    learned = "displacement" if variant.displacement else "tensor"
    assert float(rows[-1][learned]) < 0.7 * float(rows[0][learned])


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    """Stopped after a checkpoint and started again, it ends with the weights of a run in one go."""
    monkeypatch.setattr(stage_one, "CHECKPOINT_EVERY", 40)
    configuration = replace(CONFIGURATIONS["small"], first=Budget(100), points=16, width=8)
    lessons, variant = [_lesson()], VARIANTS["model_cswl"]

    def stop(share: float, text: str) -> None:
        if share >= 0.5:
            raise KeyboardInterrupt

    whole = train_stage_one(lessons, variant, configuration, tmp_path / "whole", lambda share, text: None)
    with pytest.raises(KeyboardInterrupt):
        train_stage_one(lessons, variant, configuration, tmp_path / "cut", stop)
    again = train_stage_one(lessons, variant, configuration, tmp_path / "cut", lambda share, text: None)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


def test_silhouette():
    """Near 1 for far apart clusters, about 0 for mixed ones, against the definition."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    mixed = random.standard_normal((120, 5))
    apart = mixed + 100.0 * labels[:, None]
    assert silhouette(apart, labels) > 0.95
    assert abs(silhouette(mixed, labels)) < 0.05
    points, two = np.array([[0.0], [1.0], [10.0], [12.0]]), np.array([0, 0, 1, 1])
    expected = np.mean([1 - 1 / 11, 1 - 1 / 10, 1 - 2 / 9.5, 1 - 2 / 11.5])
    assert silhouette(points, two) == pytest.approx(expected)


def test_interpolation_steps():
    """1 for even steps, the number of steps for a jump."""
    line = np.array([1.0, 0.0, 0.0])
    even = [weight * line[None] for weight in np.linspace(0, 4, 5)]
    jump = [weight * line[None] for weight in (0.0, 0.0, 0.0, 4.0, 4.0)]
    assert interpolation_steps(even) == pytest.approx(1.0)
    assert interpolation_steps(jump) == pytest.approx(4.0)
