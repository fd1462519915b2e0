"""The demo from end to end, as a user starts it: three frames at 6.8 mm."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest

from physface_blender.blender.contact_sheet import read_picture
from physface_blender.performance.arkit import ARKIT_NAMES
from physface_blender.performance.range_of_motion import range_of_motion

REPORT_KEYS = {
    "frames",
    "resolution_mm",
    "hexes",
    "seconds_per_frame",
    "setup_seconds",
    "intersections",
    "intersections_without_contact",
    "max_jaw_rigidity_error_mm",
    "iterations",
    "residual",
    "cores",
    "versions",
    "command",
    "date",
}
SMALL = ["--resolution", "6.8", "--width", "96", "--samples", "1", "--sheet-samples", "1"]


def demo(repository: Path, out: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "physface_blender.cli", "demo", "--out", str(out), *SMALL, *arguments],
        cwd=repository,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def made(repository, tmp_path_factory) -> Path:
    """A demo of three frames around the lip bite of the built-in performance."""
    if not (repository / "models" / "generalized.safetensors").exists():
        pytest.skip("the generalized weights are not in models/")
    out = tmp_path_factory.mktemp("demo")
    process = demo(repository, out, "--frames", "66:69")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return out


def test_it_writes_what_it_promises_and_nothing_else(made):
    assert sorted(path.name for path in made.iterdir()) == [
        "contact_sheet.png",
        "demo.blend",
        "demo.mp4",
        "report.json",
    ]


def test_the_report_holds_every_figure_and_no_intersections(made):
    report = json.loads((made / "report.json").read_text())
    assert set(report) >= REPORT_KEYS
    assert report["frames"] == 3
    assert report["frame_range"] == [66, 69]
    assert report["intersections"] == 0
    assert report["intersections_without_contact"] > 0
    assert report["frames_not_converged"] == 0
    assert 0.0 < report["seconds_per_frame"]["median"] <= report["seconds_per_frame"]["p90"]
    assert report["max_jaw_rigidity_error_mm"] < 0.1
    assert report["iterations"]["max"] >= 1
    assert report["interrupted"] is False


def test_the_film_has_the_frames_and_the_sheet_shows_a_face(made):
    clip = bpy.data.movieclips.load(str(made / "demo.mp4"))
    assert clip.frame_duration == 3
    assert tuple(clip.size) == (96, 116)
    sheet = read_picture(made / "contact_sheet.png")
    assert sheet.shape[0] > 116
    middle = sheet[60:140, 30:80]
    assert middle[..., 0].mean() > 1.15 * middle[..., 2].mean(), "no skin in the middle of the picture"


def test_the_blender_file_plays(made):
    bpy.ops.wm.open_mainfile(filepath=str(made / "demo.blend"))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (67, 69)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(24.0)
    skin = bpy.data.objects["Face 1"]
    keys = skin.data.shape_keys
    assert not keys.use_relative
    assert len(keys.key_blocks) == 4
    shown, turned = [], []
    for frame in (67, 68, 69):
        scene.frame_set(frame)
        evaluated = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
        points = np.empty(len(evaluated.data.vertices) * 3, dtype=np.float32)
        evaluated.data.vertices.foreach_get("co", points)
        shown.append(points)
        key = np.empty_like(points)
        keys.key_blocks[frame - 66].points.foreach_get("co", key)
        assert np.abs(points - key).max() < 1e-6, "between two keys"
        turned.append(np.array(bpy.data.objects["Face 1 Lower Teeth"].matrix_world))
    assert np.abs(shown[1] - shown[0]).max() > 1e-5
    assert np.abs(turned[2] - turned[0]).max() > 1e-6
    expected = range_of_motion().weights[67, ARKIT_NAMES.index("mouthRollLower")]
    curves = [
        curve
        for action in bpy.data.actions
        for curve in action.fcurves
        if curve.data_path == "physface.expression.mouthRollLower"
    ]
    assert curves[0].evaluate(68.0) == pytest.approx(expected, abs=1e-5)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_keeps_the_finished_frames(repository, made, tmp_path):
    assert (made / "report.json").exists()  # the caches are warm now
    # A shell that runs the tests in the background has interrupts ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = demo(repository, tmp_path, "--frames", "0:96")
    deadline = time.monotonic() + 240.0
    while process.poll() is None and not list(tmp_path.glob("physface-portrait-*/pose_00001.npz")):
        assert time.monotonic() < deadline, "no frame was finished"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"] is True
    assert 2 <= report["frames"] < 96
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "contact_sheet.png",
        "demo.blend",
        "demo.mp4",
        "report.json",
    ]
    clip = bpy.data.movieclips.load(str(tmp_path / "demo.mp4"))
    assert clip.frame_duration == report["frames"]


def test_a_real_capture_is_played_at_its_own_rate(repository, shared_data, made, tmp_path):
    source = shared_data / "captures" / "apfel.csv.gz"
    lines = gzip.decompress(source.read_bytes()).decode().splitlines()
    (tmp_path / "short.csv").write_text("\n".join(lines[:40]) + "\n")
    out = tmp_path / "out"
    process = demo(repository, out, "--capture", str(tmp_path / "short.csv"), "--frames", "10:12")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    report = json.loads((out / "report.json").read_text())
    assert report["frames_per_second"] == pytest.approx(30.0, abs=0.01)
    assert any("true seconds" in message for message in report["messages"])
    assert report["intersections"] == 0
