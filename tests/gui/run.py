"""PhysFace in a real Blender window, with a real mouse and keyboard: ``python3 tests/gui/run.py [NAME ...]``.

Every ``check_*.py`` beside this file is one session of Blender. It needs a Blender (``PHYSFACE_BLENDER``, or ``blender``
on the path), a display or ``Xvfb``, ``xdotool`` for the events and ImageMagick's ``import`` for the pictures; where one is
missing, all is skipped with the reason. ``PHYSFACE_PYTHON`` names the backend's Python where Blender's own has no torch.

What was measured is printed and written to ``measured.json`` in the folder of the pictures.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZE = (1600, 1000)


def missing() -> str:
    """Why nothing can be run here; empty when all is at hand."""
    if blender() is None:
        return "there is no Blender; name one in PHYSFACE_BLENDER"
    for program in ("xdotool", "import"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
        return "there is no display, and no Xvfb to make one"
    return ""


def blender() -> str | None:
    """The Blender to test in."""
    return os.environ.get("PHYSFACE_BLENDER") or shutil.which("blender")


def checks(names: list[str]) -> list[Path]:
    """The scripts with these names, all of them without any."""
    found = {path.stem.removeprefix("check_"): path for path in sorted(HERE.glob("check_*.py"))}
    unknown = sorted(set(names) - set(found))
    if unknown:
        raise SystemExit(f"There is no check {unknown[0]!r}; there are {', '.join(found)}.")
    return [found[name] for name in names or found]


def window_size(script: Path) -> tuple[int, int]:
    """Pixels of the window that a check wants; the screen's where it does not say."""
    found = re.search(r"^SIZE = \((\d+), (\d+)\)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else SIZE


def run(script: Path, pictures: Path, display: str, limit: float) -> tuple[str, float]:
    """Run one script in a Blender of its own; gives back ``passed`` or why not, and the seconds it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="physface-gui-") as home:
        environment = os.environ | {
            "DISPLAY": display,
            "PHYSFACE_GUI_SCRIPT": str(script),
            "PHYSFACE_GUI_PICTURES": str(pictures),
            "BLENDER_USER_RESOURCES": home,
            "PHYSFACE_USER_FOLDER": home,
        }
        width, height = window_size(script)
        command = [blender(), "--factory-startup", "-p", "0", "0", str(width), str(height)]
        command += ["--python-exit-code", "1", "--python", str(HERE / "driver.py")]
        try:
            ended = subprocess.run(command, env=environment, timeout=limit, check=False).returncode
        except subprocess.TimeoutExpired:
            return f"not ended after {limit:.0f} s", time.monotonic() - began
    return "passed" if ended == 0 else f"failed (exit {ended})", time.monotonic() - began


def shown(script: Path, pictures: Path, limit: float) -> tuple[str, float]:
    """Run one script on the display there is, or on one of its own."""
    display = os.environ.get("DISPLAY", "")
    if display:
        return run(script, pictures, display, limit)
    server, display = virtual_display(window_size(script))
    try:
        return run(script, pictures, display, limit)
    finally:
        server.terminate()
        server.wait()


def virtual_display(size: tuple[int, int]) -> tuple[subprocess.Popen[bytes], str]:
    """An X server of our own, as large as the window, and its name."""
    reading, writing = os.pipe()
    width, height = size
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as stream:
        number = stream.readline().strip()
    if not number:
        raise SystemExit("Xvfb did not start.")
    return server, f":{number}"


def main() -> int:
    """Run what is asked for; 0 when all passed or were skipped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="checks to run, such as style; all by default")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where pictures go; default: a temporary folder")
    parser.add_argument("--limit", type=float, default=600.0, metavar="SECONDS", help="for each check")
    options = parser.parse_args()
    scripts = checks(options.names)
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return 0
    pictures = (options.pictures or Path(tempfile.mkdtemp(prefix="physface-pictures-"))).resolve()
    pictures.mkdir(parents=True, exist_ok=True)
    results = {script.stem: shown(script, pictures, options.limit) for script in scripts}
    for name, (result, seconds) in results.items():
        print(f"{name}: {result} in {seconds:.0f} s")
    measured = pictures / "measured.json"
    if measured.is_file():
        print(json.dumps(json.loads(measured.read_text()), indent=2))
    print(f"Pictures: {pictures}")
    return int(any(result != "passed" for result, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
