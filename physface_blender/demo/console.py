"""What a long job says on a terminal or into a log: one line that is rewritten, or a line now and then."""

from __future__ import annotations

import sys
import time
from typing import TextIO

QUIET_SECONDS = 10.0
"""Without a terminal, a line of progress is written at most so often."""


class Console:
    """Progress and sentences on one stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to a stream; standard error when None."""
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._length = 0
        self._last = -QUIET_SECONDS

    def progress(self, text: str) -> None:
        """Tell how far the job is."""
        if self._rewrites:
            self._stream.write("\r" + text.ljust(self._length))
            self._length = len(text)
        elif time.monotonic() - self._last >= QUIET_SECONDS:
            self._last = time.monotonic()
            self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._length:
            self._stream.write("\r" + " " * self._length + "\r")
            self._length = 0
        self._stream.write(text + "\n")
        self._stream.flush()


def time_left(seconds: float) -> str:
    """A duration as a person says it: ``about 40 s left``, ``about 3 min left``."""
    if seconds < 90.0:
        return f"about {max(1, round(seconds / 5.0)) * 5} s left"
    return f"about {round(seconds / 60.0)} min left"
