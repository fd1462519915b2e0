"""``python -m physface_blender.benchmark``: measure the simulator on this machine and write the pages of the evaluation."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SUBJECTS = {
    "simulation": "speed and memory of the simulator, in under ten minutes: simulation.json and simulation.md",
    "solvers": "ways to minimize the energy and to factorize K, compared at 2 mm: solvers.md",
    "endurance": "a thousand frames with contact: intersections, failures, memory: endurance.json and endurance.md",
    "drag": "a dragged slider, asked of the backend as Blender asks: how often the face is shown: drag.md",
    "resolution": "error of the solved state from 6.8 to 1.3 mm: simulation_resolution.md",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one subject and write its page; returns 0, or exits with 2 for a wrong argument."""
    parser = argparse.ArgumentParser(
        prog="build.py bench",
        description="Measures the simulator on this machine: "
        + "; ".join(f"{name}: {text}" for name, text in SUBJECTS.items())
        + ".",
    )
    parser.add_argument("subject", nargs="?", default="simulation", choices=SUBJECTS, help="default: simulation")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        metavar="DIR",
        help="folder of the source data, whose validation take is played; without it, the built-in performance is",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/evaluation"), metavar="DIR", help="folder of the pages, docs/evaluation/"
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - started:6.0f} s  {text}", flush=True)

    # Nothing that takes a second to load is loaded before the command line is understood.
    if options.subject == "simulation":
        from .figures import page
        from .simulation_benchmark import measure_simulation

        document = measure_simulation(options.data, tell)
        text = page(document)
        (options.out / "simulation.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        (options.out / "simulation.md").write_text(text, encoding="utf-8")
    elif options.subject == "solvers":
        from .solver_comparison import compare_solvers

        text = compare_solvers(options.data, tell)
        (options.out / "solvers.md").write_text(text, encoding="utf-8")
    elif options.subject == "drag":
        from .drag import measure_drag

        text = measure_drag(tell)
        (options.out / "drag.md").write_text(text, encoding="utf-8")
    elif options.subject == "endurance":
        from .endurance import endurance_page, play_long

        document = play_long(options.data, tell)
        text = endurance_page(document)
        (options.out / "endurance.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        (options.out / "endurance.md").write_text(text, encoding="utf-8")
    else:
        from .resolution import compare_resolutions

        text = compare_resolutions(options.data, tell)
        (options.out / "simulation_resolution.md").write_text(text, encoding="utf-8")
    tell("done")
    print(f"\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
