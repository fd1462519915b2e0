"""``python -m physface_blender.training MODEL``: train a model, or go on where it stopped."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import torch

from .allocator import keep_freed_memory
from .generalized.loop import TrainingDivergedError
from .generalized.publish import publish_generalized
from .generalized.run import run_ablations, run_generalized
from .style.actuation_run import run_actuation
from .style.publish import publish_style
from .style.styled_generalized import run_style

MODELS = {
    "generalized": (run_generalized, publish_generalized),
    "ablations": (run_ablations, None),
    "style": (run_style, publish_style),
    "actuation": (run_actuation, None),
}
"""Name to what trains it and what puts it among the shipped models, if it is one of them."""


def main() -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="physface_blender.training", description=__doc__)
    parser.add_argument("model", choices=sorted(MODELS))
    parser.add_argument("--config", default="cpu", choices=("small", "cpu", "tune", "full"), help="size of the run")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument("--out", type=Path, help="checkpoints and log; default: build/training/MODEL")
    parser.add_argument(
        "--start", type=Path, metavar="FILE", help="generalized, style: weights to start from, with --config tune"
    )
    parser.add_argument("--publish", action="store_true", help="put the weights into models/ with their manifest")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    if not (arguments.data / "ict_facekit").is_dir():
        print(f"There is no ict_facekit folder in {arguments.data}; name the source data with --data.", file=sys.stderr)

    def progress(fraction: float, message: str) -> None:
        print(f"{100 * fraction:5.1f} %  {message}", flush=True)

    run, publish = MODELS[arguments.model]
    if arguments.publish and publish is None:
        parser.error(f"{arguments.model} is trained for its evaluation and not shipped; leave out --publish.")
    if arguments.model not in ("generalized", "style") and arguments.config == "tune":
        parser.error("--config tune belongs to the models generalized and style.")
    if (arguments.start is None) != (arguments.config != "tune"):
        parser.error("--config tune goes on from finished weights: name them with --start, and only with it.")
    if arguments.start is not None:
        run = partial(run, start=arguments.start)
    out = arguments.out or Path("build/training") / arguments.model
    try:
        metrics = run(arguments.config, arguments.data, out, progress)
    except TrainingDivergedError as error:
        print(error, file=sys.stderr)
        return 1
    if not metrics:
        return 0  # the first of several processes has them, and says so
    if arguments.publish:
        publish(arguments.config, out, metrics)
    print(json.dumps(metrics, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
