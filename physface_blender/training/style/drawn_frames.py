"""Expressions that an actor was not captured in, with what the actor's own regression says of them.

Captures are short. A network that knows 19 shapes and 90 frames of an actor learns them by heart and goes astray between
them: on the validation its error was twice that of straight least squares on the blendweights. So that regression
teaches it what it was not shown, as it teaches the styles of the generalized model (``fitting.style_regression``).
"""

from dataclasses import replace

import torch

from ...fitting.style_regression import StyleRegression
from ..generalized.losses import closest_rotation
from ..seeds import STYLE_TRAINING_SEED
from .passive import PassiveTensors

DRAWN = 200
"""Of each actor, beside some hundred captured ones."""


def with_drawn_frames(captured: PassiveTensors, rest: torch.Tensor, count: int = DRAWN) -> PassiveTensors:
    """The same with drawn expressions behind the captured ones; their tensors, nodes, jaw and skin are regressed.

    Args:
        captured: what one actor's tissue did.
        rest: (N, 3) nodes of the still face, mm.
        count: of the drawn expressions.
    """
    everything = {
        "tensors": captured.tensors,
        "nodes": captured.nodes - rest,
        "jaw": captured.jaw[:, :3] - torch.eye(4)[:3],
        "displacement": captured.displacement,
    }
    sizes = [values[0].numel() for values in everything.values()]
    together = torch.cat([values.flatten(1) for values in everything.values()], dim=1)
    regression = StyleRegression.of(captured.expression, together[:, :, None])
    drawn = regression.draw(count, torch.Generator().manual_seed(STYLE_TRAINING_SEED))
    found = regression(drawn).flatten(1).split(sizes, dim=1)
    tensors, nodes, jaw, displacement = (
        part.unflatten(1, values.shape[1:]) for part, values in zip(found, everything.values(), strict=True)
    )
    motion = torch.eye(4).repeat(count, 1, 1)
    motion[:, :3] += jaw
    motion[:, :3, :3] = closest_rotation(motion[:, :3, :3])
    return replace(
        captured,
        expression=torch.cat([captured.expression, drawn]),
        tensors=torch.cat([captured.tensors, tensors]),
        nodes=torch.cat([captured.nodes, rest + nodes]),
        jaw=torch.cat([captured.jaw, motion]),
        displacement=torch.cat([captured.displacement, displacement]),
    )
