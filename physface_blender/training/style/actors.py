"""Nine synthetic actors: identities with a way of their own to perform, captured as real ones would be.

Synthetic means: made from the linear shapes of ICT-FaceKit by ``training.captures``, with a drawn style map between
what is asked for and what the muscles do. What the actors are asked for comes from real captures of two people.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ...anatomy.mesh import Mesh
from ...anatomy.skin_parting import skin_parting
from ...anatomy.template import load_template
from ...fitting.actor_capture import ActorCapture, Sequence, read_actor, write_actor
from ..captures import CaptureSource, CaptureSynthesizer, load_capture_source
from ..expressions import TRAINING_TAKES, VALIDATION_TAKES, load_take
from ..generalized.capture_parting import capture_parting
from ..seeds import ACTOR_STYLE_SEEDS, actor_identities
from .semantic_shapes import SHAPE_NAMES, semantic_weights
from .style_map import StyleMap, draw_style_map

Array = npt.NDArray[np.float64]

PARTING_SPACE_MM = 2.0
FRAME_STRIDE = 2
"""Takes run at 30 frames per second; every second frame is kept."""
TRAINING_FRAMES = 300
"""Of every training take, before the stride: 10 s of each, 30 s in all, as much as the paper has of a person."""
HELD_OUT_FRAMES = 150
"""Of every validation take: 5 s of each, 10 s in all."""
CHUNK = 64


def actor_name(index: int) -> str:
    """``actor_1`` to ``actor_9``; the first six are trained."""
    return f"actor_{index + 1}"


def style_maps() -> list[StyleMap]:
    """The style maps of the nine actors."""
    return [draw_style_map(np.random.default_rng(seed)) for seed in ACTOR_STYLE_SEEDS]


@dataclass(frozen=True)
class ActorStage:
    """What all synthetic actors share: the captures' source and where its vertices lie in the canonical face.

    Attributes:
        source: of the captures.
        captures: evaluates them.
        parting: (S,) of the skin vertices.
        data: folder of the source data.
    """

    source: CaptureSource
    captures: CaptureSynthesizer
    parting: Array
    data: Path

    @classmethod
    def load(cls, data: Path, cache: Path) -> "ActorStage":
        """Read the source data; ``cache`` keeps the material space that the parting comes from."""
        from ...anatomy.material_space import load_or_build

        template = load_template()
        space = load_or_build(template, PARTING_SPACE_MM, cache)
        source = load_capture_source(data)
        skin = template.meshes["skin"]
        parting = capture_parting(
            Mesh(source.mean[slice(*source.parts["skin"])], source.skin_faces), skin, skin_parting(skin, space)
        )
        return cls(source, CaptureSynthesizer(source), parting, data)

    @property
    def face(self) -> torch.Tensor:
        """The captured vertices: those of the frontal face."""
        return torch.arange(*self.source.parts["face"])

    def capture(self, index: int) -> ActorCapture:
        """Capture one of the nine actors."""
        identity, perform = actor_identities()[index], style_maps()[index]
        vertices = self.face.numpy()
        neutral = self.skin(identity, np.zeros((1, 52)))[0]
        asked = semantic_weights()
        faces = self.source.skin_faces[(self.source.skin_faces <= vertices[-1]).all(axis=1)]
        sequences = {}
        for kind, takes, length in (
            ("training", TRAINING_TAKES, TRAINING_FRAMES),
            ("held_out", VALIDATION_TAKES, HELD_OUT_FRAMES),
        ):
            for take in takes:
                styled = perform(_window(load_take(self.data, take), index, length))
                sequences[f"{kind}_{take}"] = Sequence(self.skin(identity, styled), self._jaw(identity, styled))
        return ActorCapture(
            name=actor_name(index),
            neutral=neutral,
            faces=faces.astype(np.int32),
            shape_names=SHAPE_NAMES,
            shape_weights=asked,
            shapes=self.skin(identity, perform(asked)) - neutral,
            shape_jaw=self._jaw(identity, perform(asked)),
            canonical=self.source.mean[vertices],
            parting=self.parting[vertices],
            identity=identity,
            sequences=sequences,
        )

    def skin(self, identity: Array, weights: Array) -> Array:
        """Captured face (N, V, 3) in mm of an identity (100,) whose muscles do weights (N, 52)."""
        chunks = []
        for part in np.array_split(weights, max(1, len(weights) // CHUNK)):
            rows = torch.as_tensor(part, dtype=torch.float32)
            people = torch.as_tensor(identity, dtype=torch.float32).expand(len(rows), -1)
            chunks.append(self.captures.performed(people, rows, self.face).numpy())
        return np.concatenate(chunks).astype(np.float64)

    def _jaw(self, identity: Array, weights: Array) -> Array:
        people = torch.as_tensor(identity, dtype=torch.float32).expand(len(weights), -1)
        return self.captures.jaw(people, torch.as_tensor(weights, dtype=torch.float32)).numpy().astype(np.float64)


def _window(take: Array, index: int, length: int) -> Array:
    """Frames of a take for an actor: windows spread over the take, so that no two actors perform the same."""
    starts = np.linspace(0, len(take) - length, len(ACTOR_STYLE_SEEDS)).astype(int)
    return take[starts[index] : starts[index] + length : FRAME_STRIDE]


def load_actors(data: Path, folder: Path, count: int = len(ACTOR_STYLE_SEEDS)) -> list[ActorCapture]:
    """The first of the nine actors, from files ``folder/actor_1.npz`` ..., which are made when they are missing."""
    files = [folder / f"{actor_name(index)}.npz" for index in range(count)]
    if not all(file.is_file() for file in files):
        stage = ActorStage.load(data, folder)
        for index, file in enumerate(files):
            if not file.is_file():
                write_actor(stage.capture(index), file)
    return [read_actor(file) for file in files]
