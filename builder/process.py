"""Child processes whose return codes are never lost, and the error that ends a build."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


class BuildError(Exception):
    """A build step failed; the message says what happened and what to do.

    Attributes:
        return_code: what ``build.py`` exits with, never 0.
    """

    def __init__(self, message: str, return_code: int = 1) -> None:
        super().__init__(message)
        self.return_code = return_code or 1


def run(command: Sequence[str | Path], *, environment: dict[str, str] | None = None, folder: Path | None = None) -> int:
    """Run a command on this terminal and give back its return code, 128 + signal for a command that was killed."""
    code = subprocess.run([str(part) for part in command], env=environment, cwd=folder, check=False).returncode
    return 128 - code if code < 0 else code


def run_checked(
    command: Sequence[str | Path],
    purpose: str,
    *,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Run a command that has to succeed.

    Args:
        command: program and arguments.
        purpose: what the command is for, as the end of the sentence "could not ...".
        environment: the child's environment variables, by default this process's.
        folder: working directory of the child.

    Raises:
        BuildError: the command returned anything but 0.
    """
    code = run(command, environment=environment, folder=folder)
    if code:
        shown = " ".join(str(part) for part in command)
        raise BuildError(f"Could not {purpose}: the command below ended with {code}.\n  {shown}", code)
