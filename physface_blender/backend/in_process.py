# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's twin without a process: the same requests, replies and order, served where it is called."""

import itertools
from dataclasses import replace

from .client import ClientState
from .errors import WorkerError
from .messages import Cancel, Reply, Request
from .request_queue import RequestQueue
from .service import Service
from .settings import BackendSettings


class InProcessClient:
    """Serves one waiting request with every ``poll``, which returns when that is done.

    For tests and the command line. What runs cannot be cancelled from outside, because nothing else runs meanwhile;
    what waits can.
    """

    def __init__(self, settings: BackendSettings) -> None:
        """Prepare a client; ``settings.python`` is of no use here."""
        self.settings = settings
        self._serials = itertools.count(1)
        self._queue = RequestQueue()
        self._replies: list[Reply] = []
        self._service: Service | None = None

    @property
    def state(self) -> ClientState:
        """Stopped or running."""
        return ClientState.STOPPED if self._service is None else ClientState.RUNNING

    @property
    def unanswered_count(self) -> int:
        """The number of requests without their last reply."""
        return len(self._queue)

    def start(self) -> None:
        """Get ready to serve."""
        if self._service is None:
            self._service = Service(self.settings, self._replies.append, lambda serial: False)
            self._replies.append(self._service.status())

    def request(self, request: Request) -> int:
        """Hand a request in; returns the serial number of its replies.

        Raises:
            WorkerError: the client was not started.
        """
        if self._service is None:
            raise WorkerError(f"{self.state.value} Start it first.")
        if isinstance(request, Cancel):
            self.cancel(request.target)
            return request.target
        request = replace(request, serial=next(self._serials))
        self._replies += self._queue.put(request)
        return request.serial

    def cancel(self, serial: int) -> None:
        """Drop a waiting request."""
        reply = self._queue.cancel(serial)
        if reply is not None:
            self._replies.append(reply)

    def poll(self) -> list[Reply]:
        """Serve the next request, if one waits, and return all replies since the last call."""
        request = self._queue.take()
        if request is not None:
            self._service.handle(request)
        replies = list(self._replies)
        self._replies.clear()
        return replies

    def close(self, timeout_seconds: float = 0.0) -> None:
        """Forget the characters and the waiting requests."""
        self._service = None
        self._queue = RequestQueue()
        self._replies.clear()
