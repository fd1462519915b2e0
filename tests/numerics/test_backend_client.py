"""The worker process and its client, without a face: start, crash, restart, end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from physface_blender.backend import interpreter, shared_arrays
from physface_blender.backend.client import ClientState, WorkerClient
from physface_blender.backend.errors import WorkerError
from physface_blender.backend.messages import Failed, Ping, PoseLive, Status, Superseded, WorkerLost
from physface_blender.backend.settings import BackendSettings

PACKAGE = Path(interpreter.__file__).resolve().parent.parent
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


@pytest.fixture
def client(tmp_path):
    client = WorkerClient(BackendSettings(cache_directory=tmp_path / "cache", thread_count=1))
    yield client
    client.close()


def wait_for(client, serial=None, kind=None, seconds=120.0):
    """Poll until a last reply with this serial, or a reply of this kind; returns it and all replies before it."""
    replies, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        for reply in client.poll():
            replies.append(reply)
            if (serial is not None and reply.serial == serial and reply.is_last) or (kind and isinstance(reply, kind)):
                return reply, replies
        time.sleep(0.005)
    raise AssertionError(f"no answer in {seconds} s; came: {replies}")


def is_running(process_id):
    status = Path(f"/proc/{process_id}/stat")
    return status.is_file() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_start_returns_at_once_and_the_worker_answers(client):
    started = time.monotonic()
    client.start()
    serial = client.request(Ping())
    client.poll()
    assert time.monotonic() - started < 1.0
    assert client.state is ClientState.STARTING
    reply, replies = wait_for(client, serial)
    assert client.state is ClientState.RUNNING
    assert isinstance(reply, Status)
    assert reply.process_id == client.process_id != os.getpid()
    assert reply.thread_count == 1
    assert "torch" in reply.versions
    assert replies[0].serial == 0  # the greeting
    assert client.unanswered_count == 0


def test_a_request_for_a_character_nobody_made_fails_with_a_sentence(client):
    client.start()
    serial = client.request(PoseLive(character="Nobody", expression=(0.0,) * 52))
    reply, _ = wait_for(client, serial)
    assert isinstance(reply, Failed)
    assert reply.kind == "unknown_character"
    assert "Nobody" in reply.sentence


def test_what_waits_in_the_client_is_superseded_and_cancelled_there(client):
    client.start()
    first, second = (client.request(PoseLive(character="A", expression=(0.0,) * 52)) for _ in range(2))
    ping = client.request(Ping())
    client.cancel(ping)
    kinds = {reply.serial: type(reply).__name__ for reply in client.poll()}
    assert kinds == {first: "Superseded", ping: "Cancelled"}
    reply, _ = wait_for(client, second)
    assert not isinstance(reply, Superseded)


@POSIX_ONLY
def test_a_killed_worker_is_noticed_restarted_once_and_reported(client):
    client.start()
    wait_for(client, client.request(Ping()))
    first = client.process_id
    os.kill(first, signal.SIGSTOP)  # so that it cannot answer before it dies
    unanswered = client.request(Ping())
    os.kill(first, signal.SIGKILL)
    lost, replies = wait_for(client, kind=WorkerLost)
    assert lost.restarted
    assert "signal 9" in lost.sentence
    failed = next(reply for reply in replies if reply.serial == unanswered)
    assert (type(failed), failed.kind) == (Failed, "worker_lost")
    reply, _ = wait_for(client, client.request(Ping()))
    assert isinstance(reply, Status)
    assert reply.process_id == client.process_id != first

    os.kill(client.process_id, signal.SIGKILL)
    lost, _ = wait_for(client, kind=WorkerLost)
    assert not lost.restarted
    assert "worker.log" in lost.sentence
    assert client.state is ClientState.FAILED
    with pytest.raises(WorkerError, match="Start it"):
        client.request(Ping())
    client.start()
    assert isinstance(wait_for(client, client.request(Ping()))[0], Status)


@POSIX_ONLY
def test_nothing_is_left_after_close_and_after_a_crash(client, tmp_path, monkeypatch):
    made = []
    original = shared_arrays.make_session_directory

    def remembered():
        made.append(original())
        return made[-1]

    monkeypatch.setattr("physface_blender.backend.worker_process.make_session_directory", remembered)
    client.start()
    wait_for(client, client.request(Ping()))
    worker = client.process_id
    os.kill(worker, signal.SIGKILL)
    wait_for(client, kind=WorkerLost)
    wait_for(client, client.request(Ping()))
    restarted = client.process_id
    client.close()
    assert len(made) == 2
    assert not any(directory.exists() for directory in made)
    assert not is_running(worker)
    assert not is_running(restarted)
    assert client.state is ClientState.STOPPED


def test_a_client_that_was_not_started_says_so(client):
    with pytest.raises(WorkerError, match="not running"):
        client.request(Ping())
    assert client.poll() == []


def test_a_python_that_is_no_program_is_refused(client, tmp_path, monkeypatch):
    monkeypatch.setenv(interpreter.ENVIRONMENT_VARIABLE, str(tmp_path / "no-python"))
    with pytest.raises(WorkerError, match="PHYSFACE_PYTHON"):
        client.start()
    assert client.state is ClientState.STOPPED


@POSIX_ONLY
def test_a_python_that_ends_at_once_is_given_up_with_its_last_words(client, tmp_path, monkeypatch):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho cannot load libfoo >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv(interpreter.ENVIRONMENT_VARIABLE, str(broken))
    client.start()
    serial = client.request(Ping())
    failed, replies = wait_for(client, serial)
    assert isinstance(failed, Failed)
    assert "exit code 3" in failed.sentence
    assert client.state is ClientState.FAILED
    first = next(reply for reply in replies if isinstance(reply, WorkerLost))
    assert first.restarted
    assert "libfoo" in first.details


@POSIX_ONLY
def test_the_worker_ends_with_its_parent(tmp_path):
    script = (
        "import sys, time; from pathlib import Path\n"
        "from physface_blender.backend.client import WorkerClient\n"
        "from physface_blender.backend.messages import Ping\n"
        "from physface_blender.backend.settings import BackendSettings\n"
        f"client = WorkerClient(BackendSettings(cache_directory=Path({str(tmp_path)!r}), thread_count=1))\n"
        "client.start(); client.request(Ping())\n"
        "while not any(reply.serial for reply in client.poll()): time.sleep(0.01)\n"
        "print(client.process_id, client._worker._directory, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=PACKAGE.parent)
    worker, directory = parent.stdout.readline().split()
    assert is_running(int(worker))
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_running(int(worker)))
    wait_until(lambda: not Path(directory).exists())


def test_the_installed_extension_starts_its_worker_without_bpy(tmp_path):
    """In Blender the package has another name and lies in a folder of another name, elsewhere than the project."""
    installed = tmp_path / "repository" / "physface"
    ignored = shutil.ignore_patterns("__pycache__", "training", "fitting", ".ruff_cache")
    shutil.copytree(PACKAGE, installed, ignore=ignored)
    before = sorted(path.relative_to(installed) for path in installed.rglob("*"))
    script = (
        "import importlib, sys, time, types; from pathlib import Path\n"
        "for name in ('bl_ext', 'bl_ext.user_default'):\n"
        "    module = types.ModuleType(name); module.__path__ = []; sys.modules[name] = module\n"
        f"sys.modules['bl_ext.user_default'].__path__ = [{str(installed.parent)!r}]\n"
        "package = 'bl_ext.user_default.physface.backend.'\n"
        "client_module = importlib.import_module(package + 'client')\n"
        "messages = importlib.import_module(package + 'messages')\n"
        "settings = importlib.import_module(package + 'settings')\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'torch', 'scipy', 'numba', 'bpy', 'physface_blender'}\n"
        f"cache = Path({str(tmp_path / 'c')!r})\n"
        "client = client_module.WorkerClient(settings.BackendSettings(cache_directory=cache))\n"
        "client.start(); serial = client.request(messages.PoseLive(character='Face', expression=(0.0,) * 52))\n"
        "end = time.monotonic() + 120\n"
        "while time.monotonic() < end:\n"
        "    for reply in client.poll():\n"
        "        if reply.serial == serial:\n"
        "            print(reply.kind); client.close(); sys.exit()\n"
        "    time.sleep(0.01)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=150
    )
    assert done.stdout.strip() == "unknown_character", done.stderr
    assert done.stderr == ""
    assert sorted(path.relative_to(installed) for path in installed.rglob("*")) == before  # nothing was written there
