"""The two test sets of *Learning a Generalized Physical Face Model From Data*, section 5, made of our own captures.

Static: 28 identities that training never saw, each in an expression, fitted. Dynamic: unseen sequences of identities that
training saw, not fitted. Both are synthetic (see ``training.captures``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from ..anatomy.material_space import MaterialSpace
from ..anatomy.mesh import Mesh
from ..anatomy.skin_parting import skin_parting
from ..anatomy.template import Template
from ..training.captures import CaptureSource, CaptureSynthesizer, load_capture_source
from ..training.expressions import VALIDATION_TAKES, load_take
from ..training.fit_evaluation import Correspondence
from ..training.generalized.capture_parting import capture_parting
from ..training.generalized.evaluation import validation_frames
from ..training.seeds import training_identities, unseen_identities

STATIC_FRAMES = 64
"""Validation frames that the unseen identities take theirs from, every seventh one."""
SEQUENCES = 5
"""As in the paper: five sequences of five identities."""


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """One face of a test set and what is true of it.

    Attributes:
        identity: (100,) true coefficients.
        expression: (52,) true weights.
        face: (S, 3) true frontal face, mm.
        bones: (B, 3) true skull and, after it, mandible at rest, mm.
        jaw: (4, 4) true motion of the mandible.
    """

    identity: np.ndarray
    expression: np.ndarray
    face: np.ndarray
    bones: np.ndarray
    jaw: np.ndarray


@dataclass(frozen=True, eq=False)
class CapturedFaces:
    """The captures, and how they correspond to the template.

    Attributes:
        source: their linear shapes.
        synthesizer: evaluates them.
        correspondence: of their frontal face with the template's skin.
        face_parting: (S,) parting of the frontal face's vertices.
    """

    source: CaptureSource
    synthesizer: CaptureSynthesizer
    correspondence: Correspondence
    face_parting: np.ndarray

    @classmethod
    def load(cls, data: Path, template: Template, space: MaterialSpace) -> Self:
        """Read the source data.

        Args:
            data: its folder.
            template: whose skin is compared.
            space: any material space of the template; parting is taken from it.
        """
        source = load_capture_source(data)
        skin = template.meshes["skin"]
        captured = Mesh(source.mean[slice(*source.parts["skin"])], source.skin_faces)
        parting = capture_parting(captured, skin, skin_parting(skin, space))
        face = slice(*source.parts["face"])
        return cls(source, CaptureSynthesizer(source), Correspondence.of(source, skin), parting[face])

    @torch.inference_mode()
    def frame(self, identity: np.ndarray, expression: np.ndarray) -> CapturedFrame:
        """The capture of an identity (100,) in an expression (52,)."""
        parts = self.source.parts
        identities = torch.as_tensor(identity, dtype=torch.float32)[None]
        weights = torch.as_tensor(expression, dtype=torch.float32)[None]
        face, bones = torch.arange(*parts["face"]), torch.arange(parts["skull"][0], parts["mandible"][1])
        return CapturedFrame(
            np.asarray(identity, dtype=np.float64),
            np.asarray(expression, dtype=np.float64),
            self.synthesizer.performed(identities, weights, face)[0].double().numpy(),
            self.synthesizer.neutral(identities, bones)[0].double().numpy(),
            self.synthesizer.jaw(identities, weights)[0].double().numpy(),
        )

    def static(self, data: Path, count: int) -> list[CapturedFrame]:
        """The first of the 28 unseen identities, each in a frame of takes kept for validation."""
        frames = validation_frames(data, STATIC_FRAMES).numpy()
        chosen = unseen_identities()[:count]
        return [self.frame(row, frames[(7 * number) % STATIC_FRAMES]) for number, row in enumerate(chosen)]

    def dynamic(self, data: Path, count: int) -> list[CapturedFrame]:
        """Five sequences of five identities of the training set, ``count`` frames of each, evenly spaced in time.

        The sequences are stretches of the takes kept for validation, by turns.
        """
        takes = [load_take(data, name) for name in VALIDATION_TAKES]
        frames = []
        for number, identity in enumerate(training_identities()[:SEQUENCES]):
            take = takes[number % len(takes)]
            stretches = len(range(number % len(takes), SEQUENCES, len(takes)))
            part = np.array_split(take, stretches)[number // len(takes)]
            for index in np.linspace(0, len(part) - 1, count + 2).astype(int)[1:-1]:
                frames.append(self.frame(identity, part[index]))
        return frames
