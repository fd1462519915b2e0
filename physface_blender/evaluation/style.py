"""``build.py evaluate style``: what the style model and its rivals do with performances and styles they have not seen."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..fitting.style_fit import StyleExamples, displacement
from ..networks.actuation import ActuationModel
from ..networks.generalized import GeneralizedModel, load_generalized
from ..networks.style import StyleModel, load_style
from ..networks.weights import load_weights
from ..training.seeds import TRAINED_ACTORS
from ..training.style.actors import ActorStage, style_maps
from ..training.style.actuation_run import prepare_lessons
from ..training.style.performer import Performer
from ..training.style.reconstruction import TESTED_ACTORS, frames, held_out, interpolation_steps, perform
from ..training.style.semantic_shapes import SHAPE_NAMES, semantic_weights
from ..training.style.stage_one import CONFIGURATIONS, VARIANTS
from .style_page import write_page

Array = npt.NDArray[np.float64]

TRANSFERRED: dict[str, dict[str, float]] = {
    "smile": {"smile": 1.0},
    "surprise": {"brows up": 1.0, "eyes wide": 0.8, "jaw open": 0.5},
    "oo": {"oo": 1.0},
}
"""What one actor is asked to do in another one's style."""
TRANSFERRED_STYLES = (2, 4)
"""Whose style: so many actors on from the one whose face it is."""
PLAYED = ("model_cswl", "displacement")
"""The models whose transfer and interpolation are measured, where they are trained."""
BLEND_STEPS = 5
"""Figure 9: 0, 1/4, 1/2, 3/4 and 1."""

Perform = Callable[[Performer, Array, int], Array]
"""The carried skin (T, P, 3) of an actor under blendweights (T, 19) in the style of another, by number."""


@dataclass(frozen=True)
class Unified:
    """The generalized model with the style network before it, as it is shipped."""

    model: GeneralizedModel
    styles: StyleModel

    @torch.inference_mode()
    def __call__(self, performer: Performer, blendweights: Array, style: int) -> Array:
        """See ``Perform``; displacements are added to the captured neutral."""
        return self.blended(performer, blendweights, {f"actor_{style + 1}": 1.0})

    @torch.inference_mode()
    def blended(self, performer: Performer, blendweights: Array, style: dict[str, float]) -> Array:
        """The same in a mixture of styles."""
        examples = StyleExamples.of(self.model, performer.actor, [])
        asked = np.clip(blendweights @ performer.actor.shape_weights, 0.0, 1.0)
        muscles = torch.as_tensor(self.styles.perform(asked, style), dtype=torch.float32)
        vertices = torch.as_tensor(performer.carried)
        moved = torch.cat([displacement(self.model.network, examples, part, vertices) for part in muscles.split(10)])
        return performer.actor.neutral[performer.carried] + moved.double().numpy()


class EvaluationError(Exception):
    """The evaluation cannot be made; the message says what is missing."""


