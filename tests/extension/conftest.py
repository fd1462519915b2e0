"""The built zip, and Blenders with clean profiles that have it installed."""

import json
import os
import subprocess
import sys
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


@pytest.fixture(scope="session")
def extension_zip(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension without wheels, built by the project's own command from the files that git tracks."""
    output = tmp_path_factory.mktemp("zip")
    base = os.path.realpath(sys._base_executable)
    command = [base, "build.py", "package", "--without-wheels", "--out", str(output)]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (archive,) = output.glob("*.zip")
    return archive


@pytest.fixture
def run_in_blender(repository: Path, extension_zip: Path, tmp_path: Path) -> Callable[[str, str], dict]:
    """A function that runs a script of ``inside_blender`` in a Blender with a clean profile.

    The script's last line of standard output has to be JSON; it is given back. The worker runs in this interpreter,
    because a Blender without bundled wheels has no torch.
    """

    def run(version: str, script: str) -> dict:
        profile = tmp_path / f"profile-{version}-{script}"
        (profile / "home").mkdir(parents=True)
        environment = {
            **os.environ,
            "BLENDER_USER_RESOURCES": str(profile),
            "HOME": str(profile / "home"),
            "XDG_CACHE_HOME": str(profile / "home" / "cache"),
            "PHYSFACE_PYTHON": sys.executable,
            "PYTHONPATH": str(INSIDE),  # for the scripts' common part; the package itself must come from the zip
            "PYTHONSAFEPATH": "1",
        }
        command = [str(blender_python(repository, version)), str(INSIDE / f"{script}.py"), str(extension_zip)]
        result = subprocess.run(
            command, cwd=profile, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        report = f"\n{result.stdout[-4000:]}\n{result.stderr[-6000:]}"
        assert result.returncode == 0, f"{script} in Blender {version} ended with {result.returncode}{report}"
        lines = result.stdout.strip().splitlines()
        assert lines, f"{script} in Blender {version} said nothing{report}"
        return json.loads(lines[-1])

    return run
