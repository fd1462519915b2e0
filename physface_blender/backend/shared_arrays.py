# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays from the worker to the client through shared memory.

``multiprocessing.shared_memory`` is not used, on purpose: before Python 3.13 every attached block is registered with
a resource tracker, a helper process started from ``sys.executable`` (inside an application that may be the
application itself), which frees blocks that are still in use and prints warnings. A memory map has none of that:

- POSIX: a file in a private folder (on Linux in ``/dev/shm``, which is memory). The reader unlinks the file as soon
  as it has mapped it, so from then on the system frees the memory when both processes are gone, however they end.
  Files of a worker that died before the client mapped them go with the folder, which the survivor of the two removes.
- Windows: a named section without a file, which the system frees with its last handle.

One writer, one reader. A block is in use from ``write`` until the reader's ``Release``; the writer keeps at most
``BLOCK_LIMIT`` blocks and waits for one when all are in use, which also holds a fast worker back from a slow client.
"""

import contextlib
import mmap
import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_LIMIT = 4
ALIGNMENT = 64
GROWTH = 1.25
_WINDOWS = sys.platform == "win32"


def make_session_directory() -> Path:
    """A new private folder (mode 0700) for one worker's blocks and socket, in memory where the system has that."""
    in_memory = Path("/dev/shm")
    parent = in_memory if in_memory.is_dir() and os.access(in_memory, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="physface-", dir=parent))


def remove_session_directory(directory: Path) -> None:
    """Remove the folder and what a crash left in it; both sides may call it, in any order."""
    shutil.rmtree(directory, ignore_errors=True)


def _create_map(directory: Path, name: str, size: int) -> mmap.mmap:
    if _WINDOWS:
        return mmap.mmap(-1, size, tagname=name)
    descriptor = os.open(directory / name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a bus error at the first write
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _open_map(directory: Path, name: str, size: int) -> mmap.mmap:
    if _WINDOWS:
        return mmap.mmap(-1, size, tagname=name)
    descriptor = os.open(directory / name, os.O_RDWR)
    try:
        mapped = mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
    os.unlink(directory / name)
    return mapped


@dataclass
class _Block:
    name: str
    size: int
    memory: mmap.mmap
    in_use: bool = False


class ArrayWriter:
    """The worker's side."""

    def __init__(self, directory: Path) -> None:
        """Write blocks into the session's folder."""
        self._directory = directory
        self._blocks: dict[str, _Block] = {}
        self._released = threading.Condition()
        self._retired: list[str] = []

    def write(self, arrays: Mapping[str, npt.NDArray[Any]], is_closing: Callable[[], bool]) -> dict[str, Any]:
        """Copy arrays into a free block.

        Args:
            arrays: of any shape and plain dtype, by name.
            is_closing: asked while waiting for a block; True gives the wait up.

        Returns:
            The reference a reader needs: plain values, for ``message_codec.encode``.

        Raises:
            OSError: there is no memory for the block.
            InterruptedError: the wait was given up.
        """
        sources = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        layout, offset = {}, 0
        for name, source in sources.items():
            layout[name] = [source.dtype.str, list(source.shape), offset]
            offset += -(-source.nbytes // ALIGNMENT) * ALIGNMENT
        block = self._acquire(max(offset, ALIGNMENT), is_closing)
        for name, source in sources.items():
            if source.nbytes:
                start = layout[name][2]
                block.memory[start : start + source.nbytes] = memoryview(source).cast("B")
        retired, self._retired = self._retired, []
        return {"block": block.name, "size": block.size, "layout": layout, "retired": retired}

    def release(self, name: str) -> None:
        """The reader is done with a block (called from the thread that listens)."""
        with self._released:
            if name in self._blocks:
                self._blocks[name].in_use = False
                self._released.notify_all()

    def _acquire(self, size: int, is_closing: Callable[[], bool]) -> _Block:
        with self._released:
            while True:
                free = [block for block in self._blocks.values() if not block.in_use]
                free.sort(key=lambda block: block.size)
                block = next((block for block in free if block.size >= size), None)
                if block is None and free and len(self._blocks) >= BLOCK_LIMIT:
                    self._retire(free[0])
                if block is None and len(self._blocks) < BLOCK_LIMIT:
                    block = self._create(int(size * GROWTH))
                if block is not None:
                    block.in_use = True
                    return block
                self._released.wait(0.2)
                if is_closing():
                    raise InterruptedError("The session closes.")

    def _create(self, size: int) -> _Block:
        name = f"physface-{secrets.token_hex(8)}"
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        block = _Block(name, size, _create_map(self._directory, name, size))
        self._blocks[name] = block
        return block

    def _retire(self, block: _Block) -> None:
        del self._blocks[block.name]
        block.memory.close()
        self._retired.append(block.name)


class ArrayReader:
    """The client's side."""

    def __init__(self, directory: Path) -> None:
        """Read blocks from the session's folder."""
        self._directory = directory
        self._maps: dict[str, mmap.mmap] = {}

    def read(self, reference: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """Copies of the arrays a reference names; the block may be released afterwards.

        Raises:
            OSError: the block is gone.
            ValueError: the reference does not fit the block.
        """
        for name in reference["retired"]:
            retired = self._maps.pop(name, None)
            if retired is not None:
                retired.close()
        name = reference["block"]
        if name not in self._maps:
            self._maps[name] = _open_map(self._directory, name, reference["size"])
        memory = self._maps[name]
        arrays = {}
        for key, (dtype, shape, offset) in reference["layout"].items():
            count = int(np.prod(shape, dtype=np.int64))
            view = np.frombuffer(memory, dtype=np.dtype(dtype), count=count, offset=offset)
            arrays[key] = view.reshape(shape).copy()
            del view
        return arrays

    def close(self) -> None:
        """Let go of the memory."""
        for memory in self._maps.values():
            with contextlib.suppress(BufferError):
                memory.close()
        self._maps.clear()
