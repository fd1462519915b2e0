"""One training run of the generalized model: data in, weights and metrics out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...anatomy.material_space import load_or_build
from ...anatomy.mesh import Mesh
from ...anatomy.skin_parting import skin_parting
from ...anatomy.template import load_template
from ..captures import CaptureSynthesizer, load_capture_source
from ..expressions import ExpressionSampler
from .capture_parting import capture_parting
from .configuration import CONFIGURATIONS
from .evaluation import evaluate
from .loop import train
from .material_samples import MaterialSamples
from .objective import Objective

RESOLUTION_MM = 2.0
SLIT_PARTING = 0.3
"""Skin whose parting exceeds this lies on lips or lids."""


def run_generalized(
    configuration_name: str, data: Path, directory: Path, progress: Callable[[float, str], None]
) -> dict[str, float]:
    """Train the generalized model, or go on with the directory's checkpoint, and evaluate it.

    Args:
        configuration_name: a key of ``CONFIGURATIONS``.
        data: source data.
        directory: receives checkpoints, log, weights and ``metrics.json``.
        progress: called with fraction and sentence.

    Returns:
        The metrics of ``evaluation.evaluate``, mm.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    configuration = CONFIGURATIONS[configuration_name]
    template = load_template()
    space = load_or_build(template, RESOLUTION_MM, directory / "cache")
    source = load_capture_source(data)
    captures = CaptureSynthesizer(source, device)
    skin = template.meshes["skin"]
    capture_skin = Mesh(source.mean[slice(*source.parts["skin"])], source.skin_faces)
    parting = capture_parting(capture_skin, skin, skin_parting(skin, space))
    skin_parting_tensor = torch.as_tensor(parting, dtype=torch.float32, device=device)
    slit = torch.as_tensor(np.flatnonzero(np.abs(parting) > SLIT_PARTING), device=device)
    objective = Objective(captures, MaterialSamples(space, device), skin_parting_tensor, slit, configuration)
    network = train(objective, ExpressionSampler(data), configuration, directory, device=device, progress=progress)
    metrics = evaluate(network, captures, skin_parting_tensor, data)
    (directory / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics
