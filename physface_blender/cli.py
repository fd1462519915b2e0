"""``python -m physface_blender.cli COMMAND``: the same work without a window.

Commands return 0 when all is well, 2 for a wrong argument or a file that cannot be used (with one sentence), 1 when
something else stopped them, and 130 when the user did.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

FORWARDED = {
    "bench": "measure the simulator: bench, bench solvers, bench resolution, bench endurance, bench drag",
    "evaluate": "repeat an experiment of the papers",
    "template": "make the template from the source data",
    "train": "train a model",
}
"""Commands with a program and arguments of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the command line and give back its return code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and arguments[0] in FORWARDED:
        return _forward(arguments[0], arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        return options.action(options, arguments)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="physface", description="Physical faces without a window.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="play a performance on a face: Blender file, film, contact sheet, report",
        description="Plays a capture, or a short performance of our own, on a face with full physics, and writes "
        "demo.blend, demo.mp4, contact_sheet.png and report.json.",
    )
    demo.add_argument(
        "--capture",
        type=Path,
        metavar="FILE",
        help="Live Link Face capture, .csv or .csv.gz; default: the built-in one",
    )
    demo.add_argument(
        "--frames",
        metavar="A:B",
        help="frames A to B - 1 of the performance; default: all, or the first 96 of a capture",
    )
    demo.add_argument("--out", type=Path, default=Path("demo-output"), metavar="DIR", help="folder of the results")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="number from which the identity is drawn")
    demo.add_argument("--width", type=int, default=320, metavar="PIXELS", help="width of the pictures, even")
    demo.add_argument("--samples", type=int, default=4, metavar="N", help="paths per pixel of the film")
    demo.add_argument("--sheet-samples", type=int, default=8, metavar="N", help="the same of the contact sheet")
    demo.add_argument(
        "--gravity",
        metavar="PITCH,ROLL",
        help="degrees the head nods (90: face down, -90: on the back) and leans to its right, or PITCH,YAW,ROLL",
    )
    demo.add_argument(
        "--friction", type=float, default=0.0, metavar="MU", help="coefficient where lips and teeth touch, 0 to 1"
    )
    demo.add_argument("--stiffness", type=float, default=1.0, metavar="SCALE", help="multiple of Young's modulus")
    demo.add_argument(
        "--paralysis",
        metavar="REGION[:SHARE],...",
        help="left, right, or a branch of the facial nerve such as left.buccal (temporal, zygomatic, buccal, "
        "mandibular), each with the share 0 to 1 that is lost",
    )
    demo.add_argument(
        "--jaw-scale",
        metavar="LENGTH[,WIDTH,HEIGHT]",
        help="scale of the mandible about its condyles",
    )
    demo.add_argument(
        "--jaw-shift", type=float, default=0.0, metavar="MM", help="of the mandible toward the character's left"
    )
    demo.add_argument(
        "--style",
        metavar="NAME:WEIGHT,...",
        help="styles of actors that the performance is played in, such as actor_3:0.6,actor_5:0.4, or a style file",
    )
    demo.set_defaults(action=_demo)
    sheet = commands.add_parser(
        "expressions",
        help="render a sheet of twelve expressions on several identities",
        description="Renders twelve simulated expressions on every identity, a row each.",
    )
    sheet.add_argument("--out", type=Path, default=Path("docs/evaluation/expressions.png"), metavar="FILE")
    sheet.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="identities")
    sheet.add_argument("--width", type=int, default=224, metavar="PIXELS", help="width of a picture, even")
    sheet.add_argument("--samples", type=int, default=12, metavar="N", help="paths per pixel")
    sheet.set_defaults(action=_expressions)
    scan = commands.add_parser(
        "fit-scan",
        help="make a character of a scan: Blender file, pictures, report",
        description="Fits a face to a scan in any pose, unit and topology, and writes identity.npz, fit.blend, fit.png "
        "(scan, fit, error), portraits.png and report.json.",
    )
    scan.add_argument("file", type=Path, metavar="FILE", help="the scan: .obj, .ply or .stl")
    scan.add_argument("--landmarks", type=Path, metavar="FILE", help="JSON list of 68 points of the scan, iBUG order")
    scan.add_argument("--mirror", action="store_true", help="fit the scan's mirror image")
    scan.add_argument("--at-rest", action="store_true", help="the scan shows no expression")
    scan.add_argument(
        "--bind", action="store_true", help="let the scan itself ride on the character; writes bound_*.obj"
    )
    scan.add_argument(
        "--part",
        action="append",
        default=[],
        metavar="KIND=FILE",
        help="with --bind, a mesh that follows: teeth, eye_left, eye_right or lashes",
    )
    scan.add_argument("--out", type=Path, default=Path("fit-output"), metavar="DIR", help="folder of the results")
    scan.set_defaults(action=_fit_scan)
    photo = commands.add_parser(
        "fit-photo",
        help="make a character of the landmarks of a photo: Blender file, pictures, report",
        description="Fits a face to 68 landmarks of a photo, and writes identity.npz, fit.blend, fit.png (landmarks, fit "
        "over the photo, fit from the side), portraits.png and report.json.",
    )
    photo.add_argument("file", type=Path, metavar="FILE", help="the photo: any picture that Blender reads")
    given = photo.add_mutually_exclusive_group()
    given.add_argument(
        "--landmarks",
        type=Path,
        metavar="FILE",
        help="JSON list of 68 points in pixels from the upper left, iBUG order",
    )
    given.add_argument(
        "--detect", action="store_true", help="let a detector find them; they are kept in landmarks.json"
    )
    photo.add_argument("--out", type=Path, default=Path("fit-output"), metavar="DIR", help="folder of the results")
    photo.set_defaults(action=_fit_photo)
    walk = commands.add_parser(
        "walk",
        help="walk through the space of identities and count intersections",
        description="Makes the faces between several identities and counts where bones or skin intersect the skin.",
    )
    walk.add_argument("--out", type=Path, default=Path("docs/evaluation/identity_walk.md"), metavar="FILE")
    walk.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="identities, two or more")
    walk.add_argument("--steps", type=int, default=4, metavar="N", help="from each to the next")
    walk.set_defaults(action=_walk)
    styles = commands.add_parser(
        "styles",
        help="render a sheet of three expressions in all styles on one face",
        description="Renders a smile, a surprise and an 'oo', each without a style and in every style there is.",
    )
    styles.add_argument("--out", type=Path, default=Path("docs/evaluation/styles.png"), metavar="FILE")
    styles.add_argument("--seed", type=int, default=1, metavar="N", help="number from which the identity is drawn")
    styles.add_argument("--width", type=int, default=160, metavar="PIXELS", help="width of a picture, even")
    styles.add_argument("--samples", type=int, default=12, metavar="N", help="paths per pixel")
    styles.set_defaults(action=_styles)
    learn = commands.add_parser(
        "learn-style",
        help="learn an actor's style from its capture",
        description="Learns how an actor performs from shapes and performances (docs/formats/actor.md) and writes a "
        "style file that --style takes.",
    )
    learn.add_argument("actor", type=Path, metavar="ACTOR.npz", help="what was captured of the actor")
    learn.add_argument("--out", type=Path, metavar="FILE", help="the style file; default: ACTOR.safetensors")
    learn.set_defaults(action=_learn_style)
    for command in (demo, sheet):
        command.add_argument(
            "--resolution", type=float, default=4.0, metavar="MM", help="edge of the cells, 1 to 10 mm"
        )
        command.add_argument("--weights", type=Path, metavar="FILE", help="other network weights than the shipped ones")
    for name, text in FORWARDED.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def _demo(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .demo.effect_options import effects_from_words
    from .demo.run import DemoOptions, run_demo
    from .demo.style_options import style_from_words

    def work() -> int:
        wanted = DemoOptions(
            capture=options.capture,
            frames=options.frames,
            resolution_mm=options.resolution,
            out=options.out,
            seed=options.seed,
            weights=options.weights,
            width=options.width,
            samples=options.samples,
            sheet_samples=options.sheet_samples,
            effects=effects_from_words(
                options.gravity,
                options.stiffness,
                options.paralysis,
                options.jaw_scale,
                options.jaw_shift,
                options.friction,
            ),
            style=style_from_words(options.style),
        )
        return run_demo(wanted, ["build.py", *arguments], Console())

    return _explaining(work)


def _expressions(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .demo.expressions import SheetOptions, run_expressions

    wanted = SheetOptions(
        out=options.out,
        seeds=tuple(options.seeds),
        resolution_mm=options.resolution,
        weights=options.weights,
        width=options.width,
        samples=options.samples,
    )
    return _explaining(lambda: run_expressions(wanted, Console()))


def _fit_scan(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    from .demo.bound_files import read_parts
    from .demo.console import Console
    from .demo.fit_scan import FitScanOptions, run_fit_scan

    def work() -> int:
        wanted = FitScanOptions(
            scan=options.file,
            out=options.out,
            landmarks=options.landmarks,
            mirror=options.mirror,
            at_rest=options.at_rest,
            bind=options.bind,
            parts=read_parts(options.part),
        )
        return run_fit_scan(wanted, ["build.py", *arguments], Console())

    return _explaining(work)


def _styles(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .demo.style_sheet import StyleSheetOptions, run_style_sheet

    wanted = StyleSheetOptions(out=options.out, seed=options.seed, width=options.width, samples=options.samples)
    return _explaining(lambda: run_style_sheet(wanted, Console()))


def _learn_style(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .fitting.actor_capture import read_actor
    from .fitting.style_examples import StyleExamples
    from .fitting.style_fit import fit_style
    from .networks.generalized import load_generalized
    from .networks.style import load_style, save_style

    console = Console()

    def tell(share: float, text: str) -> bool:
        console.progress(f"{100.0 * share:.0f} %  {text}")
        return True

    def work() -> int:
        actor, model, styles = read_actor(options.actor), load_generalized(), load_style()
        readout = fit_style(model, styles, StyleExamples.of(model, actor), progress=tell)
        out = options.out or options.actor.with_suffix(".safetensors")
        save_style(styles, readout, out)
        console.say(f'{out}: the style of {actor.name}; play it with --style "{out}:1".')
        return 0

    return _explaining(work)


def _fit_photo(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .demo.fit_photo import FitPhotoOptions, run_fit_photo

    wanted = FitPhotoOptions(photo=options.file, out=options.out, landmarks=options.landmarks, detect=options.detect)
    return _explaining(lambda: run_fit_photo(wanted, ["build.py", *arguments], Console()))


def _walk(options: argparse.Namespace, _arguments: Sequence[str]) -> int:
    from .demo.console import Console
    from .demo.identity_walk import WalkOptions, run_identity_walk

    wanted = WalkOptions(out=options.out, seeds=tuple(options.seeds), steps=options.steps)
    return _explaining(lambda: run_identity_walk(wanted, Console()))


def _explaining(work: Callable[[], int]) -> int:
    """Do the work; what can be expected to go wrong becomes a sentence and a return code."""
    from .anatomy.template import TemplateError
    from .backend.errors import BackendError
    from .demo.errors import DemoError, StudioError
    from .fitting.actor_capture import ActorCaptureError
    from .fitting.errors import FittingError
    from .networks.weights import WeightsError
    from .performance.live_link_face import CaptureError
    from .simulation.hexahedron import RestShapeError
    from .simulation.rest_repair import RestRepairError

    try:
        return work()
    except (
        DemoError,
        FittingError,
        ActorCaptureError,
        CaptureError,
        TemplateError,
        WeightsError,
        BackendError,
        RestRepairError,
        RestShapeError,
    ) as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"\nA file cannot be read or written: {error.strerror} ({error.filename}).", file=sys.stderr)
        return 1
    except StudioError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _forward(command: str, arguments: Sequence[str]) -> int:
    """Run a command that reads its own arguments."""
    if command == "bench":
        from .benchmark.__main__ import main as program
    elif command == "evaluate":
        from .evaluation.__main__ import main as program
    elif command == "template":
        from .training.template.__main__ import main as program
    else:
        from .training.__main__ import main as program
    sys.argv = [f"build.py {command}", *arguments]
    return program()


if __name__ == "__main__":
    sys.exit(main())
