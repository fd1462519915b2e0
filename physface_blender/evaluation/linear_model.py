"""A linear face model with as many parameters as ours, learned from the same captures: 152 numbers a face.

The captures' neutral faces are linear in identity by construction (ICT-FaceKit), and so are their expressions but for jaw
and lids. What a linear model reaches here is therefore no measure of how it would do on people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..networks.generalized import EXPRESSION_COUNT, IDENTITY_COUNT
from ..training.expressions import ExpressionSampler
from ..training.seeds import TRAINING_LOOP_SEED, training_identities
from .captured_faces import CapturedFaces

SAMPLES = 1200
CHUNK = 50
PARAMETERS = IDENTITY_COUNT + EXPRESSION_COUNT
RIDGE = 1.0


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Principal components of faces for fits, and a linear map from parameters to faces for animation.

    Attributes:
        mean: (3 S,) mm.
        components: (152, 3 S) orthonormal.
        map: (153, 3 S) from identity, expression and 1.
    """

    mean: np.ndarray
    components: np.ndarray
    map: np.ndarray

    @classmethod
    def learn(cls, faces: CapturedFaces, expressions: ExpressionSampler) -> Self:
        """Learn it from identities of the training set in expressions drawn as for the training."""
        generator = np.random.default_rng(TRAINING_LOOP_SEED)
        people = training_identities()
        identities = people[generator.integers(len(people), size=SAMPLES)]
        weights = expressions.draw(generator, SAMPLES).astype(np.float64)
        vertices = torch.arange(*faces.source.parts["face"])
        skins = []
        for first in range(0, SAMPLES, CHUNK):
            some = slice(first, first + CHUNK)
            with torch.inference_mode():
                skin = faces.synthesizer.performed(
                    torch.as_tensor(identities[some], dtype=torch.float32),
                    torch.as_tensor(weights[some], dtype=torch.float32),
                    vertices,
                )
            skins.append(skin.reshape(len(skin), -1).numpy())
        samples = np.concatenate(skins)
        mean = samples.mean(axis=0)
        centered = samples - mean
        # The components are combinations of the samples: eigenvectors of their (small) Gram matrix.
        sizes, combinations = np.linalg.eigh(centered @ centered.T)
        largest = np.argsort(-sizes)[:PARAMETERS]
        components = (combinations[:, largest] / np.sqrt(sizes[largest])).T @ centered
        inputs = np.column_stack([identities, weights, np.ones(SAMPLES)])
        system = inputs.T @ inputs + RIDGE * np.diag(np.repeat([1.0, 0.0], [PARAMETERS, 1]))
        return cls(mean, components, np.linalg.solve(system, inputs.T @ samples))

    def fitted(self, face: np.ndarray) -> np.ndarray:
        """The nearest face (S, 3) of the model to a face (S, 3)."""
        offset = face.ravel() - self.mean
        return (self.mean + (self.components @ offset) @ self.components).reshape(-1, 3)

    def performed(self, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """The face (S, 3) of an identity (100,) in an expression (52,)."""
        return (np.concatenate([identity, expression, [1.0]]) @ self.map).reshape(-1, 3)
