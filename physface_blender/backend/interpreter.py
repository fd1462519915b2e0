# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python runs the worker, and with what search path."""

import os
import sys
from pathlib import Path

from .errors import WorkerError

ENVIRONMENT_VARIABLE = "PHYSFACE_PYTHON"


def find_python(preference: str | Path | None = None) -> Path:
    """The interpreter for the worker: the preference, else ``PHYSFACE_PYTHON``, else the running one's own.

    Raises:
        WorkerError: what the preference or the variable names cannot be run, or no interpreter was found.
    """
    for origin, choice in (
        ("the preferences", preference),
        (ENVIRONMENT_VARIABLE, os.environ.get(ENVIRONMENT_VARIABLE)),
    ):
        if choice:
            path = Path(choice).expanduser()
            if not (path.is_file() and os.access(path, os.X_OK)):
                raise WorkerError(
                    f"The Python named by {origin}, {path}, is not a program that can be run; "
                    "name another or leave it empty."
                )
            return path.absolute()
    own = own_python()
    if own is None:
        raise WorkerError(
            f"No Python interpreter was found for the backend (looked in {sys.prefix}); name one in the preferences."
        )
    return own


def own_python() -> Path | None:
    """The running process's own interpreter.

    ``sys.executable`` (in Blender that is Blender's python), or a python below ``sys.prefix`` when the executable is
    an application that embeds Python.
    """
    executable = Path(sys.executable or "")
    if executable.is_file() and executable.stem.lower().startswith("python"):
        return executable.absolute()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for relative in (f"bin/python{version}", "bin/python3", "bin/python.exe", "python.exe"):
        candidate = Path(sys.prefix) / relative
        if candidate.is_file():
            return candidate.absolute()
    return None


def inherited_search_path(python: Path) -> tuple[str, ...]:
    """The folders of the caller's ``sys.path`` that a worker needs to find bundled libraries.

    Empty for another interpreter than the caller's own: libraries compiled for one Python do not load in another.
    """
    own = own_python()
    if own is None or os.path.normcase(own) != os.path.normcase(Path(python).absolute()):
        return ()
    return tuple(os.path.abspath(entry) for entry in sys.path if entry and os.path.isdir(entry))
