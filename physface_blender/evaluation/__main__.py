"""``python -m physface_blender.evaluation EXPERIMENT``: run an experiment and write its page into the documentation."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..backend.assets import FaceAssets
from ..backend.settings import default_cache_directory, default_thread_count
from ..training.seeds import training_identities
from .captured_mouth import captured_mouth
from .contact_fit import ContactFitting
from .contact_fit_page import write_arrays, write_page
from .tunable_face import TunableFace

TAKE = "alex_rom_4"
"""A take that the shipped weights were not trained on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run; returns 0, or 2 when the source data is missing."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["style"]:
        return _style(words[1:])
    if words[:1] == ["generalized"]:
        return _generalized(words[1:])
    parser = argparse.ArgumentParser(prog="build.py evaluate", description=__doc__.split(": ", 1)[1])
    parser.add_argument(
        "experiment",
        choices=("contact-fit", "generalized", "style"),
        help="which; all but contact-fit have options of their own",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument("--resolution", type=float, default=4.0, metavar="MM", help="edge of the cells")
    parser.add_argument("--frames", type=int, default=9, metavar="N", help="frames; every third is held out")
    parser.add_argument("--passes", type=int, default=4, metavar="N", help="how often each is trained on")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation"), metavar="DIR", help="folder of the page")
    parser.add_argument(
        "--arrays", type=Path, default=Path("build/evaluation/contact_fitting.npz"), help="skins for the picture"
    )
    options = parser.parse_args(words)
    if not (options.data / "ict_facekit").is_dir():
        print(f"There is no ict_facekit folder in {options.data}; name the source data with --data.", file=sys.stderr)
        return 2
    if options.frames < 3 or options.passes < 1:
        parser.error("at least three frames and one pass are needed.")
    started = time.perf_counter()
    threads = default_thread_count()
    torch.set_num_threads(threads)

    def report(share: float, text: str) -> None:
        print(f"{100 * share:5.1f} %  {text}  ({time.perf_counter() - started:.0f} s)", flush=True)

    coefficients = training_identities()[0]
    assets = FaceAssets.load(thread_count=threads)
    cache = default_cache_directory()
    regions = assets.template.regions
    carried = np.zeros(len(assets.template.meshes["skin"].vertices), dtype=bool)
    carried[assets.space(options.resolution, cache).inside] = True
    wanted = carried & (regions["face"] > 0.5) & (regions["inner_mouth"] <= 0.5)
    capture = captured_mouth(options.data, assets.template, coefficients, TAKE, options.frames, wanted)
    lips = np.maximum(regions["upper_lip"], regions["lower_lip"])[capture.vertices] > 0.5
    face = TunableFace(assets, coefficients, options.resolution, capture.vertices, cache)
    fitting = ContactFitting(face, capture, lips, report)
    fit = fitting.run(options.passes)
    facts = {
        "command": " ".join(["python3 build.py evaluate", *words]),
        "minutes": time.process_time() / 60.0,
        "machine": f"{threads} threads, {platform.processor() or platform.machine()}",
        "date": time.strftime("%d %b %Y"),
        "take": TAKE,
        "passes": options.passes,
        "resolution": options.resolution,
    }
    rest, held_out = face.rest.numpy(), fitting.held_out
    write_arrays(options.arrays, assets.template, fit, capture, rest, held_out)
    write_page(options.out / "contact_fitting.md", assets.template, fit, capture, rest, held_out, facts)
    return 0


def _generalized(words: Sequence[str]) -> int:
    from .generalized import evaluate_generalized

    return evaluate_generalized(words, lambda share, text: print(f"{100 * share:5.1f} %  {text}", flush=True))


def _style(words: Sequence[str]) -> int:
    from .style import EvaluationError, evaluate_style

    try:
        return evaluate_style(words, lambda share, text: print(text, flush=True))
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
