"""The commands of ``build.py``: each makes sure that its environment is there and then does its work inside it."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .environment import DETECTOR, PROJECT, ROOT, smoke_environment
from .native_libraries import ensure_blender_starts
from .package import build_package
from .process import BuildError, run
from .wheels import SHIPPED_PLATFORMS, blender_platform

Command = Callable[[argparse.Namespace, Sequence[str]], int]

PASSES_ON = ("demo", "fit-scan", "fit-photo", "test", "bench", "evaluate", "template", "train")
"""Commands whose arguments are those of the program that they start; ``build.py demo --help`` explains the demo's."""

SMOKE_VERSIONS = ("4.2", "5.0")
"""Blender versions besides 4.5 that the extension is tried in, each with its lock in ``requirements/``."""


def main(arguments: Sequence[str]) -> int:
    """Run one command of ``build.py`` and give back its return code."""
    # For all that is started: threads that wait for each other sleep, as in the worker. Spinning ones keep each other
    # waiting wherever anything else runs: a layer of a network took fifty times as long beside one other process.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What follows a command that passes its arguments on is not looked at here.
    known = 1 if arguments and arguments[0] in PASSES_ON else len(arguments)
    options, rest = _parser().parse_args(arguments[:known]), arguments[known:]
    try:
        return options.action(options, rest)
    except BuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.return_code
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py",
        description="Builds, shows, tests and packages PhysFace in an environment of its own, which it makes in .venv.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, action: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(action=action)
        return command

    add(
        "demo",
        _demo,
        "play a performance on a face, also under --gravity, with --stiffness, --paralysis or --jaw-scale, and write "
        "demo.blend, pictures, a film and a report",
    )
    add("fit-scan", _fit, "make a character of a scan: fit-scan FILE --out DIR")
    add("fit-photo", _fit, "make a character of a photo: fit-photo FILE (--landmarks FILE | --detect) --out DIR")
    add("test", _test, "run all tests, or pytest with the arguments that follow")
    add("lint", _lint, "check style, formatting and the direction of imports")
    add("bench", _bench, "measure the simulator: bench, bench solvers, bench resolution, bench endurance, bench drag")
    add("evaluate", _evaluate, "repeat an experiment and write its page: evaluate contact-fit|generalized|style")
    add("template", _template, "make the template in models/ from ../shared/data")
    add("train", _train, "train a model on ../shared/data: train generalized [--config small|cpu|tune|full]")
    package = add("package", _package, "make the extension's zip, for this platform or for all")
    package.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="folder of the zip, dist/")
    kind = package.add_mutually_exclusive_group()
    kind.add_argument("--all", action="store_true", help=f"for all platforms: {', '.join(SHIPPED_PLATFORMS)}")
    kind.add_argument(
        "--without-wheels",
        action="store_true",
        help="leave torch and the like out; the worker then needs its own Python",
    )
    return parser


def _ensure(*groups: str) -> None:
    """Install groups of requirements; where Blender is among them, see that it starts."""
    PROJECT.ensure(*groups)
    if "blender" in groups:
        ensure_blender_starts(PROJECT)


def _module(name: str, arguments: Sequence[str]) -> int:
    return run([PROJECT.python, "-m", name, *arguments], folder=ROOT)


def _demo(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime", "blender")
    return run([PROJECT.python, "-m", "physface_blender.cli", "demo", *rest])


def _fit(options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime", "blender")
    if "--detect" in rest:
        DETECTOR.ensure("detector")
    return run([PROJECT.python, "-m", "physface_blender.cli", options.command, *rest])


def _bench(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime")
    return _module("physface_blender.benchmark", rest)


def _evaluate(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime", "training", "blender")
    code = _module("physface_blender.evaluation", rest)
    experiment = rest[0] if rest else ""
    if code or experiment == "style" or {"-h", "--help"} & set(rest):
        return code
    if experiment == "generalized":
        picture = ["generalized_curves.py"]
    else:
        of_style = {"style", "--model=style"} & set(rest)
        picture = ["contact_fitting.py", "style_contact_fitting" if of_style else "contact_fitting"]
    return run([PROJECT.python, ROOT / "docs" / "pictures" / picture[0], *picture[1:]], folder=ROOT)


def _template(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime", "training")
    return _module("physface_blender.training.template", rest)


def _train(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    _ensure("runtime", "training", "blender")
    code = _module("physface_blender.training", rest)
    folder = Path(rest[rest.index("--out") + 1]) if "--out" in rest else ROOT / "build" / "training" / "generalized"
    log = folder / "log.csv"
    if code or "generalized" not in rest or not log.is_file():
        return code
    return run([PROJECT.python, ROOT / "docs" / "pictures" / "loss_curves.py", log, folder / "losses.png"], folder=ROOT)


def _lint(_options: argparse.Namespace, _rest: Sequence[str]) -> int:
    _ensure("development")
    checked = _module("ruff", ["check", "."])
    formatted = _module("ruff", ["format", "--check", "."])
    return checked or formatted


def _package(options: argparse.Namespace, _rest: Sequence[str]) -> int:
    _ensure("runtime", "blender")
    platforms = SHIPPED_PLATFORMS if options.all else (None if options.without_wheels else blender_platform(),)
    for platform in platforms:
        archive = build_package(options.out, platform)
        print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)", flush=True)
    return 0


def _test(_options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run the tests; the other Blenders are fetched while the first of them run."""
    started = time.monotonic()
    _ensure("runtime", "blender", "training", "development")
    environment = dict(os.environ, OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "2"))
    pytest = [PROJECT.python, "-m", "pytest"]
    if rest:
        return run([*pytest, *rest], environment=environment)
    with ThreadPoolExecutor(max_workers=1) as executor:
        others = executor.submit(_ensure_smoke_environments)
        codes = [run([*pytest, "tests/numerics", "tests/bridge"], environment=environment, folder=ROOT)]
        others.result()
    environment["PHYSFACE_NO_SKIPPED_BLENDER"] = "1"
    codes.append(run([*pytest, "tests/extension"], environment=environment, folder=ROOT))
    code = next((code for code in codes if code), 0)
    print(f"{'Tests failed' if code else 'All tests passed'} after {(time.monotonic() - started) / 60:.1f} minutes.")
    return code


def _ensure_smoke_environments() -> None:
    for version in SMOKE_VERSIONS:
        environment = smoke_environment(version)
        environment.ensure(f"blender-{version}")
        ensure_blender_starts(environment)
