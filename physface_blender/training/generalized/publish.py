"""Puts the trained generalized model among the shipped models."""

import csv
import datetime
import shutil
from pathlib import Path

from ...networks.weights import models_directory
from ..manifest import publish_entry


def publish_generalized(configuration_name: str, directory: Path, metrics: dict[str, float]) -> None:
    """Copy the run's weights to ``models/generalized.safetensors`` and write their manifest entry.

    Args:
        configuration_name: the configuration they were trained with.
        directory: the run's folder with ``generalized.safetensors`` and ``log.csv``.
        metrics: what ``evaluation.evaluate`` measured, mm.
    """
    models = models_directory()
    target = models / "generalized.safetensors"
    shutil.copyfile(directory / target.name, target)
    with (directory / "log.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    # The clock starts again when a run is resumed.
    seconds = [float(row["seconds"]) for row in rows]
    total = sum(now for now, later in zip(seconds, [*seconds[1:], 0.0], strict=True) if later < now)
    publish_entry(
        models,
        "generalized",
        target,
        {
            "model": "N_c, N_e, P_id and P_exp of Learning a Generalized Physical Face Model From Data",
            "licence": "GPL-3.0-or-later; trained on MIT data, see NOTICE.md",
            "data": "ICT-FaceKit (MIT), registered bones, Live Link Face takes and speech curves (MIT); synthetic captures",
            "command": f"python3 build.py train generalized --config {configuration_name} --publish",
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            "steps": int(rows[-1]["step"]),
            "hours": round(total / 3600, 2),
            **{name: round(value, 3) for name, value in metrics.items()},
        },
    )