def evaluate_style(arguments: Sequence[str], tell: Callable[[float, str], None]) -> int:
    """Parse the command line, evaluate and write the page; returns 0.

    Args:
        arguments: words of the command line.
        tell: told the share done and what is being done.

    Raises:
        EvaluationError: data or trained models are missing.
    """
    parser = argparse.ArgumentParser(prog="build.py evaluate style", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument(
        "--training", type=Path, default=Path("build/training/actuation"), help="folder of `build.py train actuation`"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation"), metavar="DIR", help="folder of the page")
    options = parser.parse_args(arguments)
    measured = options.training / "metrics.json"
    if not measured.is_file() or not (options.data / "ict_facekit").is_dir():
        raise EvaluationError(
            f"The evaluation needs the source data in {options.data} and trained models in {options.training}; "
            "run `build.py train actuation` first."
        )
    torch.set_num_threads(1)

    metrics = json.loads(measured.read_text(encoding="utf-8"))
    lessons = prepare_lessons(options.data, options.training, tell)
    performers = [lesson.performer for lesson in lessons[:TESTED_ACTORS]]
    unified = Unified(load_generalized(), load_style())
    by_frame = dict(metrics["frames"])
    by_frame["unified"] = [_unified_errors(unified, performer, index) for index, performer in enumerate(performers)]
    models = _trained(options.training, metrics)
    stage = ActorStage.load(options.data, options.training / "actors")
    result = {
        "table1": {name: round(float(np.mean(np.concatenate(rows))), 4) for name, rows in by_frame.items()},
        "frames": {name: [[round(error, 3) for error in row] for row in rows] for name, rows in by_frame.items()},
        "silhouette": metrics["silhouette"],
        "style_transfer": _style_transfer(models, unified, performers, stage, tell),
        "interpolation": _interpolation(models, unified, performers, tell),
        "maps": metrics["maps"],
        "configuration": metrics["configuration"],
        "command": "python3 build.py train actuation && python3 build.py evaluate style",
        "date": "2026-11-21",
        "machine": "one core of an AMD EPYC (Zen 5), 24 GB, no GPU, shared with other work",
    }
    write_page(result, options.out)
    return 0


def _trained(folder: Path, metrics: dict) -> dict[str, ActuationModel]:
    """The models of several actors there are, by row."""
    models = {}
    width = CONFIGURATIONS[metrics["configuration"]].width
    for name, variant in VARIANTS.items():
        file = folder / name / "actuation.safetensors"
        if name not in PLAYED or name not in metrics["frames"]:
            continue
        models[name] = ActuationModel(variant.settings(TRAINED_ACTORS, width)).eval().requires_grad_(False)
        load_weights(models[name], "actuation", file)
    return models


def _unified_errors(unified: Unified, performer: Performer, index: int) -> list[float]:
    errors = []
    for name in held_out(performer):
        positions, blendweights = frames(performer, name)
        skin = unified(performer, blendweights, index)
        errors += np.linalg.norm(skin - positions[:, performer.carried], axis=2).mean(axis=1).tolist()
    return errors


def _style_transfer(
    models: dict[str, ActuationModel], unified: Unified, performers: list[Performer], stage: ActorStage, tell: Callable
) -> dict[str, float]:
    """Mean vertex error in mm when an actor performs in the style of others.

    Our actors are synthetic, so what that looks like is known; the paper could only show it.
    """
    blendweights = np.zeros((len(TRANSFERRED), len(SHAPE_NAMES)))
    for row, asked in enumerate(TRANSFERRED.values()):
        for name, weight in asked.items():
            blendweights[row, SHAPE_NAMES.index(name)] = weight
    maps = style_maps()[:TRAINED_ACTORS]
    asked = np.clip(blendweights @ semantic_weights(), 0.0, 1.0)
    ways: dict[str, Perform] = {"own_linear_rig": _own_linear_rig, "unified": unified}
    ways |= {name: _way(name, model) for name, model in models.items()}
    errors: dict[str, list[float]] = {name: [] for name in ways}
    for target, performer in enumerate(performers):
        for style in ((target + step) % TRAINED_ACTORS for step in TRANSFERRED_STYLES):
            truth = stage.skin(performer.actor.identity, maps[style](asked))[:, performer.carried]
            for name, way in ways.items():
                distance = np.linalg.norm(way(performer, blendweights, style) - truth, axis=2)
                errors[name] += distance.mean(axis=1).tolist()
        tell(1.0, f"styles transferred to {performer.actor.name}")
    return {name: round(float(np.mean(values)), 4) for name, values in errors.items()}


def _own_linear_rig(performer: Performer, blendweights: Array, style: int) -> Array:
    """What a rig without styles can do: the actor's own shapes."""
    return performer.actor.linear_rig(blendweights)[:, performer.carried]


def _way(name: str, model: ActuationModel) -> Perform:
    def way(performer: Performer, blendweights: Array, style: int) -> Array:
        return np.concatenate(
            [perform(model, performer, VARIANTS[name], row[None], model.styles[style]) for row in blendweights]
        )

    return way


def _interpolation(
    models: dict[str, ActuationModel], unified: Unified, performers: list[Performer], tell: Callable
) -> dict[str, float]:
    """Unevenness of a smile's and a surprise's way from one style to another in four steps (figure 9); 1 is even."""
    blends = np.linspace(0.0, 1.0, BLEND_STEPS)
    found: dict[str, list[float]] = {name: [] for name in ("unified", *models)}
    for first, performer in enumerate(performers):
        second = (first + 3) % TRAINED_ACTORS
        for name in ("smile", "surprise"):
            blendweights = np.zeros((1, len(SHAPE_NAMES)))
            for shape, weight in TRANSFERRED[name].items():
                blendweights[0, SHAPE_NAMES.index(shape)] = weight
            names = (f"actor_{first + 1}", f"actor_{second + 1}")
            skins = [
                unified.blended(performer, blendweights, dict(zip(names, (1.0 - blend, blend), strict=True)))[0]
                for blend in blends
            ]
            found["unified"].append(interpolation_steps(skins))
            for row, model in models.items():
                styles = [torch.lerp(model.styles[first], model.styles[second], float(blend)) for blend in blends]
                skins = [perform(model, performer, VARIANTS[row], blendweights, style)[0] for style in styles]
                found[row].append(interpolation_steps(skins))
        tell(1.0, f"styles blended on {performer.actor.name}")
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}
