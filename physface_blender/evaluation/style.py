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

from ..benchmark.machine import describe_machine, today
from ..fitting.style_examples import StyleExamples, displacement
from ..networks.actuation import ActuationModel
from ..networks.generalized import GeneralizedModel, load_generalized
from ..networks.style import StyleModel, load_style
from ..networks.weights import load_weights
from ..training.seeds import TRAINED_ACTORS
from ..training.style.actors import ActorStage, style_maps
from ..training.style.actuation_run import prepare_lessons, training_expressions
from ..training.style.performer import Performer
from ..training.style.reconstruction import TESTED_ACTORS, frames, held_out, interpolation_steps, perform, style_codes
from ..training.style.semantic_shapes import SHAPE_NAMES, semantic_weights
from ..training.style.stage_one import CONFIGURATIONS, VARIANTS, Lesson
from .neighbor_map import neighbor_map
from .style_page import ROWS, write_page
from .style_pictures import (
    error_sheet,
    face_picture,
    neighbor_drawing,
    retargeting_sheet,
    transfer_sheet,
    write_sheet,
)

Array = npt.NDArray[np.float64]

TRANSFERRED: dict[str, dict[str, float]] = {
    "smile": {"smile": 1.0},
    "surprise": {"brows up": 1.0, "eyes wide": 0.8, "jaw open": 0.5},
    "oo": {"oo": 1.0},
}
"""What one actor is asked to do in another one's style."""
TRANSFERRED_STYLES = (2, 4)
"""Whose style: so many actors on from the one whose face it is."""
PLAYED = ("model_cswl", "model_n", "displacement")
"""The models whose transfer and interpolation are measured and shown, where they are trained."""
NEIGHBORS_SHOWN = 60
"""Expressions under every style in the picture of the modulation codes."""
RETARGETED_FRAMES = 5
BLEND_STEPS = 5
"""Figure 9: 0, 1/4, 1/2, 3/4 and 1."""

Perform = Callable[[Performer, Array, int], Array]
"""The carried skin (T, P, 3) of an actor under blendweights (T, 19) in the style of another, by number."""


@dataclass(frozen=True)
class Unified:
    """The generalized model with style as its third input, as it is shipped."""

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
        inputs = [torch.as_tensor(part, dtype=torch.float32).split(10) for part in self.styles.perform(asked, style)]
        vertices = torch.as_tensor(performer.carried)
        moved = [
            displacement(self.model, self.styles.network, examples, muscles, code, vertices)
            for muscles, code in zip(*inputs, strict=True)
        ]
        return performer.actor.neutral[performer.carried] + torch.cat(moved).double().numpy()


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
    validation = {name: _mean(rows) for name, rows in metrics["validation"].items() if rows}
    checked = [lesson.performer for lesson in lessons[TESTED_ACTORS:]]
    validation["unified"] = _mean(
        [_unified_errors(unified, performer, TESTED_ACTORS + index) for index, performer in enumerate(checked)]
    )
    models = _trained(options.training, metrics)
    stage = ActorStage.load(options.data, options.training / "actors")
    ways: dict[str, Perform] = {"unified": unified} | {name: _way(name, model) for name, model in models.items()}
    result = {
        "table1": {name: _mean(by_frame[name]) if name in by_frame else None for name in ROWS},
        "why_null": "`build.py train actuation` has not trained these rows yet, or was stopped before them.",
        "validation": validation,
        "minutes": metrics["minutes"],
        "frames": {name: [[round(error, 3) for error in row] for row in rows] for name, rows in by_frame.items()},
        "silhouette": metrics["silhouette"],
        "style_transfer": _style_transfer(ways, performers, stage, tell),
        "interpolation": _interpolation(models, unified, performers, tell),
        "maps": metrics["maps"],
        "configuration": metrics["configuration"],
        "budget": _budget(metrics),
        "command": f"python3 build.py train actuation --config {metrics['configuration']} && "
        "python3 build.py evaluate style",
        "date": today(),
        "machine": f"measured on one thread of {describe_machine()['processor']}, shared with other work",
    }
    options.out.mkdir(parents=True, exist_ok=True)
    _draw(options.out, ways, models, unified, lessons, stage, tell)
    write_page(result, options.out)
    return 0


def _budget(metrics: dict) -> str:
    """What every row of one training was given, and what its minutes are."""
    configuration = CONFIGURATIONS[metrics["configuration"]]
    devices = " and ".join(sorted(set(metrics["devices"].values())))
    if configuration.first.seconds:
        return (
            f"time, {configuration.first.seconds:.0f} s for the first\nstage and {configuration.second.seconds:.0f} s "
            f"for the second, side by side on one {devices}, where a process each called what the\ncommand calls; the "
            "command then measured them. Minutes are by the clock"
        )
    return f"number of steps ({devices}; minutes are CPU time of one core)"


def _mean(rows: Sequence[Sequence[float]]) -> float:
    return round(float(np.mean(np.concatenate(rows))), 4)


