"""The command line answers what it cannot do with one sentence and return code 2, before any work."""

import subprocess
import sys

import pytest

from physface_blender import cli


def run(arguments: list[str], capsys) -> tuple[int, str]:
    code = cli.main(arguments)
    return code, capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--frames", "5:5"], "The frame range 5:5 holds no frames"),
        (["--frames", "90:97"], "which has 96 frames"),
        (["--frames", "x"], "not of the form A:B"),
        (["--resolution", "0.2"], "A resolution of 0.2 mm is out of range"),
        (["--resolution", "50"], "out of range"),
        (["--resolution", "nan"], "out of range"),
        (["--width", "321"], "choose an even width"),
        (["--samples", "0"], "at least one sample"),
        (["--gravity", "down"], "--gravity takes numbers"),
        (["--gravity", "90,nan"], "rotation must lie between -180 and 180"),
        (["--stiffness", "0"], "stiffness must lie between 0.1 and 10"),
        (["--paralysis", "nose"], "There is no region 'nose'"),
        (["--jaw-scale", "3"], "must lie between 0.7 and 1.3"),
        (["--capture", "nowhere.csv"], "There is no capture file"),
    ],
)
def test_a_demo_that_cannot_be_made_gets_one_sentence(arguments, sentence, tmp_path, capsys):
    code, said = run(["demo", "--out", str(tmp_path / "out"), *arguments], capsys)
    assert code == 2
    assert sentence in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()


def test_a_broken_capture_gets_one_sentence(tmp_path, capsys):
    path = tmp_path / "take.csv"
    path.write_text("Timecode,BlendShapeCount,JawOpen\n12:00:00:00,61,0.5\n")
    code, said = run(["demo", "--capture", str(path), "--out", str(tmp_path / "out")], capsys)
    assert code == 2
    assert "lacks 51 of the 52 ARKit columns" in said


def test_a_folder_that_cannot_be_made_gets_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, said = run(["demo", "--out", str(tmp_path / "file" / "out")], capsys)
    assert code == 2
    assert "choose another folder with --out" in said


def test_weights_that_are_missing_get_one_sentence_and_leave_nothing_running(tmp_path, capsys):
    arguments = ["demo", "--out", str(tmp_path), "--weights", str(tmp_path / "none.safetensors"), "--frames", "0:1"]
    code, said = run(arguments, capsys)
    assert code == 2
    assert "none.safetensors" in said.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_truncated_weights_get_one_sentence(tmp_path, capsys):
    broken = tmp_path / "generalized.safetensors"
    broken.write_bytes(b'\x10\x00\x00\x00\x00\x00\x00\x00{"half')
    code, said = run(["demo", "--out", str(tmp_path / "out"), "--weights", str(broken), "--frames", "0:1"], capsys)
    assert code == 2
    assert "damaged" in said.splitlines()[-1]


def test_an_unknown_command_is_refused_and_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["dance"])
    assert caught.value.code == 2
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(command in said for command in ("demo", "expressions", "bench", "template", "train"))


def test_reading_the_command_line_loads_neither_torch_nor_blender():
    program = (
        "import sys; from physface_blender import cli; cli._parser(); "
        "print('torch' in sys.modules, 'bpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
