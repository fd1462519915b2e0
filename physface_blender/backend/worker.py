# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: loads the package by itself, listens to one client, serves its requests, ends with it.

Started as a script, ``python -P -B worker.py``, with one line of JSON on its standard input (written by
``worker_process``). The folder above may have any name (in Blender it is the extension's id below a repository):
it is loaded as ``physface_blender`` and never as part of Blender, so nothing here can import ``bpy``.

Two threads: one listens and only fills a queue or sets flags, the other computes. The listener ends the process at
once when the connection closes or the parent's end of the standard input does, even while the other is deep in
compiled code.
"""

import importlib.util
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

PACKAGE_NAME = "physface_blender"


def _load_package() -> None:
    """Load the folder that holds this file's folder under the package's own name."""
    folder = Path(__file__).resolve().parent.parent
    specification = importlib.util.spec_from_file_location(
        PACKAGE_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package = importlib.util.module_from_spec(specification)
    sys.modules[PACKAGE_NAME] = package
    specification.loader.exec_module(package)


def _end_with_parent(on_end: Callable[[], None]) -> None:
    """Wait for the end of the standard input, which is the end of the parent, and end."""
    while True:
        try:
            if not os.read(0, 4096):
                break
        except OSError:
            break
    on_end()


def main() -> int:
    """Read the settings, load the package, serve until told to stop; returns the exit code."""
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: what follows on the standard input is not ours to buffer
        byte = os.read(0, 1)
        if not byte:
            return 1
        line += byte
    settings = json.loads(line)
    known = {os.path.normcase(entry) for entry in sys.path}
    sys.path += [entry for entry in settings["search_path"] if os.path.normcase(entry) not in known]
    _load_package()
    from physface_blender.backend.worker_session import WorkerSession

    session = WorkerSession(settings)
    signal.signal(signal.SIGTERM, lambda number, frame: session.end_now())  # leave nothing in shared memory
    threading.Thread(target=_end_with_parent, args=(session.end_now,), daemon=True).start()
    session.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
