"""Trains the rows of table 1: actors made ready once, then one model after the other."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...anatomy.material_space import load_or_build
from ...anatomy.template import load_template
from ...networks.actuation import ActuationModel
from ...networks.generalized import load_generalized
from ..seeds import TRAINED_ACTORS
from .actors import load_actors
from .passive import passive_tensors
from .performer import Performer, prepare_performer
from .reconstruction import TESTED_ACTORS, held_out, linear_rig_errors, model_errors, style_silhouette
from .stage_one import CONFIGURATIONS, VARIANTS, Lesson, Variant, train_stage_one

RESOLUTION_MM = 5.0

Progress = Callable[[float, str], None]


def prepare_lessons(data: Path, directory: Path, progress: Progress) -> list[Lesson]:
    """The six trained actors with their tensors; made once, about two minutes an actor on one core."""
    template, model = load_template(), load_generalized()
    space = load_or_build(template, RESOLUTION_MM, directory / "cache")
    lessons = []
    for actor in load_actors(data, directory / "actors")[:TRAINED_ACTORS]:
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
    metrics = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"frames": {}, "silhouette": {}}
    tested = [lesson.performer for lesson in lessons[:TESTED_ACTORS]]
    metrics["maps"] = {lesson.performer.actor.name: lesson.performer.statistics.summary() for lesson in lessons}
    metrics["configuration"] = configuration_name
    if "linear_rig" not in metrics["frames"]:
        metrics["frames"]["linear_rig"] = _by_frame(tested, linear_rig_errors)
    for name, variant in VARIANTS.items():
        if name in metrics["frames"]:
            continue
        found = []
        for models, performers in _train(name, lessons, configuration_name, directory, progress):
            progress(1.0, f"{name}: playing the held-out performances")
            for index, performer in enumerate(performers):
                style = models.styles[index]
                found.append(
                    [
                        float(error)
                        for sequence in held_out(performer)
                        for error in model_errors(models, performer, variant, style, sequence)
                    ]
                )
            if not variant.single and not variant.displacement:
                expressions = lessons[0].tensors.expression.new_tensor(
                    np.concatenate([lesson.tensors.expression.numpy()[::4] for lesson in lessons])
                )
                metrics["silhouette"][name] = round(style_silhouette(models, expressions), 3)
        metrics["frames"][name] = found
        file.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return {name: float(np.mean(np.concatenate(frames))) for name, frames in metrics["frames"].items()}


def _train(
    name: str, lessons: Sequence[Lesson], configuration_name: str, directory: Path, progress: Progress
) -> list[tuple[ActuationModel, list[Performer]]]:
    """The models of a row, each with those it is tested on."""
    variant: Variant = VARIANTS[name]
    configuration = CONFIGURATIONS[configuration_name]

    def tell(share: float, text: str) -> None:
        progress(share, f"{name}: {text}")

    if not variant.single:
        model = train_stage_one(lessons, variant, configuration, directory / name, tell)
        return [(model, [lesson.performer for lesson in lessons[:TESTED_ACTORS]])]
    return [
        (
            train_stage_one([lesson], variant, configuration, directory / name / lesson.performer.actor.name, tell),
            [lesson.performer],
        )
        for lesson in lessons[:TESTED_ACTORS]
    ]


def _by_frame(tested: Sequence[Performer], errors: Callable[[Performer, str], np.ndarray]) -> list[list[float]]:
    return [
        [float(error) for sequence in held_out(performer) for error in errors(performer, sequence)]
        for performer in tested
    ]
