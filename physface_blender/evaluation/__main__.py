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
from ..networks.weights import WeightsError
from .contact_fit import ContactFitting
from .contact_fit_page import write_arrays, write_page
from .contact_subjects import generalized_subject, style_subject

ARRAYS = Path("build/evaluation")
"""Receives what the pictures are made of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run; returns 0, or 2 when source data or trained models are missing."""
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
    parser.add_argument(
        "--model",
        choices=("generalized", "style"),
        default="generalized",
        help="which network is fitted through contact",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument(
        "--training",
        type=Path,
        default=Path("build/training/actuation"),
        help="folder of `build.py train actuation`, for the style model",
    )
    parser.add_argument("--resolution", type=float, default=4.0, metavar="MM", help="edge of the cells")
    parser.add_argument("--frames", type=int, default=9, metavar="N", help="frames; every third is held out")
    parser.add_argument("--passes", type=int, default=4, metavar="N", help="how often each is trained on")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation"), metavar="DIR", help="folder of the page")
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

    assets = FaceAssets.load(thread_count=threads)
    made_with = assets, options.resolution, options.frames, default_cache_directory()
    if options.model == "style":
        try:
            subject = style_subject(options.data, options.training, *made_with)
        except WeightsError as error:
            print(f"{error} The style model is trained by `build.py train actuation`.", file=sys.stderr)
            return 2
    else:
        subject = generalized_subject(options.data, *made_with)
    capture, rest = subject.capture, subject.face.rest.numpy()
    lips = (
        np.maximum(assets.template.regions["upper_lip"], assets.template.regions["lower_lip"])[capture.vertices] > 0.5
    )
    fit = ContactFitting(subject.face, capture, lips, subject.rate, report).run(options.passes)
    facts = {
        "command": " ".join(["python3 build.py evaluate", *words]),
        "minutes": time.process_time() / 60.0,
        "machine": f"{threads} threads, {platform.processor() or platform.machine()}",
        "date": time.strftime("%d %b %Y"),
        "passes": options.passes,
        "resolution": options.resolution,
        **subject.words,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    picture = options.out.resolve() / f"{subject.page}.png"
    write_arrays(ARRAYS / f"{subject.page}.npz", assets.template, fit, capture, rest, picture)
    write_page(options.out / f"{subject.page}.md", assets.template, fit, capture, rest, facts)
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
