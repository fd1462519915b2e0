"""The cumulative curves of ``docs/evaluation/generalized.md``; run by ``build.py evaluate generalized``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from physface_blender.blender.chart import Axes, Curve, write_chart  # noqa: E402
from physface_blender.blender.contact_sheet import read_picture, write_picture  # noqa: E402

CURVES = ROOT / "build" / "evaluation" / "generalized" / "curves.npz"
PICTURE = ROOT / "docs" / "evaluation" / "generalized_v2v.png"
SHOWN_MM = 2.0


def main() -> None:
    """Draw both sets beside each other."""
    with np.load(Path(sys.argv[1]) if len(sys.argv) > 1 else CURVES) as file:
        arrays = dict(file)
    limits = arrays.pop("limits_mm")
    charts = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("static", "dynamic"):
            of_set = {key.removeprefix(f"{name} "): row for key, row in arrays.items() if key.startswith(f"{name} ")}
            names = {key: key if key == "network" else key.replace(" with", " mm,") for key in of_set}
            names = {
                key: name if "contact" in name or key == "network" else f"{name} mm" for key, name in names.items()
            }
            curves = [Curve(names[key], limits, row) for key, row in of_set.items()]
            path = Path(folder) / f"{name}.png"
            title = "Static: unseen identities, fitted" if name == "static" else "Dynamic: unseen sequences, not fitted"
            write_chart(Axes(title, "distance below, mm", (0.0, SHOWN_MM), (0.0, 1.0)), curves, path)
            charts.append(read_picture(path))
    write_picture(np.concatenate(charts, axis=1), PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()
