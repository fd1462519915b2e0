"""The machine that is measured on: what it is, how fast its memory is read, when, and how busy it was."""

from __future__ import annotations

import datetime
import os
import platform
import time
from typing import Any

import numba
import numpy as np

from ..backend.settings import default_thread_count

_READ_BYTES = 512 * 2**20
"""Far beyond any cache."""
_REPEATS = 5


def thread_count() -> int:
    """Return the threads that the product would use here and numba can."""
    return min(default_thread_count(), numba.config.NUMBA_NUM_THREADS)


def describe_machine() -> dict[str, Any]:
    """Return processor, system, threads and load, as they go into a file."""
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": thread_count(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def today() -> str:
    """Return the date, year first."""
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _processor() -> str:
    """Return the name of the processor; the architecture where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@numba.njit(parallel=True, fastmath=True)
def _sum(values, partial):
    """Fill partial (C,) with sums of equal parts of values (N,)."""
    part = len(values) // len(partial)
    for i in numba.prange(len(partial)):
        total = np.float32(0.0)
        for j in range(i * part, (i + 1) * part):
            total += values[j]
        partial[i] = total


def memory_bandwidth(threads: int) -> float:
    """Return the bytes per second at which this many threads read memory; the best of some passes."""
    values = np.ones(_READ_BYTES // 4, dtype=np.float32)
    partial = np.zeros(64, dtype=np.float32)
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        _sum(values, partial)
        best = np.inf
        for _ in range(_REPEATS):
            started = time.perf_counter()
            _sum(values, partial)
            best = min(best, time.perf_counter() - started)
    finally:
        numba.set_num_threads(before)
    return values.nbytes / best
