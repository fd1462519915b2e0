# SPDX-License-Identifier: GPL-3.0-or-later
"""How a backend is to run; known to both sides of the process boundary."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

LIVE_INTERVAL_SECONDS = 0.05
"""Poses on the way of a live one are not sent more often; a viewport shows hardly more."""


def default_cache_directory() -> Path:
    """The user's cache folder for PhysFace, by the custom of the system; not created here."""
    home = Path.home()
    if sys.platform == "win32":
        parent = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        parent = home / "Library" / "Caches"
    else:
        parent = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return parent / "physface"


def default_thread_count() -> int:
    """All processors this process may use, at most eight: beyond that neither network nor solver gain."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(available, 8))


@dataclass(frozen=True, kw_only=True)
class BackendSettings:
    """Settings of a worker process or of its in-process twin.

    Attributes:
        python: interpreter of the worker; None asks ``interpreter.find_python``.
        thread_count: threads of the numerics.
        cache_directory: where material spaces, repaired rest shapes, compiled kernels and the worker's log are kept.
        cache_megabytes: that they may take; 0 for any size.
        template_path: another template than the shipped one.
        weights_path: other weights than the shipped ones.
    """

    python: Path | None = None
    thread_count: int = field(default_factory=default_thread_count)
    cache_directory: Path = field(default_factory=default_cache_directory)
    cache_megabytes: int = 0
    template_path: Path | None = None
    weights_path: Path | None = None