def _asked() -> dict[str, Array]:
    """Blendweights (19,) of what is asked for in another one's style."""
    return {label: np.array([shapes.get(name, 0.0) for name in SHAPE_NAMES]) for label, shapes in TRANSFERRED.items()}


def _draw(
    folder: Path,
    ways: dict[str, Perform],
    models: dict[str, ActuationModel],
    unified: Unified,
    lessons: Sequence[Lesson],
    stage: ActorStage,
    tell: Callable[[float, str], None],
) -> None:
    """The pictures, of the physical full model where it is there and of the shipped one."""
    performers = [lesson.performer for lesson in lessons]
    asked, tested = _asked(), performers[:TESTED_ACTORS]
    truth = stage.skin(
        tested[0].actor.identity,
        style_maps()[TRANSFERRED_STYLES[0]](np.clip(np.stack(list(asked.values())) @ semantic_weights(), 0.0, 1.0)),
    )[:, tested[0].carried]
    shown = [ways[name] for name in ("model_cswl", "model_n", "displacement", "unified") if name in ways]
    write_sheet(folder / "style_canonical.png", error_sheet(tested[0], shown, asked, TRANSFERRED_STYLES[0], truth))
    source, target = tested[1], tested[0]
    positions, weights = frames(source, held_out(source)[0])
    chosen = np.linspace(0, len(weights) - 1, RETARGETED_FRAMES).astype(int)
    for name in ("model_cswl", "unified"):
        if name not in ways:
            continue
        tell(1.0, f"pictures of {name}")
        write_sheet(folder / f"style_transfer_{name}.png", transfer_sheet(tested, ways[name], asked, TRAINED_ACTORS))
        write_sheet(
            folder / f"style_retargeting_{name}.png",
            retargeting_sheet(source, target, positions[chosen], weights[chosen], ways[name], 0),
        )
        write_sheet(
            folder / f"style_interpolation_{name}.png",
            [
                [face_picture(tested[0], skin) for skin in _blended(name, models, unified, tested[0], 0, asked[label])]
                for label in ("smile", "surprise")
            ],
        )
    places = {}
    expressions = training_expressions(lessons)
    expressions = expressions[:: max(1, len(expressions) // NEIGHBORS_SHOWN)]
    for name, title in (("model_csw", "without Lipschitz"), ("model_cswl", "with Lipschitz")):
        if name in models:
            codes, labels = style_codes(models[name], expressions)
            places[title] = neighbor_map(codes), labels
    if places:
        (folder / "style_codes.svg").write_text(neighbor_drawing(places), encoding="utf-8")


def _trained(folder: Path, metrics: dict) -> dict[str, ActuationModel]:
    """The models of several actors there are, by row."""
    models = {}
    width = CONFIGURATIONS[metrics["configuration"]].width
    for name, variant in VARIANTS.items():
        file = folder / name / "actuation.safetensors"
        if variant.single or name not in metrics["frames"]:
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
    played: dict[str, Perform], performers: list[Performer], stage: ActorStage, tell: Callable
) -> dict[str, float]:
    """Mean vertex error in mm when an actor performs in the style of others.

    Our actors are synthetic, so what that looks like is known; the paper could only show it.
    """
    blendweights = np.stack(list(_asked().values()))
    maps = style_maps()[:TRAINED_ACTORS]
    asked = np.clip(blendweights @ semantic_weights(), 0.0, 1.0)
    ways = {"own_linear_rig": _own_linear_rig} | {
        name: way for name, way in played.items() if name in ("unified", *PLAYED)
    }
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


def _blended(
    name: str, models: dict[str, ActuationModel], unified: Unified, performer: Performer, first: int, weights: Array
) -> list[Array]:
    """Skins (P, 3) of blendweights (19,) on the way from one actor's style to that of the third on from it."""
    second = (first + 3) % TRAINED_ACTORS
    skins = []
    for blend in np.linspace(0.0, 1.0, BLEND_STEPS):
        if name == "unified":
            style = {f"actor_{first + 1}": 1.0 - blend, f"actor_{second + 1}": blend}
            skins.append(unified.blended(performer, weights[None], style)[0])
        else:
            model = models[name]
            style = torch.lerp(model.styles[first], model.styles[second], float(blend))
            skins.append(perform(model, performer, VARIANTS[name], weights[None], style)[0])
    return skins


def _interpolation(
    models: dict[str, ActuationModel], unified: Unified, performers: list[Performer], tell: Callable
) -> dict[str, float]:
    """Unevenness of a smile's and a surprise's way from one style to another in four steps (figure 9); 1 is even."""
    found: dict[str, list[float]] = {name: [] for name in ("unified", *PLAYED) if name == "unified" or name in models}
    asked = _asked()
    for first, performer in enumerate(performers):
        for label in ("smile", "surprise"):
            for name, steps in found.items():
                steps.append(interpolation_steps(_blended(name, models, unified, performer, first, asked[label])))
        tell(1.0, f"styles blended on {performer.actor.name}")
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}
