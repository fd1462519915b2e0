# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's session in the worker process: the listening thread, the computing thread, the replies."""

import os
import threading
from collections.abc import Mapping
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

from .errors import ProtocolError
from .message_codec import decode, encode
from .messages import Cancel, Failed, PoseLive, Release, Reply, Request, Shutdown
from .request_queue import RequestQueue
from .service import Service
from .settings import BackendSettings
from .shared_arrays import ArrayWriter, remove_session_directory


class WorkerSession:
    """Accepts the client, then serves its requests one after another."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Prepare to listen; ``settings`` are the values of the client's first line."""
        self._settings = settings
        self._directory = Path(settings["session_directory"])
        self._writer = ArrayWriter(self._directory)
        self._queue = RequestQueue()
        self._changed = threading.Condition()
        self._cancelled: set[int] = set()
        self._serving: int | None = None
        self._closing = False
        self._sending = threading.Lock()

    def run(self) -> None:
        """Serve until the client says ``Shutdown``; ``end_now`` may end the process earlier."""
        with Listener(self._settings["address"], authkey=bytes.fromhex(self._settings["key"])) as listener:
            self._connection = listener.accept()
        threading.Thread(target=self._listen, daemon=True).start()
        service = Service(self._backend_settings(), self._send, self._should_cancel, self._is_outdated)
        service.warm_up()
        self._send(service.status())
        while (request := self._next_request()) is not None:
            service.handle(request)
            with self._changed:
                self._serving = None
                self._cancelled.discard(request.serial)
        self._connection.close()
        remove_session_directory(self._directory)

    def end_now(self) -> None:
        """End the process at once, leaving nothing behind: the client is gone."""
        remove_session_directory(self._directory)
        os._exit(0)

    def _backend_settings(self) -> BackendSettings:
        def path(name: str) -> Path | None:
            value = self._settings[name]
            return None if value is None else Path(value)

        return BackendSettings(
            thread_count=self._settings["thread_count"],
            cache_directory=path("cache_directory"),
            cache_megabytes=self._settings["cache_megabytes"],
            template_path=path("template_path"),
            weights_path=path("weights_path"),
        )

    def _listen(self) -> None:
        while True:
            try:
                message, _ = decode(self._connection.recv_bytes())
            except (EOFError, OSError):
                if self._closing:
                    return
                self.end_now()
            except ProtocolError as error:
                self._send(Failed(kind=error.kind, sentence=str(error)))
                continue
            self._take_in(message)

    def _take_in(self, message: Request) -> None:
        if isinstance(message, Release):
            self._writer.release(message.block)
            return
        replies: list[Reply] = []
        with self._changed:
            if isinstance(message, Shutdown):
                self._closing = True
            elif isinstance(message, Cancel):
                reply = self._queue.cancel(message.target)
                if reply is not None:
                    replies = [reply]
                elif message.target == self._serving:
                    self._cancelled.add(message.target)
            else:
                replies = self._queue.put(message)
            self._changed.notify_all()
        for reply in replies:
            self._send(reply)

    def _next_request(self) -> Request | None:
        with self._changed:
            while not self._closing and not len(self._queue):
                self._changed.wait()
            if self._closing:
                return None
            request = self._queue.take()
            self._serving = request.serial
            return request

    def _should_cancel(self, serial: int) -> bool:
        return self._closing or serial in self._cancelled

    def _is_outdated(self, request: PoseLive) -> bool:
        with self._changed:
            return self._queue.has_newer(request)

    def _send(self, reply: Reply) -> None:
        arrays = getattr(reply, "arrays", None)
        try:
            reference = self._writer.write(arrays, lambda: self._closing) if arrays else None
        except InterruptedError:
            return
        except OSError as error:
            reference = None
            reply = Failed(
                serial=reply.serial,
                kind="memory",
                sentence=f"There is no shared memory left for the result ({error}); free some and try again.",
            )
        with self._sending:
            try:
                self._connection.send_bytes(encode(reply, reference))
            except OSError:
                if not self._closing:
                    self.end_now()
