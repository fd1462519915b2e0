"""The built zip, and Blenders with clean profiles that have it installed."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

INSIDE = Path(__file__).parent / "inside_blender"
"""Scripts that run in a Blender with the installed extension; each gets the address of its zip as its argument."""


def blender_python(repository: Path, version: str) -> Path:
    """The interpreter that has this Blender as a module: this one for 4.5, else one that ``build.py test`` made."""
    if version == "4.5":
        return Path(sys.executable)
    folder = repository / "build" / f"blender-{version}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        reason = f"Blender {version} is not in {folder}; `python3 build.py test` puts it there"
        if os.environ.get("PHYSFACE_NO_SKIPPED_BLENDER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def build_zip(repository: Path, output: Path, *options: str) -> Path:
    """The extension, built by the project's own command from the files that git tracks."""
    base = os.path.realpath(sys._base_executable)
    command = [base, "build.py", "package", "--out", str(output), *options]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (archive,) = output.glob("*.zip")
    return archive


@pytest.fixture(scope="session")
def extension_zip(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension without wheels."""
    return build_zip(repository, tmp_path_factory.mktemp("zip"), "--without-wheels")


@pytest.fixture(scope="session")
def bundled_zip(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as users get it, with all that the worker needs."""
    return build_zip(repository, tmp_path_factory.mktemp("bundled"))


@pytest.fixture
def run_in_blender(repository: Path, tmp_path: Path) -> Callable[[str, str, Path], dict]:
    """A function that runs a script of ``inside_blender`` in a Blender with a clean profile and a zip to install.

    The script's last line of standard output has to be JSON; it is given back. With a zip without wheels the worker runs
    in this interpreter, because a Blender has no torch; with one that has wheels it runs in that Blender's own.
    """

    def run(version: str, script: str, archive: Path) -> dict:
        profile = tmp_path / f"profile-{version}-{script}"
        (profile / "home").mkdir(parents=True)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PHYSFACE_PYTHON"},
            "BLENDER_USER_RESOURCES": str(profile),
            "HOME": str(profile / "home"),
            "XDG_CACHE_HOME": str(profile / "home" / "cache"),
            "PYTHONPATH": str(INSIDE),  # for the scripts' common part; the package itself must come from the zip
            "PYTHONSAFEPATH": "1",
        }
        with zipfile.ZipFile(archive) as package:
            if not any(name.startswith("wheels/") for name in package.namelist()):
                environment["PHYSFACE_PYTHON"] = sys.executable
        command = [str(blender_python(repository, version)), str(INSIDE / f"{script}.py"), str(archive)]
        result = subprocess.run(
            command, cwd=profile, env=environment, capture_output=True, text=True, timeout=1200, check=False
        )
        report = f"\n{result.stdout[-4000:]}\n{result.stderr[-6000:]}"
        assert result.returncode == 0, f"{script} in Blender {version} ended with {result.returncode}{report}"
        lines = result.stdout.strip().splitlines()
        assert lines, f"{script} in Blender {version} said nothing{report}"
        return json.loads(lines[-1])

    return run
