"""Tensors to begin the training with: every captured frame by passive simulation (paper 001, section 7.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ...networks.actuation import unwarp
from ..seeds import STYLE_TRAINING_SEED
from .performer import Performer

Array = npt.NDArray[np.float64]

FRAME_STRIDE = 6
"""Of the captured performances: two and a half frames a second."""
SAMPLE_COUNT = 6000
"""Gauss points of an actor that are trained on, drawn once with their volume as probability."""
FIRST_ITERATIONS, NEXT_ITERATIONS = 30, 12
"""Local and global steps from rest, and from the frame before."""
STRETCH_RANGE = (0.4, 2.5)
"""Lips that pass through each other in the captures stretch cells beyond all measure; no muscle does that."""


@dataclass(frozen=True, eq=False)
class PassiveTensors:
    """What one actor's tissue did; F frames, S sampled Gauss points.

    Attributes:
        expression: (F, 19) blendweights; static shapes first.
        samples: (S,) Gauss points.
        tensors: (F, S, 6) stretch minus I in the actor's material space, order xx, yy, zz, yz, xz, xy.
        jaw: (F, 4, 4) motion of the mandible in canonical jaw coordinates.
        displacement: (F, P, 3) mm, of the carried skin.
    """

    expression: torch.Tensor
    samples: torch.Tensor
    tensors: torch.Tensor
    jaw: torch.Tensor
    displacement: torch.Tensor

    @property
    def shape_count(self) -> int:
        """How many of the frames are static shapes."""
        return self.expression.shape[1]

    def canonical(self, performer: Performer) -> torch.Tensor:
        """The tensors minus I turned into the canonical space, (F, S, 6)."""
        full = _matrices(self.tensors)
        return _entries(unwarp(full, performer.gauss_rotations[self.samples]))


def passive_tensors(performer: Performer, folder: Path, tell: Callable[[str], None]) -> PassiveTensors:
    """Simulate all static shapes and training performances of an actor, or read what an earlier call left."""
    actor = performer.actor
    file = folder / f"{actor.name}_tensors.pt"
    if file.is_file():
        return PassiveTensors(**torch.load(file, weights_only=True))
    tissue = performer.passive
    volumes = tissue.gauss_volumes.reshape(-1)
    generator = np.random.default_rng(STYLE_TRAINING_SEED)
    samples = np.sort(generator.choice(len(volumes), SAMPLE_COUNT, replace=False, p=volumes / volumes.sum()))
    expressions, tensors, jaws, displacements = [], [], [], []
    still = np.tile(np.eye(3), (len(tissue.space.hexes), 8, 1, 1))

    def add(positions: Array, jaw: Array, start: Array | None) -> Array:
        skin = positions[performer.carried]
        nodes = tissue.solve(still, jaw, skin, start, FIRST_ITERATIONS if start is None else NEXT_ITERATIONS)
        stretch = tissue.actuation(nodes, STRETCH_RANGE).reshape(-1, 3, 3)[samples] - np.eye(3)
        tensors.append(_entries(torch.as_tensor(stretch, dtype=torch.float32)))
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
        start = None
        for position, motion in zip(positions, motions, strict=True):
            start = add(position, motion, start)
        tell(f"{actor.name}: {name} simulated")
    result = {
        "expression": _tensor(np.concatenate(expressions)),
        "samples": torch.as_tensor(samples),
        "tensors": torch.stack(tensors),
        "jaw": _tensor(np.stack(jaws)),
        "displacement": _tensor(np.stack(displacements)),
    }
    torch.save(result, file)
    return PassiveTensors(**result)


def _entries(tensors: torch.Tensor) -> torch.Tensor:
    """Symmetric matrices (..., 3, 3) as (..., 6)."""
    pairs = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    return torch.stack([tensors[..., i, j] for i, j in pairs], dim=-1)


def _matrices(entries: torch.Tensor) -> torch.Tensor:
    xx, yy, zz, yz, xz, xy = entries.unbind(-1)
    return torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], dim=-1).unflatten(-1, (3, 3))


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
