"""Training runs of the generalized model: data in, weights and metrics out."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch

from ...anatomy.material_space import load_or_build
from ...anatomy.mesh import Mesh
from ...anatomy.skin_parting import skin_parting
from ...anatomy.template import load_template
from ...networks.weights import models_directory
from ..captures import CaptureSynthesizer, load_capture_source
from ..expressions import ExpressionSampler
from .capture_parting import capture_parting
from .configuration import ABLATION_CONFIGURATIONS, ABLATIONS, CONFIGURATIONS, Configuration
from .evaluation import evaluate
from .loop import train
from .material_samples import MaterialSamples
from .objective import Objective
from .workers import Workers

RESOLUTION_MM = 2.0
SLIT_PARTING = 0.3
"""Skin whose parting exceeds this lies on lips or lids."""


@dataclass(frozen=True)
class Ground:
    """What every training of the generalized model stands on.

    Attributes:
        captures: the truth.
        samples: points of the canonical material.
        skin_parting: (S,) parting of the captures' skin vertices.
        slit: (L,) vertices on lips and lids.
    """

    captures: CaptureSynthesizer
    samples: MaterialSamples
    skin_parting: torch.Tensor
    slit: torch.Tensor

    @classmethod
    def prepare(cls, data: Path, cache: Path, device: torch.device) -> Self:
        """Read the source data and put it on a device.

        Args:
            data: source data.
            cache: folder where the material space is kept.
            device: where to train.
        """
        template = load_template()
        space = load_or_build(template, RESOLUTION_MM, cache)
        source = load_capture_source(data)
        captures = CaptureSynthesizer(source, device)
        skin = template.meshes["skin"]
        capture_skin = Mesh(source.mean[slice(*source.parts["skin"])], source.skin_faces)
        parting = capture_parting(capture_skin, skin, skin_parting(skin, space))
        return cls(
            captures,
            MaterialSamples(space, device),
            torch.as_tensor(parting, dtype=torch.float32, device=device),
            torch.as_tensor(np.flatnonzero(np.abs(parting) > SLIT_PARTING), device=device),
        )

    def objective(self, configuration: Configuration) -> Objective:
        """The losses of a configuration."""
        return Objective(self.captures, self.samples, self.skin_parting, self.slit, configuration)


def run_generalized(
    configuration_name: str,
    data: Path,
    directory: Path,
    progress: Callable[[float, str], None],
    start: Path | None = None,
) -> dict[str, float]:
    """Train the generalized model, or go on with the directory's checkpoint, and evaluate it.

    Args:
        configuration_name: a key of ``CONFIGURATIONS``.
        data: source data.
        directory: receives checkpoints, log, weights and ``metrics.json``.
        progress: called with fraction and sentence.
        start: weights to start from instead of fresh ones.

    Returns:
        The metrics of ``evaluation.evaluate``, mm; nothing from the helpers of the first process.
    """
    workers = Workers.join()
    configuration = CONFIGURATIONS[configuration_name]
    ground = Ground.prepare(data, directory / "cache", workers.device)
    network = train(
        ground.objective(configuration),
        ExpressionSampler(data),
        configuration,
        directory,
        workers=workers,
        progress=progress,
        start=start,
    )
    metrics: dict[str, float] = {}
    if workers.is_first:
        metrics = evaluate(network, ground.captures, ground.skin_parting, data)
        (directory / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    workers.leave()
    return metrics


def run_ablations(
    configuration_name: str, data: Path, directory: Path, progress: Callable[[float, str], None]
) -> dict[str, dict[str, float]]:
    """Train the rows of the ablations, one after the other, each with the same small budget.

    Rows that are finished are left alone, so that a stopped run goes on where it was.

    Args:
        configuration_name: a key of ``ABLATION_CONFIGURATIONS``.
        data: source data.
        directory: receives a folder for each row.
        progress: called with fraction and sentence.

    Returns:
        Row to the metrics of ``evaluation.evaluate``, mm.
    """
    workers = Workers.join()
    configuration = ABLATION_CONFIGURATIONS[configuration_name]
    ground = Ground.prepare(data, directory / "cache", workers.device)
    expressions = ExpressionSampler(data)
    start = None if configuration_name == "full" else models_directory() / "generalized.safetensors"
    metrics = {}
    for number, (name, left_out) in enumerate(ABLATIONS.items()):

        def tell(share: float, text: str, number: int = number, name: str = name) -> None:
            progress((number + share) / len(ABLATIONS), f"{name}: {text}")

        weights = replace(configuration.weights, **dict.fromkeys(left_out, 0.0))
        row = replace(configuration, weights=weights)
        network = train(
            ground.objective(row), expressions, row, directory / name, workers=workers, progress=tell, start=start
        )
        if workers.is_first:
            metrics[name] = evaluate(network, ground.captures, ground.skin_parting, data)
            text = json.dumps(metrics[name], indent=1) + "\n"
            (directory / name / "metrics.json").write_text(text, encoding="utf-8")
    workers.leave()
    return metrics
