"""Loss plots of a training: ``python docs/pictures/loss_curves.py LOG.CSV PICTURE.PNG``; run by ``build.py train``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from physface_blender.blender.chart import Axes, Curve, write_chart  # noqa: E402


def main() -> int:
    """Draw every weighted loss of the log over the steps."""
    log, picture = Path(sys.argv[1]), Path(sys.argv[2])
    with log.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if len(rows) < 2:
        print(f"{log} has {len(rows)} rows; a plot needs two.")
        return 0
    steps = np.array([float(row["step"]) for row in rows])
    names = [name for name in rows[0] if name not in ("step", "seconds")]
    curves = [Curve(name, steps, np.array([float(row[name]) for row in rows])) for name in names]
    values = np.concatenate([curve.y for curve in curves])
    low, high = np.percentile(values[values > 0.0], [2, 100])
    axes = Axes(
        f"Weighted losses, {log.parent.name}",
        "steps",
        (steps[0], steps[-1]),
        (np.floor(np.log10(low)), np.ceil(np.log10(high))),
        logarithmic=True,
        x_format="{:.0f}",
    )
    write_chart(axes, curves, picture)
    print(f"{picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
