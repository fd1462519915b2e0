"""Expressions that an actor was not captured in: an actor that answers in a straight way is told right."""

import torch

from physface_blender.training.style.drawn_frames import with_drawn_frames
from physface_blender.training.style.passive import PassiveTensors

FRAMES, DRAWN = 60, 10


def test_a_straight_actor_is_told_right():
    """Tensors, nodes and skin that are linear in the blendweights stay so where nothing was captured; the jaw is rigid."""
    generator = torch.Generator().manual_seed(0)
    expression = torch.cat([torch.eye(19), torch.rand(FRAMES, 19, generator=generator)])

    def straight(*shape: int) -> torch.Tensor:
        return torch.tensordot(expression, torch.randn(19, *shape, generator=generator), dims=1)

    tensors, displacement, moved = straight(5, 6), straight(7, 3), straight(4, 3)
    angle = 0.3 * expression[:, 0]
    jaw = torch.eye(4).repeat(len(expression), 1, 1)
    jaw[:, 1, 1] = jaw[:, 2, 2] = angle.cos()
    jaw[:, 2, 1], jaw[:, 1, 2] = angle.sin(), -angle.sin()
    captured = PassiveTensors(expression, tensors, 50.0 + moved, jaw, displacement, ["training"], [FRAMES])
    taught = with_drawn_frames(captured, torch.full((4, 3), 50.0), DRAWN)
    assert taught.shape_count == 19
    assert len(taught.expression) == len(expression) + DRAWN
    asked = taught.expression[-DRAWN:]
    for name, values in (("tensors", tensors), ("displacement", displacement), ("nodes", 50.0 + moved)):
        found = getattr(taught, name)
        assert torch.equal(found[:-DRAWN], values)
        shapes = values[:19] - (50.0 if name == "nodes" else 0.0)
        wanted = torch.tensordot(asked, shapes, dims=1) + (50.0 if name == "nodes" else 0.0)
        assert (found[-DRAWN:] - wanted).abs().max() < 0.05 * (values - values.mean()).abs().max()
    turn = taught.jaw[-DRAWN:, :3, :3]
    assert torch.allclose(turn @ turn.mT, torch.eye(3).expand(DRAWN, 3, 3), atol=1e-5)
    assert (torch.atan2(turn[:, 2, 1], turn[:, 1, 1]) - 0.3 * asked[:, 0]).abs().max() < 0.03
