"""Expressions that an actor was not captured in, with what the actor's own regression says of them.

Captures are short. A network that knows 19 shapes and 90 frames of an actor learns them by heart and goes astray between
them: on the validation its error was twice that of straight least squares on the blendweights. So that regression
teaches it what it was not shown, as it teaches the styles of the generalized model (``fitting.style_regression``). What is
regressed is skin and jaw; tensors come from passive simulation of that skin, as those of the captures do, because tensors
are by far not as straight in the blendweights as skin is (regressed themselves, they played the held-out frames with an
error of 0.49 mm, the regressed skin has 0.29).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...fitting.style_regression import StyleRegression
from ..generalized.losses import closest_rotation
from ..seeds import STYLE_TRAINING_SEED
from .passive import PassiveTensors, drag
from .performer import Performer

DRAWN = 200
"""Of each actor, beside some hundred captured ones."""


def with_drawn_frames(
    performer: Performer, captured: PassiveTensors, folder: Path, count: int = DRAWN
) -> PassiveTensors:
    """The same with drawn expressions behind the captured ones, simulated, or read from what an earlier call left.

    Args:
        performer: the actor.
        captured: what the actor's tissue did.
        folder: where the drawn ones are kept.
        count: of the drawn expressions.
    """
    file = folder / f"{performer.actor.name}_drawn_{count}.pt"
    if file.is_file():
        drawn = torch.load(file, weights_only=True)
    else:
        drawn = _draw(performer, captured, count)
        torch.save(drawn, file)
    return replace(captured, **{name: torch.cat([getattr(captured, name), values]) for name, values in drawn.items()})


def _draw(performer: Performer, captured: PassiveTensors, count: int) -> dict[str, torch.Tensor]:
    everything = {"jaw": captured.jaw[:, :3] - torch.eye(4)[:3], "displacement": captured.displacement}
    sizes = [values[0].numel() for values in everything.values()]
    together = torch.cat([values.flatten(1) for values in everything.values()], dim=1)
    regression = StyleRegression.of(captured.expression, together[:, :, None])
    expression = regression.draw(count, torch.Generator().manual_seed(STYLE_TRAINING_SEED))
    found = regression(expression).flatten(1).split(sizes, dim=1)
    jaw, displacement = (
        part.unflatten(1, values.shape[1:]) for part, values in zip(found, everything.values(), strict=True)
    )
    motion = torch.eye(4).repeat(count, 1, 1)
    motion[:, :3] += jaw
    motion[:, :3, :3] = closest_rotation(motion[:, :3, :3])
    neutral = performer.actor.neutral[performer.carried]
    dragged = [
        drag(performer, neutral + moved, performer.jaw_from_canonical(turned), None)
        for moved, turned in zip(displacement.double().numpy(), motion.double().numpy(), strict=True)
    ]
    nodes, tensors = zip(*dragged, strict=True)
    return {
        "expression": expression,
        "tensors": torch.stack(tensors),
        "nodes": torch.as_tensor(np.stack(nodes), dtype=torch.float32),
        "jaw": motion,
        "displacement": displacement,
    }
