"""What one actor showed, as tensors for learning its style, and what the styled model makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..anatomy.template import load_template
from ..networks.generalized import DISPLACEMENT_SCALE_MM, EXPRESSION_COUNT, GeneralizedModel
from ..networks.style import StyleNetwork
from .actor_capture import ActorCapture, ActorCaptureError

BONE_POINTS = 100
"""Of each bone."""
SKULL_PARTING, MANDIBLE_PARTING = 1.0, -1.0
SHAPE_SHARE = 0.3
"""Share of a step's samples that are static shapes; they are few but each is an expression of its own."""


@dataclass(frozen=True, eq=False)
class StyleExamples:
    """What one actor showed.

    Attributes:
        asked: (N, 52) ARKit weights: of the static shapes first, then of frames by projection on the actor's basis.
        blendweights: (N, K) of the actor's own shapes: one shape after the other first, then of frames by projection.
        shape_weights: (K, 52) what each shape is asked for with.
        shown: (N, V, 3) displacement of the skin from the neutral, mm.
        shape_count: how many of the N are static shapes.
        coordinates: (V, 4) of N_e.
        identity_code: (1, IDENTITY_CODE_SIZE).
        bones: (J, 4) coordinates of points of the skull and the mandible.
        bones_shown: (N, J, 3) how these moved, mm, or None where the jaw was not tracked.
    """

    asked: torch.Tensor
    blendweights: torch.Tensor
    shape_weights: torch.Tensor
    shown: torch.Tensor
    shape_count: int
    coordinates: torch.Tensor
    identity_code: torch.Tensor
    bones: torch.Tensor
    bones_shown: torch.Tensor | None

    @classmethod
    @torch.no_grad()
    def of(cls, model: GeneralizedModel, actor: ActorCapture, sequences: Iterable[str] | None = None) -> Self:
        """The examples in a capture.

        Args:
            model: the generalized model.
            actor: with canonical points; the mean identity stands in for an unknown one.
            sequences: names of the performances to use; all when None.

        Raises:
            ActorCaptureError: nothing says where the vertices lie in the canonical face.
        """
        if actor.canonical is None:
            raise ActorCaptureError(
                f"Nothing says where the vertices of actor {actor.name} lie in the canonical face; fit the face first."
            )
        blendweights, shown, jaws = [np.eye(len(actor.shapes))], [actor.shapes], [actor.shape_jaw]
        for name in actor.sequences if sequences is None else sequences:
            positions = actor.sequences[name].positions
            blendweights.append(actor.blendweights(positions))
            shown.append(positions - actor.neutral)
            jaws.append(actor.sequences[name].jaw)
        identity = np.zeros(100) if actor.identity is None else actor.identity
        network = model.network
        template = load_template()
        skull, mandible = (_spread(template.meshes[part].vertices) for part in ("skull", "mandible"))
        bones = np.concatenate([skull, mandible])
        parting = np.repeat([SKULL_PARTING, MANDIBLE_PARTING], [len(skull), len(mandible)])
        moved = None
        if all(jaw is not None for jaw in jaws):
            rest, jaw = model.rest(mandible, identity), np.concatenate(jaws)
            moved = np.zeros((len(jaw), len(bones), 3))
            moved[:, len(skull) :] = rest @ np.swapaxes(jaw[:, :3, :3], 1, 2) + jaw[:, None, :3, 3] - rest
        weights = np.concatenate(blendweights)
        return cls(
            _tensor(np.clip(weights @ actor.shape_weights, 0.0, 1.0)),
            _tensor(weights),
            _tensor(actor.shape_weights),
            _tensor(np.concatenate(shown)),
            len(actor.shapes),
            network.material_coordinates(_tensor(actor.canonical), _tensor(actor.parting)),
            network.identity_encoder(_tensor(identity)[None]),
            network.material_coordinates(_tensor(bones), _tensor(parting)),
            None if moved is None else _tensor(moved),
        )

    def draw(self, generator: torch.Generator, count: int) -> torch.Tensor:
        """Indices (count,) of examples for one step."""
        shapes = count if self.shape_count == len(self.asked) else round(SHAPE_SHARE * count)
        still = torch.randint(self.shape_count, (shapes,), generator=generator)
        if shapes == count:
            return still
        moving = torch.randint(self.shape_count, len(self.asked), (count - shapes,), generator=generator)
        return torch.cat([still, moving])


def displacement(
    model: GeneralizedModel,
    styles: StyleNetwork,
    examples: StyleExamples,
    muscles: torch.Tensor,
    style: torch.Tensor,
    vertices: torch.Tensor,
) -> torch.Tensor:
    """N_e (B, P, 3) in mm at vertices (P,) of an actor under muscles (B, 52) and style inputs (B, S)."""
    network = model.network
    condition = network.expression_condition(
        examples.identity_code.expand(len(muscles), -1), network.encode_expression(muscles)
    )
    coordinates = examples.coordinates[vertices]
    with torch.no_grad():
        still = network.expression_condition(
            examples.identity_code, network.encode_expression(torch.zeros(1, EXPRESSION_COUNT))
        )
        neutral = network.expression_field(coordinates[None], still)
    moved = styles.displacement(network, coordinates.expand(len(muscles), -1, -1), condition, style)
    return DISPLACEMENT_SCALE_MM * (moved - neutral)


def _spread(vertices: np.ndarray) -> np.ndarray:
    """Some of the vertices (V, 3), spread over all of them."""
    return vertices[np.lexsort(vertices.T)][:: max(1, len(vertices) // BONE_POINTS)]


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))
