"""``python -m physface_blender.benchmark.memory``: the most memory that a face at 2 mm with contact ever takes.

It runs in a process of its own, because a process never gives back what it reports here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .faces import make_face, play
from .machine import thread_count
from .played_frames import played_frames

FRAMES = 5


def current_memory_bytes() -> int | None:
    """Return the memory that this process holds now; None where the system does not tell."""
    return _from_status("VmRSS:")


def _from_status(name: str) -> int | None:
    """Return a number of bytes that Linux tells about this process; None elsewhere."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith(name):
                return 1024 * int(line.split()[1])
    return None


def peak_memory_bytes() -> int | None:
    """Return the most memory that this process has held; None where the system does not tell."""
    peak = _from_status("VmHWM:")  # not getrusage, which counts what the parent held before it started this process
    if peak is not None:
        return peak
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def measure_memory(data: Path, resolution_mm: float) -> dict[str, Any]:
    """Run this module in a new process and return what it measured, in bytes.

    Raises:
        subprocess.CalledProcessError: it failed; its messages are on the terminal.
    """
    arguments = ["--data", str(data.resolve()), "--resolution", str(resolution_mm)]
    command = [sys.executable, "-m", "physface_blender.benchmark.memory", *arguments]
    root = Path(__file__).resolve().parents[2]
    answer = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Make a face without a cache, play some frames with contact, and print what memory that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--resolution", type=float, required=True)
    arguments = parser.parse_args()
    imported = peak_memory_bytes()
    _, _, character = make_face(arguments.resolution, None, thread_count())
    made = peak_memory_bytes()
    play(character, played_frames(arguments.data).leap(FRAMES))
    print(json.dumps({"imported": imported, "made": made, "played": peak_memory_bytes()}))


if __name__ == "__main__":
    main()
