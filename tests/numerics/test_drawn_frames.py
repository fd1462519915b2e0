"""Expressions that an actor was not captured in: an actor that answers in a straight way is told right."""

import numpy as np
import pytest
import torch

from physface_blender.networks.actuation import symmetric_tensor
from physface_blender.training.style.drawn_frames import with_drawn_frames
from physface_blender.training.style.passive import PassiveTensors

from .performers import BlockPerformer

FRAMES, DRAWN = 60, 10


@pytest.fixture(scope="module")
def performer() -> BlockPerformer:
    return BlockPerformer()


def _captured(performer: BlockPerformer) -> PassiveTensors:
    """Skin that slides and rises in proportion to two blendweights, and a jaw that turns with a third."""
    generator = torch.Generator().manual_seed(0)
    expression = torch.cat([torch.eye(19), torch.rand(FRAMES, 19, generator=generator)])
    count, cells = len(expression), len(performer.passive.cell_volumes)
    slide, rise = torch.tensor([0.8, 0.0, 0.0]), torch.tensor([0.0, 1.2, 0.0])
    moved = expression[:, 1, None] * slide + expression[:, 2, None] * rise
    angle = 0.3 * expression[:, 0]
    jaw = torch.eye(4).repeat(count, 1, 1)
    jaw[:, 1, 1] = jaw[:, 2, 2] = angle.cos()
    jaw[:, 2, 1], jaw[:, 1, 2] = angle.sin(), -angle.sin()
    nodes = torch.as_tensor(performer.active.rest_nodes, dtype=torch.float32).repeat(count, 1, 1)
    displacement = moved[:, None].expand(-1, len(performer.carried), -1)
    return PassiveTensors(expression, torch.zeros(count, cells, 6), nodes, jaw, displacement, ["training"], [FRAMES])


def test_a_straight_actor_is_told_right(performer, tmp_path):
    """Skin and jaw stay in proportion where nothing was captured, and the tensors alone lead to about that skin."""
    captured = _captured(performer)
    taught = with_drawn_frames(performer, captured, tmp_path, DRAWN)
    assert taught.shape_count == 19
    assert len(taught.expression) == len(taught.tensors) == len(taught.nodes) == len(captured.expression) + DRAWN
    assert torch.equal(taught.displacement[:-DRAWN], captured.displacement)
    asked, shown = taught.expression[-DRAWN:], taught.displacement[-DRAWN:]
    wanted = torch.stack([0.8 * asked[:, 1], 1.2 * asked[:, 2], torch.zeros(DRAWN)], dim=1)[:, None]
    assert (shown - wanted).abs().max() < 0.05
    turn = taught.jaw[-DRAWN:, :3, :3]
    assert torch.allclose(turn @ turn.mT, torch.eye(3).expand(DRAWN, 3, 3), atol=1e-5)
    assert (torch.atan2(turn[:, 2, 1], turn[:, 1, 1]) - 0.3 * asked[:, 0]).abs().max() < 0.03
    moved = float(shown.norm(dim=-1).mean())
    assert moved > 0.2
    for tensors, nodes, skin in zip(taught.tensors[-DRAWN:], taught.nodes[-DRAWN:], shown, strict=True):
        pose = performer.active.solve(symmetric_tensor(tensors).double().numpy(), np.eye(4), None, None, 100)
        for found in (performer.skin @ nodes.double().numpy(), performer.skin @ pose):
            gap = found - performer.actor.neutral - skin.double().numpy()
            assert np.linalg.norm(gap, axis=1).mean() < 0.3 * moved


def test_drawn_frames_are_made_once(performer, tmp_path):
    """What an earlier call left is read again."""
    captured = _captured(performer)
    first = with_drawn_frames(performer, captured, tmp_path, DRAWN)
    assert (tmp_path / f"block_drawn_{DRAWN}.pt").is_file()
    again = with_drawn_frames(performer, captured, tmp_path, DRAWN)
    assert all(torch.equal(getattr(first, name), getattr(again, name)) for name in ("tensors", "nodes", "jaw"))
