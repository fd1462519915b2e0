"""Tensors to begin the training with: every captured frame by passive simulation (paper 001, section 7.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from .performer import Performer

Array = npt.NDArray[np.float64]

FRAME_STRIDE = 2
"""Of the captured performances: seven or eight frames a second."""
FIRST_ITERATIONS, NEXT_ITERATIONS = 25, 8
"""Local and global steps from rest, and from the frame before."""
STRETCH_RANGE = (0.4, 2.5)
"""Lips that pass through each other in the captures stretch cells beyond all measure; no muscle does that."""


@dataclass(frozen=True, eq=False)
class PassiveTensors:
    """What one actor's tissue did; F frames, E cells.

    Attributes:
        expression: (F, 19) blendweights; static shapes first.
        tensors: (F, E, 6) stretch minus I in the actor's material space, order xx, yy, zz, yz, xz, xy.
        nodes: (F, N, 3) mm.
        jaw: (F, 4, 4) motion of the mandible in canonical jaw coordinates.
        displacement: (F, P, 3) mm, of the carried skin as it was captured.
        performances: names of the performances, in their order.
        lengths: (performances,) how many frames of each.
    """

    expression: torch.Tensor
    tensors: torch.Tensor
    nodes: torch.Tensor
    jaw: torch.Tensor
    displacement: torch.Tensor
    performances: list[str]
    lengths: list[int]

    @property
    def shape_count(self) -> int:
        """How many of the frames are static shapes."""
        return self.expression.shape[1]


def passive_tensors(performer: Performer, folder: Path, tell: Callable[[str], None]) -> PassiveTensors:
    """Simulate all static shapes and training performances of an actor, or read what an earlier call left."""
    actor = performer.actor
    file = folder / f"{actor.name}_tensors.pt"
    if file.is_file():
        return PassiveTensors(**torch.load(file, weights_only=True))
    expressions, tensors, placed, jaws, displacements, lengths = [], [], [], [], [], {}

    def add(positions: Array, jaw: Array, start: Array | None) -> Array:
        skin = positions[performer.carried]
        nodes, found = drag(performer, skin, jaw, start)
        tensors.append(found)
        placed.append(nodes)
        jaws.append(performer.jaw_to_canonical(jaw))
        displacements.append(skin - actor.neutral[performer.carried])
        return nodes

    expressions.append(np.eye(len(actor.shapes)))
    for shape, jaw in zip(actor.shapes, actor.shape_jaw, strict=True):
        add(actor.neutral + shape, jaw, None)
    for name, sequence in actor.sequences.items():
        if not name.startswith("training"):
            continue
        positions, motions = sequence.positions[::FRAME_STRIDE], sequence.jaw[::FRAME_STRIDE]
        expressions.append(actor.blendweights(positions))
        lengths[name] = len(positions)
        start = None
        for position, motion in zip(positions, motions, strict=True):
            start = add(position, motion, start)
        tell(f"{actor.name}: {name} simulated")
    result = {
        "expression": _tensor(np.concatenate(expressions)),
        "tensors": torch.stack(tensors),
        "nodes": _tensor(np.stack(placed)),
        "jaw": _tensor(np.stack(jaws)),
        "displacement": _tensor(np.stack(displacements)),
        "performances": list(lengths),
        "lengths": list(lengths.values()),
    }
    torch.save(result, file)
    return PassiveTensors(**result)


def drag(performer: Performer, skin: Array, jaw: Array, start: Array | None) -> tuple[Array, torch.Tensor]:
    """Nodes (N, 3) in mm and tensors minus I (E, 6) of tissue that is dragged by its skin.

    Args:
        performer: whose tissue.
        skin: (P, 3) mm, the carried vertices.
        jaw: (4, 4) in the actor's own coordinates.
        start: nodes of the frame before; None begins at rest.
    """
    tissue = performer.passive
    still = np.tile(np.eye(3), (len(tissue.cell_volumes), 1, 1))
    nodes = tissue.solve(still, jaw, skin, start, FIRST_ITERATIONS if start is None else NEXT_ITERATIONS)
    return nodes, _entries(_tensor(tissue.actuation(nodes, STRETCH_RANGE) - np.eye(3)))


def _entries(tensors: torch.Tensor) -> torch.Tensor:
    """Symmetric matrices (..., 3, 3) as (..., 6)."""
    pairs = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    return torch.stack([tensors[..., i, j] for i, j in pairs], dim=-1)


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
