"""An actor's file: round trip, projection on the actor's own basis, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from physface_blender.fitting.actor_capture import ActorCapture, ActorCaptureError, Sequence, read_actor, write_actor


@pytest.fixture
def actor():
    """Forty points with three shapes."""
    random = np.random.default_rng(0)
    shapes = random.normal(size=(3, 40, 3))
    neutral = 50.0 * random.normal(size=(40, 3))
    weights = random.uniform(size=(6, 3))
    return ActorCapture(
        name="someone",
        neutral=neutral,
        faces=np.array([[0, 1, 2, -1]], dtype=np.int32),
        shape_names=("a", "b", "c"),
        shape_weights=random.uniform(size=(3, 52)),
        shapes=shapes,
        canonical=neutral + 1.0,
        parting=np.zeros(40),
        sequences={"talk": Sequence(neutral + np.tensordot(weights, shapes, axes=1), np.tile(np.eye(4), (6, 1, 1)))},
    )


def test_projection_finds_the_weights(actor):
    """Frames made by the linear rig are explained exactly; others within 0..1."""
    positions = actor.sequences["talk"].positions
    found = actor.blendweights(positions)
    assert np.allclose(actor.linear_rig(found), positions, atol=1e-9)
    beyond = actor.blendweights(actor.neutral + 1.7 * actor.shapes[:1])
    assert beyond.max() <= 1.0
    assert beyond[0, 0] == pytest.approx(1.0)


def test_round_trip(actor, tmp_path):
    """Lengths come back in the precision of the file, everything else exactly."""
    path = tmp_path / "someone.npz"
    write_actor(actor, path)
    again = read_actor(path)
    assert again.shape_names == actor.shape_names
    assert np.allclose(again.neutral, actor.neutral, atol=1e-4)
    assert np.array_equal(again.shape_weights, actor.shape_weights)
    assert np.allclose(again.sequences["talk"].positions, actor.sequences["talk"].positions, atol=1e-4)
    assert np.array_equal(again.sequences["talk"].jaw, actor.sequences["talk"].jaw)
    assert again.identity is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shapes": np.zeros((3, 41, 3))}, "shapes"),
        ({"neutral": np.full((40, 3), np.nan)}, "finite"),
        ({"parting": None}, "both"),
        ({"faces": np.array([[0, 1, 40, -1]])}, "not there"),
        ({"sequences": {"x": Sequence(np.zeros((2, 39, 3)))}}, "positions of x"),
    ],
)
def test_arrays_that_do_not_fit(actor, change, message):
    with pytest.raises(ActorCaptureError, match=message):
        replace(actor, **change)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "no.npz"
    path.write_bytes(b"no")
    with pytest.raises(ActorCaptureError, match="cannot be read"):
        read_actor(path)
    np.savez(path, name="x")
    with pytest.raises(ActorCaptureError, match="lacks neutral"):
        read_actor(path)
