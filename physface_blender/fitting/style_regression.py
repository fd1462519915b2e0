"""What an actor would show elsewhere than in the capture: least squares from the actor's own blendweights to the skin.

Captures are short and leave most of what a face can be asked for open, and N_e is bent: what its style input must add far
from the capture says nothing of itself. Regression of the skin on the blendweights of one actor, toward that actor's
linear rig, is nearly straight, so it goes on sensibly; what it says of drawn blendweights is learned beside the capture.
It knows one face only, so it is a teacher and not the model.
"""

from dataclasses import dataclass
from typing import Self

import torch

RIDGE = 1.0
"""On the squares of what is added to the linear rig; chosen by the validation."""
SHAPE_WEIGHT = 4.0
"""Of an error in a static shape beside one in a frame of a performance."""
DRAWN_SHAPES = 2.5
"""How many shapes a drawn combination has on average."""
MIXED_SHARE, ADDED_SHARE = 0.4, 0.3
"""Share of drawn blendweights that mix two frames, and that add a combination of shapes to one; the rest is shapes alone."""


@dataclass(frozen=True, eq=False)
class StyleRegression:
    """One actor's skin from its blendweights; K shapes, P points.

    Attributes:
        shapes: (K, 3 P) displacements of the actor's linear rig, mm.
        correction: (2 K, 3 P) what the weights and their squares add to it.
        performed: (F, K) blendweights of the frames, from which drawn ones are mixed.
    """

    shapes: torch.Tensor
    correction: torch.Tensor
    performed: torch.Tensor

    @classmethod
    def of(cls, blendweights: torch.Tensor, moved: torch.Tensor) -> Self:
        """Regress.

        Args:
            blendweights: (K + F, K), of the static shapes first.
            moved: (K + F, P, 3) mm.
        """
        count = blendweights.shape[1]
        wanted, features = moved.flatten(1), _features(blendweights)
        shapes = wanted[:count]
        weight = torch.ones(len(features), 1)
        weight[:count] = SHAPE_WEIGHT**0.5
        left = weight * (wanted - blendweights @ shapes)
        features = weight * features
        matrix = features.T @ features + RIDGE * torch.eye(2 * count)
        return cls(shapes, torch.linalg.solve(matrix, features.T @ left), blendweights[count:])

    def __call__(self, blendweights: torch.Tensor) -> torch.Tensor:
        """Displacements (N, P, 3) in mm for blendweights (N, K)."""
        moved = blendweights @ self.shapes + _features(blendweights) @ self.correction
        return moved.unflatten(1, (-1, 3))

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Blendweights (count, K), 0..1: mixtures of frames, frames with shapes added, and combinations of shapes."""
        size = len(self.shapes)
        some = torch.rand(count, size, generator=generator) < DRAWN_SHAPES / size
        shapes = some * torch.rand(count, size, generator=generator)
        if not len(self.performed):
            return shapes
        first, second = self.performed[torch.randint(len(self.performed), (2, count), generator=generator)]
        strength, share, kind = torch.rand(3, count, 1, generator=generator)
        mixed = (0.5 + 0.8 * strength) * first + share * second
        others = torch.where(kind < MIXED_SHARE + ADDED_SHARE, 0.8 * first + shapes, shapes)
        return torch.where(kind < MIXED_SHARE, mixed, others).clamp(0.0, 1.0)


def _features(blendweights: torch.Tensor) -> torch.Tensor:
    return torch.cat([blendweights, blendweights.square()], dim=1)
