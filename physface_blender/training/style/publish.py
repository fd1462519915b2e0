"""Puts the trained styles among the shipped models."""

import csv
import datetime
import shutil
from pathlib import Path

from ...networks.style import STYLE_FILE
from ...networks.weights import models_directory
from ..manifest import publish_entry, published_entry


def publish_style(configuration_name: str, directory: Path, metrics: dict[str, float]) -> None:
    """Copy the run's weights to ``models/style.safetensors`` and write their manifest entry.

    Args:
        configuration_name: the configuration they were trained with.
        directory: the run's folder with ``style.safetensors`` and, where the muscles were trained, ``log.csv``.
        metrics: what was measured on held-out performances, mm.
    """
    models = models_directory()
    target = models / f"{STYLE_FILE}.safetensors"
    shutil.copyfile(directory / target.name, target)
    if configuration_name == "tune":
        start = f" --start models/{target.name}"
        made = {"history": _history(models)}
    else:
        with (directory / "log.csv").open(newline="", encoding="utf-8") as stream:
            start, made = "", {"steps": int(list(csv.DictReader(stream))[-1]["step"])}
    publish_entry(
        models,
        STYLE_FILE,
        target,
        {
            "model": "styles of nine synthetic actors, a third input of the generalized model",
            "licence": "GPL-3.0-or-later; trained on MIT data, see NOTICE.md",
            "data": "ICT-FaceKit (MIT) and Live Link Face takes (MIT); synthetic actors with drawn style maps",
            "command": f"python3 build.py train style --config {configuration_name}{start} --publish",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            **made,
            **{name: round(value, 3) for name, value in metrics.items()},
        },
    )


def _history(models: Path) -> str:
    """What the manifest shall say of weights that go on from the published ones."""
    before = published_entry(models, STYLE_FILE)
    told = before.get("history", f"Features and muscles: {before.get('steps', 'unknown')} steps.")
    again = "Then the style input of N_e was solved for anew by the command above, features and muscles kept."
    return told if told.endswith(again) else f"{told} {again}"
