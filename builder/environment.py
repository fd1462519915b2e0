"""Virtual environments made from the locked requirements, and left alone as long as the locks stay the same."""

import hashlib
import importlib.util
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .process import BuildError, run, run_checked

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
PYTORCH_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the groups of requirements that can be installed in it.

    Attributes:
        folder: where it is made.
        description: what it is, for the messages.
    """

    folder: Path
    description: str

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def ensure(self, *groups: str) -> None:
        """Make the environment and install the groups that are missing or whose locks have changed.

        Args:
            groups: names of files in ``requirements/`` without ``.txt``; ``runtime`` brings torch with it.

        Raises:
            BuildError: an installation failed.
        """
        missing = [group for group in groups if not self._is_installed(group)]
        if not missing:
            return
        if not (self.python.exists() and run([self.python, "-c", ""]) == 0):
            self._create()
        for group in missing:
            started = time.monotonic()
            print(f"Installing {group} into {self.description} ...", flush=True)
            if group == "runtime":
                self._install_torch()
            self._install(group)
            self._stamp(group).write_text(_lock_hash(group), encoding="utf-8")
            print(f"Installed {group} in {time.monotonic() - started:.0f} s.", flush=True)

    def _stamp(self, group: str) -> Path:
        return self.folder / f"physface-{group}.sha256"

    def _is_installed(self, group: str) -> bool:
        stamp = self._stamp(group)
        return self.python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == _lock_hash(group)

    def _create(self) -> None:
        print(f"Making {self.description} in {self.folder} ...", flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        command = [sys.executable, "-m", "venv", self.folder]
        if importlib.util.find_spec("ensurepip") is None:  # Debian's Python without python3.11-venv
            if importlib.util.find_spec("pip") is None:
                raise BuildError(
                    "This Python has neither ensurepip nor pip, and one of them is needed to make a virtual "
                    "environment. On Debian and Ubuntu: apt-get install python3.11-venv"
                )
            command.append("--without-pip")
        run_checked(command, f"make a virtual environment in {self.folder}")

    def pip(self, *arguments: str | Path) -> list[str | Path]:
        """The command line of pip for this environment, its own or, where it has none, the caller's."""
        own = any(self.folder.glob("[Ll]ib*/**/site-packages/pip/__main__.py"))
        start = [self.python, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", self.python]
        return [*start, "--quiet", "--quiet", "--no-input", "--disable-pip-version-check", *arguments]

    def _install(self, group: str) -> None:
        run_checked(self._install_command(group), f"install the requirements of {group}")

    def _install_command(self, group: str, *extra: str) -> list[str | Path]:
        # Without compiling: what is imported is compiled at its first import, and half of it never is.
        return self.pip(
            *("install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"),
            *("-r", REQUIREMENTS / f"{group}.txt", *extra),
        )

    def _install_torch(self) -> None:
        """Install torch without CUDA, and only where no source has that build the one with CUDA."""
        for group, extra in torch_sources(sys.platform == "linux"):
            if run(self._install_command(group, *extra)) == 0:
                if sys.platform == "linux" and group == "torch":
                    self._install("torch-cuda")
                return
            print(f"{' '.join((group, *extra))} did not work; trying the next source of torch ...", flush=True)
        raise BuildError("Could not install torch: no source had it, see the messages above. Is there a network?")


def torch_sources(for_linux: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Where to get torch, best first: the lock's name and pip's additional options.

    For Linux PyPI has only the build with CUDA, gigabytes of it, which nothing here needs.
    """
    if not for_linux:
        return [("torch", ())]
    return [
        ("torch-cpu", ()),
        ("torch-cpu", ("--index-url", PYTORCH_INDEX, "--retries", "2", "--timeout", "20")),
        ("torch", ()),
    ]


def _lock_hash(group: str) -> str:
    """The hash of everything that decides what is installed for a group."""
    names = [group] + (["torch-cpu", "torch", "torch-cuda"] if group == "runtime" else [])
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        digest.update((REQUIREMENTS / f"{name}.txt").read_bytes())
    return digest.hexdigest()


PROJECT = Environment(ROOT / ".venv", "the environment")


def smoke_environment(blender_version: str) -> Environment:
    """The environment of another Blender, such as ``4.2``, which holds Blender as a module and nothing of ours."""
    return Environment(ROOT / "build" / f"blender-{blender_version}", f"the environment of Blender {blender_version}")


DETECTOR = Environment(ROOT / "build" / "detector", "the environment of the detector of landmarks")
