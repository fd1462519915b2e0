# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker process as the shell sees it: how it is started, spoken to and cleared away."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from multiprocessing.connection import Client, Connection
from pathlib import Path

from .errors import ProtocolError, WorkerError
from .interpreter import find_python, inherited_search_path
from .message_codec import decode, encode, with_arrays
from .messages import Failed, Message, Release, Reply, Shutdown
from .settings import BackendSettings
from .shared_arrays import ArrayReader, make_session_directory, remove_session_directory

START_TIMEOUT_SECONDS = 60.0
LOG_NAME = "worker.log"
LOG_LIMIT_BYTES = 1_000_000
LOG_TAIL_BYTES = 4000


class WorkerProcess:
    """A started worker, its connection and its shared memory. Only ``dispose`` waits.

    The worker listens on a local socket (a named pipe on Windows) in a private folder; its address and a fresh key go
    to it through its standard input, which stays open as the sign that the parent lives.
    """

    def __init__(self, settings: BackendSettings) -> None:
        """Start a worker.

        Raises:
            WorkerError: there is no interpreter to run, or the system refuses.
        """
        python = find_python(settings.python)
        self._connection: Connection | None = None
        self._key = secrets.token_bytes(32)
        self._directory = make_session_directory()
        self._reader = ArrayReader(self._directory)
        if sys.platform == "win32":
            self._address = rf"\\.\pipe\physface-{secrets.token_hex(16)}"
        else:
            self._address = str(self._directory / "socket")
        self._log_path = settings.cache_directory / LOG_NAME
        try:
            self._process = self._start(python, settings)
        except OSError as error:
            remove_session_directory(self._directory)
            raise WorkerError(f"The backend cannot be started with {python}: {error}.") from error
        self._deadline = time.monotonic() + START_TIMEOUT_SECONDS

    @property
    def process_id(self) -> int:
        """Of the worker."""
        return self._process.pid

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent."""
        return self._connection is not None

    @property
    def exit_code(self) -> int | None:
        """The worker's exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def connect(self) -> None:
        """Connect if the worker listens by now; it then sits in ``accept``, so the handshake takes no time.

        A worker that does not listen in time, or cannot prove that it has the key, is killed.
        """
        try:
            self._connection = Client(self._address, authkey=self._key)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > self._deadline:
                self._process.kill()
        except (OSError, EOFError):
            self._process.kill()

    def send(self, message: Message) -> None:
        """Send a message; a worker that is gone is noticed by ``exit_code``."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send_bytes(encode(message))

    def receive(self) -> list[Reply]:
        """The replies that have come, arrays included."""
        replies: list[Reply] = []
        with contextlib.suppress(EOFError, OSError):
            while self._connection is not None and self._connection.poll(0):
                replies.append(self._complete(self._connection.recv_bytes()))
        return replies

    def dispose(self, timeout_seconds: float) -> None:
        """Ask the worker to end, wait at most this long, kill it, and free what it left."""
        self.send(Shutdown())
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.close()
        remove_session_directory(self._directory)

    def log_tail(self) -> str:
        """The end of what this worker wrote to its log."""
        try:
            with self._log_path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - LOG_TAIL_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _complete(self, data: bytes) -> Reply:
        try:
            reply, reference = decode(data)
        except ProtocolError as error:
            return Failed(kind=error.kind, sentence=str(error))
        if reference is None:
            return reply
        try:
            arrays = self._reader.read(reference)
        except (OSError, ValueError) as error:
            return Failed(
                serial=reply.serial, kind="memory", sentence=f"The result in shared memory cannot be read: {error}."
            )
        self.send(Release(block=reference["block"]))
        return with_arrays(reply, arrays)

    def _start(self, python: Path, settings: BackendSettings) -> subprocess.Popen:
        cache = settings.cache_directory
        cache.mkdir(parents=True, exist_ok=True)
        self._log_start = self._log_path.stat().st_size if self._log_path.is_file() else 0
        if self._log_start > LOG_LIMIT_BYTES:
            self._log_path.write_bytes(b"")
            self._log_start = 0
        threads = str(settings.thread_count)
        environment = os.environ | {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": "1",  # its threads spin on small matrices: a frame took half as long again
            "NUMBA_NUM_THREADS": threads,
            # A thread that waits shall sleep: Blender is beside it, and one that spins keeps the other waiting.
            "OMP_WAIT_POLICY": "passive",
            "KMP_BLOCKTIME": "0",
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(cache / "numba")),
            "PYTHONIOENCODING": "utf-8",
        }
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            options = {"start_new_session": True}  # an interrupt in Blender's terminal is not meant for the worker
        with self._log_path.open("ab") as log:
            process = subprocess.Popen(
                # -P: not the script's folder on the search path; -B: no byte code into the extension's folder
                [str(python), "-P", "-B", "-X", "faulthandler", str(Path(__file__).resolve().with_name("worker.py"))],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=cache,
                env=environment,
                **options,
            )
        with contextlib.suppress(BrokenPipeError):  # it ended at once: ``exit_code`` tells
            process.stdin.write(self._first_line(python, settings))
            process.stdin.flush()
        return process

    def _first_line(self, python: Path, settings: BackendSettings) -> bytes:
        def text(path: Path | None) -> str | None:
            return None if path is None else str(Path(path).absolute())

        values = {
            "address": self._address,
            "key": self._key.hex(),
            "session_directory": str(self._directory),
            "search_path": inherited_search_path(python),
            "thread_count": settings.thread_count,
            "cache_directory": text(settings.cache_directory),
            "cache_megabytes": settings.cache_megabytes,
            "template_path": text(settings.template_path),
            "weights_path": text(settings.weights_path),
        }
        return json.dumps(values).encode() + b"\n"
