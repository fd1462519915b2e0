"""What an actor would show elsewhere than in the capture."""

import torch

from physface_blender.fitting.style_regression import StyleRegression

SHAPES, POINTS = 5, 7


def _capture(frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Blendweights of shapes and frames, what they move, and what the frames move more than the linear rig."""
    generator = torch.Generator().manual_seed(0)
    blendweights = torch.cat([torch.eye(SHAPES), torch.rand(frames, SHAPES, generator=generator)])
    shapes, bent = torch.randn(2, SHAPES, 3 * POINTS, generator=generator)
    more = (blendweights - blendweights.square()) @ bent
    return blendweights, (blendweights @ shapes + more).unflatten(1, (POINTS, 3)), more


def test_a_handful_of_shapes_gives_the_linear_rig():
    """With nothing else to go by."""
    blendweights, moved, _ = _capture(0)
    regression = StyleRegression.of(blendweights, moved)
    torch.testing.assert_close(regression(0.5 * blendweights), 0.5 * moved)


def test_frames_correct_the_linear_rig():
    """Most of what a linear rig lacks is found, where there are frames enough to outweigh the ridge."""
    blendweights, moved, more = _capture(3000)
    left = (StyleRegression.of(blendweights, moved)(blendweights) - moved).flatten(1)
    assert left.square().mean() < 0.05 * more.square().mean()


def test_drawn_blendweights_are_possible_ones():
    """In 0..1, the same for the same seed, and not those of the frames."""
    blendweights, moved, _ = _capture(20)
    regression = StyleRegression.of(blendweights, moved)
    drawn = regression.draw(200, torch.Generator().manual_seed(1))
    assert drawn.shape == (200, SHAPES)
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert torch.equal(drawn, regression.draw(200, torch.Generator().manual_seed(1)))
    assert torch.cdist(drawn, regression.performed).min() > 0.0
