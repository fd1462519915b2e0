# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which requests are served: first come first served, but of the live ones only the newest counts."""

from collections import deque

from .messages import Cancelled, PoseLive, Reply, Request, Superseded


class RequestQueue:
    """Requests that have not started.

    Used on both ends: the client holds back what the worker has no room for, the worker what it has not begun. Not
    thread-safe; the worker guards it with its own lock.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._waiting: deque[Request] = deque()

    def __len__(self) -> int:
        """The number of waiting requests."""
        return len(self._waiting)

    def put(self, request: Request) -> list[Reply]:
        """Queue a request; returns ``Superseded`` for the live pose of the same character it replaces."""
        replaced = []
        if isinstance(request, PoseLive):
            replaced = [
                waiting
                for waiting in self._waiting
                if isinstance(waiting, PoseLive) and waiting.character == request.character
            ]
        for waiting in replaced:
            self._waiting.remove(waiting)
        self._waiting.append(request)
        return [Superseded(serial=waiting.serial) for waiting in replaced]

    def has_newer(self, request: PoseLive) -> bool:
        """Whether a live pose of the same character waits."""
        return any(
            isinstance(waiting, PoseLive) and waiting.character == request.character for waiting in self._waiting
        )

    def put_back(self, request: Request) -> None:
        """Put a request that was taken but could not be served back to the front."""
        self._waiting.appendleft(request)

    def cancel(self, serial: int) -> Reply | None:
        """Take out the request with this serial; None when it is not waiting here."""
        for waiting in self._waiting:
            if waiting.serial == serial:
                self._waiting.remove(waiting)
                return Cancelled(serial=serial)
        return None

    def take(self) -> Request | None:
        """The request to serve next, or None."""
        return self._waiting.popleft() if self._waiting else None
