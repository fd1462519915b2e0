# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell's side of the backend: hands requests in, collects replies, notices and replaces a dead worker.

Only the standard library and numpy are imported, and nothing waits but ``close``.
"""

import enum
import itertools
from dataclasses import replace

from .errors import WorkerError
from .messages import (
    Cancel,
    Cancelled,
    CreateCharacter,
    DropCharacter,
    Failed,
    Reply,
    Request,
    WorkerLost,
)
from .request_queue import RequestQueue
from .settings import BackendSettings
from .worker_process import LOG_NAME, WorkerProcess

IN_FLIGHT_LIMIT = 3


class ClientState(enum.Enum):
    """Where a client stands; the value is a status line."""

    STOPPED = "The backend is not running."
    STARTING = "The backend is starting."
    RUNNING = "The backend is running."
    FAILED = "The backend has stopped and was not restarted again."


class WorkerClient:
    """One worker process and its requests.

    At most ``IN_FLIGHT_LIMIT`` requests are with the worker and the others wait here, so writing to it never blocks
    and a live request can still be replaced. A worker that ends unasked is restarted once between two calls of
    ``start``: what it had not answered gets ``Failed`` with kind ``worker_lost``, what it never got goes to the new
    one, and characters are made again there before they are needed.
    """

    def __init__(self, settings: BackendSettings) -> None:
        """Prepare a client; nothing runs before ``start``."""
        self.settings = settings
        self._state = ClientState.STOPPED
        self._serials = itertools.count(1)
        self._worker: WorkerProcess | None = None
        self._restart_is_left = False
        self._reset()

    @property
    def state(self) -> ClientState:
        """Where the client stands, as of the last ``poll``."""
        return self._state

    @property
    def unanswered_count(self) -> int:
        """The number of requests without their last reply."""
        return len(self._in_flight) + len(self._queue)

    @property
    def process_id(self) -> int | None:
        """The worker's, if one runs."""
        return None if self._worker is None else self._worker.process_id

    def start(self) -> None:
        """Start the worker and return at once; requests can be handed in straight away. Does nothing when one runs.

        Raises:
            WorkerError: there is no interpreter to run, or the system refuses to run it.
        """
        if self._state in (ClientState.STARTING, ClientState.RUNNING):
            return
        self._worker = WorkerProcess(self.settings)
        self._restart_is_left = True
        self._state = ClientState.STARTING

    def request(self, request: Request) -> int:
        """Hand a request in.

        Args:
            request: its serial is replaced.

        Returns:
            The serial number that its replies carry.

        Raises:
            WorkerError: the client was not started, or has given up.
        """
        if self._state in (ClientState.STOPPED, ClientState.FAILED):
            raise WorkerError(f"{self._state.value} Start it first.")
        if isinstance(request, Cancel):
            self.cancel(request.target)
            return request.target
        request = replace(request, serial=next(self._serials))
        if isinstance(request, CreateCharacter):
            self._replaced[request.serial] = self._characters.get(request.character)
            self._characters[request.character] = request
        elif isinstance(request, DropCharacter):
            self._characters.pop(request.character, None)
        self._replies += self._queue.put(request)
        self._pump()
        return request.serial

    def cancel(self, serial: int) -> None:
        """Drop a request: its last reply will be ``Cancelled``, or its result when that was under way already."""
        reply = self._queue.cancel(serial)
        if reply is not None:
            self._settle(reply)
        elif serial in self._in_flight:
            self._worker.send(Cancel(target=serial))

    def poll(self) -> list[Reply]:
        """The replies since the last call, in order. Never waits."""
        if self._worker is not None:
            exit_code = self._worker.exit_code  # before receiving: what it sent before its end is not lost
            if self._state is ClientState.STARTING and exit_code is None:
                self._worker.connect()
                if self._worker.is_connected:
                    self._state = ClientState.RUNNING
            for reply in self._worker.receive():
                self._settle(reply)
            if exit_code is not None:
                self._lose(exit_code)
            self._pump()
        replies, self._replies = self._replies, []
        return replies

    def close(self, timeout_seconds: float = 2.0) -> None:
        """End the worker: ask, wait at most this long, then kill. Unanswered requests and characters are forgotten."""
        if self._worker is not None:
            self._worker.dispose(timeout_seconds)
            self._worker = None
        self._reset()
        self._state = ClientState.STOPPED

    def _reset(self) -> None:
        self._queue = RequestQueue()
        self._replies: list[Reply] = []
        self._in_flight: dict[int, Request] = {}
        self._characters: dict[str, CreateCharacter] = {}
        self._replaced: dict[int, CreateCharacter | None] = {}
        self._made_here: set[str] = set()
        self._hidden: set[int] = set()

    def _pump(self) -> None:
        """Send what the worker has room for, each character's making before its first use."""
        while self._state is ClientState.RUNNING and len(self._in_flight) < IN_FLIGHT_LIMIT:
            request = self._queue.take()
            if request is None:
                return
            name = getattr(request, "character", None)
            if isinstance(request, CreateCharacter):
                self._made_here.add(name)
            elif name in self._characters and name not in self._made_here:
                self._made_here.add(name)
                making = replace(self._characters[name], serial=next(self._serials))
                self._hidden.add(making.serial)
                self._dispatch(making)
            self._dispatch(request)

    def _dispatch(self, request: Request) -> None:
        self._in_flight[request.serial] = request
        self._worker.send(request)

    def _settle(self, reply: Reply) -> None:
        """Take a reply in: keep the books and pass it on unless it answers a request of our own."""
        if reply.is_last:
            request = self._in_flight.pop(reply.serial, None)
            self._settle_character(request, reply)
        if reply.serial not in self._hidden:
            self._replies.append(reply)
        elif isinstance(reply, Failed):
            self._replies.append(replace(reply, serial=0))

    def _settle_character(self, request: Request | None, reply: Reply) -> None:
        """After a failed or cancelled making, the character is again what it was before."""
        before = self._replaced.pop(reply.serial, None)
        if not isinstance(reply, Failed | Cancelled) or not isinstance(request, CreateCharacter):
            return
        if self._characters.get(request.character) is not request:
            return
        if before is None:
            del self._characters[request.character]
        else:
            self._characters[request.character] = before

    def _lose(self, exit_code: int) -> None:
        """The worker has ended unasked: settle what it owed, start another one if that is left."""
        details = self._worker.log_tail()
        self._worker.dispose(0.0)
        self._worker = None
        lost = [serial for serial in self._in_flight if serial not in self._hidden]
        self._in_flight.clear()
        self._hidden.clear()
        self._made_here.clear()
        sentence = "The backend process ended before it answered; ask again."
        self._replies += [
            Failed(serial=serial, kind="worker_lost", sentence=sentence, details=details) for serial in lost
        ]
        reason = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        if self._restart_is_left:
            self._restart_is_left = False
            try:
                self._worker = WorkerProcess(self.settings)
            except WorkerError as error:
                self._give_up(f"The backend process {reason} and cannot be restarted: {error}", details)
                return
            self._state = ClientState.STARTING
            sentence = f"The backend process {reason}; it has been restarted."
            self._replies.append(WorkerLost(sentence=sentence, restarted=True, details=details))
        else:
            log = self.settings.cache_directory / LOG_NAME
            self._give_up(f"The backend process {reason} again; restart it by hand. Its log is {log}.", details)

    def _give_up(self, sentence: str, details: str) -> None:
        self._state = ClientState.FAILED
        while (waiting := self._queue.take()) is not None:
            self._replies.append(Failed(serial=waiting.serial, kind="worker_lost", sentence=sentence))
        self._replies.append(WorkerLost(sentence=sentence, restarted=False, details=details))
