"""The benchmark's own parts: its minimizers agree, its slab is the peer's, its figures are judged as specified."""

import json
from pathlib import Path

import numpy as np
import pytest

from physface_blender.benchmark import slab as peer
from physface_blender.benchmark.__main__ import main
from physface_blender.benchmark.figures import AIMS, judged, page
from physface_blender.benchmark.memory import current_memory_bytes, peak_memory_bytes
from physface_blender.benchmark.minimizers import METHODS, FrameMinimizer
from physface_blender.benchmark.played_frames import played_frames
from physface_blender.benchmark.point_actuation import stretch
from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.obstacle import REST_POSE
from physface_blender.simulation.settings import SimulationSettings
from physface_blender.simulation.tissue import Tissue

from .blocks import jittered, rotation


@pytest.fixture(scope="module")
def tissue():
    """A small slab of the peer's size, actuated as the peer's."""
    small = peer.make_slab((10, 8, 4))
    tissue = Tissue(small, small.node_positions, None, SimulationSettings(contact=False))
    tissue.set_target(small.node_positions, REST_POSE, Conditions(), peer.smooth_actuation(small))
    return tissue, small.node_positions


def test_all_methods_reach_one_minimizer_and_never_raise_the_energy(tissue):
    tissue, rest = tissue
    ends = {method: FrameMinimizer(tissue).run(method, rest, 1e-8, 2000) for method in METHODS}
    reference = ends["Newton–PCG"]
    assert np.abs(reference.nodes - rest).max() > 1.0
    for method, descent in ends.items():
        assert descent.measures[-1] <= 1e-8, method
        assert descent.measures[0] > 1e-2
        np.testing.assert_allclose(descent.nodes, reference.nodes, atol=1e-4)
        assert (np.diff(descent.energies) <= 1e-12 * descent.energies[0]).all()
        assert descent.until(1e-8)[1] == len(descent.measures) - 1
        assert descent.until(1e-12) is None
    plain = len(ends["local–global"].measures)
    assert len(ends["Anderson"].measures) < 0.6 * plain
    assert len(ends["L-BFGS"].measures) < 0.6 * plain
    assert len(reference.measures) < 0.2 * plain


def test_a_load_that_cancels_the_forces_makes_a_pose_a_minimizer(tissue):
    tissue, rest = tissue
    pose = jittered(rest, 0.1, 0)
    load = tissue.expand(pose, None, curvature=False).gradient
    descent = FrameMinimizer(tissue).run("Newton–PCG", pose, 1e-12, 5, load=load)
    assert np.abs(load).max() > 1e-4
    assert len(descent.measures) == 1
    np.testing.assert_array_equal(descent.nodes, pose)


def test_the_slab_is_the_peers():
    slab = peer.make_slab()
    assert len(slab.hexes) == 60_258
    np.testing.assert_allclose(np.ptp(slab.node_positions, axis=0), [150.0, 120.0, 20.0])
    assert (slab.node_positions[:, 2] > 0.0).sum() == 61_908  # unknowns of each axis
    held = np.unique(slab.skull_attachment.corners[slab.skull_attachment.weights > 0.0])
    assert np.array_equal(held, np.flatnonzero(slab.node_positions[:, 2] == 0.0))
    assert slab.skull_attachment.areas.sum() == pytest.approx(150.0 * 120.0)
    small = peer.make_slab((12, 10, 3))
    values = np.linalg.eigvalsh(peer.smooth_actuation(small))
    assert np.abs(values - 1.0).max() == pytest.approx(0.2)
    assert np.abs(values - 1.0).mean() > 0.03
    figures, descent = peer.solve_slab(small, 2)
    assert figures.relative_gradient <= 3e-6
    assert figures.iterations == len(descent.measures) - 1 > 2


def test_actuation_at_points_is_the_stretch_that_is_left_when_the_nearest_rotation_is_taken_off():
    actuation = np.diag([1.3, 0.9, 0.7]) + 0.1 * (np.ones((3, 3)) - np.eye(3))
    turn = rotation([1, 2, 3], 50.0)
    np.testing.assert_allclose(stretch((turn @ actuation)[None])[0], actuation, atol=1e-12)
    mirrored = stretch(np.diag([1.0, 2.0, -0.5])[None])[0]  # the nearest proper rotation to it is none at all
    np.testing.assert_allclose(mirrored, np.diag([1.0, 2.0, -0.5]), atol=1e-12)


def test_figures_are_judged_by_their_targets():
    assert judged("frame_2mm_warm_s", 0.2) == {"value": 0.2, "target": 0.25, "reached": True}
    assert judged("frame_2mm_warm_s", 0.3)["reached"] is False
    assert judged("preview_4mm_fps", 14.0)["reached"] is False
    assert judged("preview_4mm_fps", 16.0)["reached"] is True
    assert judged("contact_overhead", 3.0)["reached"] is None
    assert judged("peak_memory_gb", None) == {"value": None, "target": 2.0, "reached": None}


def test_the_page_shows_every_figure():
    machine = {"processor": "a processor", "threads": 2, "load_average": 0.1}
    document = {name: judged(name, 1.0) for name in AIMS} | {
        "command": "a command", "date": "a date", "machine": machine, "frames": "some frames",
    }  # fmt: skip
    text = page(document)
    assert all(aim.meaning in text for aim in AIMS.values())
    assert text.count("**missed**") == sum(judged(name, 1.0)["reached"] is False for name in AIMS) > 0


def test_without_the_take_the_built_in_performance_is_played(tmp_path):
    frames = played_frames(tmp_path)
    assert frames.name == "built-in performance"
    assert [stretch.shape for stretch in frames.stretches(3, 4)] == 3 * [(5, 52)]
    assert frames.leap(12)[0].shape == (13, 52)


def test_the_take_is_played_where_it_is(shared_data):
    frames = played_frames(shared_data)
    assert "alex_rom_4" in frames.name
    moved = np.abs(np.diff(frames.weights, axis=0)).sum(axis=1)
    leaps = np.abs(np.diff(frames.leap(6)[0], axis=0)).sum(axis=1)
    assert np.median(leaps) > np.percentile(moved, 50)
    spread = np.concatenate([np.abs(np.diff(part, axis=0)).sum(axis=1) for part in frames.stretches(5, 6)])
    assert len(spread) == 30
    assert np.median(spread) > 0.9 * np.median(moved)  # as lively as the take, not a part of it that rests
    poses = frames.poses(4)
    assert len(poses) == 4
    assert frames.weights[poses].sum(axis=1).min() > 1.0


def test_memory_is_told_in_bytes():
    peak = peak_memory_bytes()
    assert peak is None or 50e6 < peak < 100e9
    now = current_memory_bytes()
    assert now is None or 50e6 < now <= peak


def test_an_unknown_subject_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["dancing"])
    assert caught.value.code == 2
    assert "dancing" in capsys.readouterr().err


def test_the_page_that_was_written_agrees_with_its_file(repository):
    path = Path(repository) / "docs" / "evaluation" / "simulation.json"
    if not path.is_file():
        pytest.skip("the benchmark has not been run; python3 build.py bench writes it")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert set(AIMS) <= set(document)
    assert all(document[name] == judged(name, document[name]["value"]) for name in AIMS)
    assert path.with_suffix(".md").read_text(encoding="utf-8") == page(document)
