"""The limit of the cache: what was not used for the longest goes first, nothing in use goes, nothing foreign goes."""

import os
import time

import pytest

from physface_blender.anatomy.array_store import read_kept_arrays, write_arrays
from physface_blender.backend import cache_folder, messages
from physface_blender.backend.service import Service
from physface_blender.backend.settings import BackendSettings

BEGAN = 1_000_000.0
OURS = ("rest_a.npz", "space_b.npz", f"identity-{16 * 'c'}.npz", f"bound-{16 * 'd'}.ply")


@pytest.fixture
def folder(tmp_path):
    """Four files of ours of a megabyte, each used an hour after the one before, and others of the same age."""
    (tmp_path / "numba").mkdir()
    for age, name in enumerate((*OURS, "worker.log", "numba/kernel.nbi", "holiday.npz")):
        path = tmp_path / name
        path.write_bytes(bytes(1_000_000))
        os.utime(path, (BEGAN, BEGAN + 3600.0 * age))
    return tmp_path


def left(folder):
    return [name for name in OURS if (folder / name).exists()]


def test_the_least_recently_used_goes_first(folder):
    assert cache_folder.size_megabytes(folder) == pytest.approx(6.0)
    assert cache_folder.trim(folder, 6.0, time.time()) == 0
    assert cache_folder.trim(folder, 4.5, time.time()) == 2
    assert left(folder) == list(OURS[2:])
    assert cache_folder.trim(folder, 0.5, time.time()) == 2
    assert (folder / "holiday.npz").exists()
    assert (folder / "numba" / "kernel.nbi").exists()
    assert (folder / "worker.log").exists()


def test_what_is_in_use_stays(folder):
    cache_folder.note_use(folder / OURS[0])
    assert cache_folder.trim(folder, 0.5, time.time() - 60.0) == 3
    assert left(folder) == [OURS[0]]


def test_reading_is_a_use(folder):
    path = folder / OURS[1]
    write_arrays(path, {})
    os.utime(path, (BEGAN, BEGAN))
    assert read_kept_arrays(path) == {}
    assert path.stat().st_mtime > BEGAN + 1e6


def test_the_backend_keeps_the_limit_and_what_its_own_faces_need(folder):
    settings = BackendSettings(thread_count=1, cache_directory=folder, cache_megabytes=1)
    replies = []
    Service(settings, replies.append, lambda serial: False).handle(
        messages.CreateCharacter(serial=1, character="Face", identity=(0.0,) * 100, resolution_mm=10.0)
    )
    assert isinstance(replies[-1], messages.CharacterReady), replies[-1]
    assert left(folder) == []
    assert list(folder.glob("space_*.npz"))
    assert list(folder.glob("rest_*.npz"))
