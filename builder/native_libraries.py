"""The system's libraries that Blender needs even without a window, and how to get them."""

import os
import shutil
import subprocess

from .environment import Environment
from .process import BuildError, run_checked

PACKAGES = (
    "libegl1",
    "libgl1",
    "libgl1-mesa-dri",
    "libice6",
    "libsm6",
    "libx11-6",
    "libxext6",
    "libxfixes3",
    "libxi6",
    "libxkbcommon0",
    "libxrender1",
    "libxt6",
    "libxxf86vm1",
)
"""Debian's and Ubuntu's names; libEGL is opened only when something is rendered with the graphics driver."""

PROBE = "import ctypes, sys, bpy\nif sys.platform == 'linux': ctypes.CDLL('libEGL.so.1')"


def ensure_blender_starts(environment: Environment) -> None:
    """See once that ``import bpy`` works in an environment; install the system's libraries where that may be done.

    Args:
        environment: one that holds Blender as a module.

    Raises:
        BuildError: Blender does not start; the message has the command that helps, or the reason.
    """
    stamp = environment.folder / "blender-starts"
    if stamp.exists():
        return
    failure = _failure(environment)
    if failure is not None:
        _install_libraries(failure)
        failure = _failure(environment)
        if failure is not None:
            raise BuildError(f"Blender as a Python module still does not start:\n{failure}")
    stamp.touch()


def _install_libraries(failure: str) -> None:
    """Install the packages where this process may, else say how; only for a failure that they can help."""
    if "cannot open shared object file" not in failure:
        raise BuildError(f"Blender as a Python module does not start:\n{failure}")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        raise BuildError(
            f"Blender as a Python module does not start, because a library of the system is missing:\n"
            f"  {failure.splitlines()[-1]}\nOn Debian and Ubuntu this installs it:\n  sudo {' '.join(command)}"
        )
    print("Installing the system's libraries that Blender needs ...", flush=True)
    variables = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run_checked(["apt-get", "update", "--quiet", "--quiet"], "read the list of packages", environment=variables)
    run_checked([*command, "--quiet", "--quiet"], "install Blender's libraries", environment=variables)


def _failure(environment: Environment) -> str | None:
    """What stands on standard error after a start of Blender that failed, ``None`` after one that worked."""
    result = subprocess.run([str(environment.python), "-c", PROBE], capture_output=True, text=True, check=False)
    return None if result.returncode == 0 else result.stderr.strip() or f"it ended with {result.returncode}"
