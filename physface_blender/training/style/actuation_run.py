"""Trains the rows of table 1: actors made ready once, then one model after the other."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from ...anatomy.material_space import load_or_build
from ...anatomy.template import load_template
from ...networks.actuation import ActuationModel
from ...networks.generalized import load_generalized
from ...networks.weights import load_weights, read_metadata
from ..seeds import TRAINED_ACTORS
from .actors import load_actors
from .drawn_frames import with_drawn_frames
from .passive import passive_tensors
from .performer import Performer, prepare_performer
from .reconstruction import TESTED_ACTORS, held_out, linear_rig_errors, model_errors, style_silhouette
from .stage_one import CONFIGURATIONS, VARIANTS, Lesson, train_stage_one
from .stage_two import train_stage_two

RESOLUTION_MM = 5.0
VALIDATION_STRIDE = 2
"""Of the tested frames, in the validation."""

Progress = Callable[[float, str], None]


def prepare_lessons(data: Path, directory: Path, progress: Progress) -> list[Lesson]:
    """The six trained actors with their tensors; made once, about two minutes an actor on one core."""
    template, model = load_template(), load_generalized()
    space = load_or_build(template, RESOLUTION_MM, directory / "cache")
    lessons = []
    for actor in load_actors(data, directory / "actors", TRAINED_ACTORS):
        progress(0.0, f"{actor.name}: canonical map and passive simulation")
        performer = prepare_performer(actor, model, template, space, directory)
        lessons.append(Lesson(performer, passive_tensors(performer, directory, lambda text: progress(0.0, text))))
    return lessons


def run_actuation(configuration_name: str, data: Path, directory: Path, progress: Progress) -> dict[str, float]:
    """Train every row of table 1 that is trained, or go on where it stopped, and measure each as soon as it is there.

    Args:
        configuration_name: a key of ``stage_one.CONFIGURATIONS``.
        data: source data.
        directory: receives actors, maps, tensors, a folder a row, and ``metrics.json``, which ``build.py evaluate style``
            turns into the page.
        progress: called with fraction and sentence.

    Returns:
        Mean vertex error in mm on the held-out performances by row.
    """
    lessons = prepare_lessons(data, directory, progress)
    file = directory / "metrics.json"
    metrics = _read(file)
    performers = [lesson.performer for lesson in lessons]
    metrics["maps"] = {performer.actor.name: performer.statistics.summary() for performer in performers}
    metrics["configuration"] = configuration_name
    for kind, people in (("frames", performers[:TESTED_ACTORS]), ("validation", performers[TESTED_ACTORS:])):
        metrics[kind]["linear_rig"] = _by_frame(people, linear_rig_errors)
    # A budget by the clock is counted by the clock, as it is for a GPU; else CPU time, as other work may run beside.
    column = "seconds" if CONFIGURATIONS[configuration_name].first.seconds else "cpu_seconds"
    taught = [
        replace(lesson, tensors=with_drawn_frames(lesson.performer, lesson.tensors, directory)) for lesson in lessons
    ]
    for name, variant in VARIANTS.items():
        if name in metrics["frames"]:
            continue
        groups = [[lesson] for lesson in taught[:TESTED_ACTORS]] if variant.single else [taught]
        found: dict[str, list[list[float]]] = {"frames": [], "validation": []}
        spent = 0.0
        for group in groups:
            folder = directory / name / (group[0].performer.actor.name if variant.single else "")
            model = train_row(name, group, configuration_name, folder, progress)
            spent += _spent(folder, column)
            progress(1.0, f"{name}: playing the held-out performances")
            for index, lesson in enumerate(group):
                kind = "frames" if index < TESTED_ACTORS else "validation"
                stride = 1 if kind == "frames" else VALIDATION_STRIDE
                found[kind].append(
                    [
                        float(error)
                        for sequence in held_out(lesson.performer)
                        for error in model_errors(
                            model, lesson.performer, variant, model.styles[index], sequence, stride
                        )
                    ]
                )
        if not variant.single and not variant.displacement:
            metrics["silhouette"][name] = round(style_silhouette(model, training_expressions(lessons)), 3)
        metrics["devices"][name] = read_metadata(folder / "actuation.safetensors").get("device", "")
        metrics["minutes"][name] = round(spent / 60.0, 1)
        metrics["frames"][name] = found["frames"]
        metrics["validation"][name] = found["validation"]
        file.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        progress(1.0, f"{name}: {np.mean(np.concatenate(found['frames'])):.3f} mm")
    return {name: float(np.mean(np.concatenate(frames))) for name, frames in metrics["frames"].items()}


def train_row(
    name: str, lessons: Sequence[Lesson], configuration_name: str, folder: Path, progress: Progress
) -> ActuationModel:
    """Both stages of one model of table 1, or what is missing of them; displacements need no second one.

    A GPU may have trained it elsewhere: finished weights in the folder are taken as they are.
    """
    variant, configuration = VARIANTS[name], CONFIGURATIONS[configuration_name]
    file = folder / "actuation.safetensors"
    last = "first" if variant.displacement or not configuration.second.steps else "second"
    if file.is_file() and read_metadata(file).get("stage") == last:
        model = ActuationModel(variant.settings(len(lessons), configuration.width))
        load_weights(model, "actuation", file)
        return model.eval().requires_grad_(False)

    def tell(share: float, text: str) -> None:
        progress(share, f"{name}: {text}")

    model = train_stage_one(lessons, variant, configuration, folder, tell)
    if variant.displacement:
        return model
    return train_stage_two(model, lessons, variant, configuration, folder, tell)


def training_expressions(lessons: Sequence[Lesson]) -> torch.Tensor:
    """Every fourth training expression (N, 19) of all actors."""
    return torch.cat([lesson.tensors.expression[::4] for lesson in lessons])


def _read(file: Path) -> dict:
    metrics = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {"frames": {}, "validation": {}, "silhouette": {}, "minutes": {}, "devices": {}} | metrics


def _spent(folder: Path, column: str) -> float:
    """Seconds of both stages by a column of their logs, over all runs that were interrupted."""
    total = 0.0
    for name in ("log.csv", "log_two.csv"):
        if (folder / name).is_file():
            with (folder / name).open(newline="", encoding="utf-8") as stream:
                seconds = [float(row[column]) for row in csv.DictReader(stream)]
            # A run that goes on counts its CPU time from zero again.
            total += sum(a for a, b in pairwise([*seconds, 0.0]) if b < a)
    return total


def _by_frame(people: Sequence[Performer], errors: Callable[[Performer, str], np.ndarray]) -> list[list[float]]:
    return [
        [float(error) for sequence in held_out(performer) for error in errors(performer, sequence)]
        for performer in people
    ]
