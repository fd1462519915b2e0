"""``build.py``: return codes are passed on, locks are complete, what is installed is not installed again."""

import re
import subprocess
import sys

import pytest

from builder import environment, native_libraries
from builder.command_line import main
from builder.environment import REQUIREMENTS, Environment
from builder.process import BuildError, run, run_checked


def test_the_return_code_of_a_child_is_passed_on():
    assert run([sys.executable, "-c", "raise SystemExit(7)"]) == 7
    with pytest.raises(BuildError, match="count to three") as error:
        run_checked([sys.executable, "-c", "raise SystemExit(7)"], "count to three")
    assert error.value.return_code == 7


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_child_that_was_killed_does_not_look_like_success():
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run([sys.executable, "-c", code]) == 128 + 9


def test_help_explains_every_command(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for command in ("demo", "test", "lint", "bench", "template", "train", "package"):
        assert re.search(rf"^    {command} +\w", text, flags=re.MULTILINE)


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["dance"])
    assert leaving.value.code == 2
    assert "dance" in capsys.readouterr().err


@pytest.mark.parametrize("lock", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda path: path.name)
def test_every_entry_of_a_lock_has_one_version_and_hashes(lock):
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines).strip())
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[\d.]+(\+cpu)?(\s|;)", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


def test_what_is_installed_is_not_installed_again(tmp_path, monkeypatch):
    made = Environment(tmp_path / "made", "a test's environment")
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    (made.folder / "physface-development.sha256").write_text(environment._lock_hash("development"), encoding="utf-8")
    monkeypatch.setattr(
        environment, "run_checked", lambda *_arguments, **_options: pytest.fail("something was started")
    )
    monkeypatch.setattr(environment, "run", lambda *_arguments, **_options: pytest.fail("something was started"))
    made.ensure("development")


def test_a_changed_lock_is_installed(tmp_path, monkeypatch, capsys):
    made = Environment(tmp_path / "made", "a test's environment")
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    (made.folder / "physface-development.sha256").write_text("the hash of an older lock", encoding="utf-8")
    started = []
    monkeypatch.setattr(environment, "run", lambda _command, **_options: 0)
    monkeypatch.setattr(environment, "run_checked", lambda command, _purpose, **_options: started.append(command))
    made.ensure("development")
    (command,) = started
    assert "--require-hashes" in command
    assert REQUIREMENTS / "development.txt" in command
    assert made._is_installed("development")


def test_a_user_who_is_not_root_is_told_what_to_install(tmp_path, monkeypatch):
    failure = "ImportError: libXi.so.6: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(native_libraries, "_failure", lambda _environment: failure)
    monkeypatch.setattr(native_libraries.os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(BuildError, match=r"libXi\.so\.6[\s\S]*sudo apt-get install[\s\S]* libxi6 "):
        native_libraries.ensure_blender_starts(Environment(tmp_path, "a test's environment"))


def test_another_failure_of_blender_is_shown_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(native_libraries, "_failure", lambda _environment: "ImportError: numpy is broken")
    with pytest.raises(BuildError, match="numpy is broken"):
        native_libraries.ensure_blender_starts(Environment(tmp_path, "a test's environment"))


def test_another_python_gets_one_sentence(repository):
    code = "import sys; sys.version_info = (3, 9, 1); sys.argv = ['build.py']; exec(open('build.py').read())"
    result = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "needs Python 3.11" in result.stderr
