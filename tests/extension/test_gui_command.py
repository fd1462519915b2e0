"""The checks in a window where there is no window: skipped with the reason, and none of them is broken."""

import ast
import os
import subprocess
import sys

import pytest


def run(repository, *arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "PHYSFACE_BLENDER")}
    command = [sys.executable, repository / "tests" / "gui" / "run.py", *arguments]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=60, check=False)


def test_without_a_blender_all_is_skipped_with_the_reason(repository, tmp_path):
    ended = run(repository, PATH=str(tmp_path))
    assert ended.returncode == 0
    assert "skipped: there is no Blender" in ended.stdout


def test_without_the_programs_that_press_keys_it_says_which_is_missing(repository, tmp_path):
    ended = run(repository, PATH=str(tmp_path), PHYSFACE_BLENDER="/somewhere/blender")
    assert "skipped: xdotool is not installed" in ended.stdout


def test_an_unknown_check_is_refused(repository):
    ended = run(repository, "dancing")
    assert ended.returncode == 1
    assert "There is no check 'dancing'" in ended.stderr


@pytest.mark.parametrize(
    "panel", ["character", "expression", "style", "retarget", "physics", "paralysis", "bones", "bake"]
)
def test_every_panel_has_a_check_of_its_own(repository, panel):
    source = (repository / "tests" / "gui" / f"check_{panel}.py").read_text(encoding="utf-8")
    names = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assert "main" in names
