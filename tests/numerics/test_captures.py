"""The synthetic captures: rigid jaw, lids around the eyeball, exact neutral."""

import numpy as np
import pytest
import torch

from physface_blender.performance.arkit import ARKIT_NAMES
from physface_blender.training.captures import CaptureSynthesizer, load_capture_source
from physface_blender.training.expressions import OPPOSITES, ExpressionSampler, make_plausible
from physface_blender.training.seeds import training_identities
from physface_blender.training.template.eyes import fit_left_eyeball
from physface_blender.training.template.face_source import read_face_source


@pytest.fixture(scope="module")
def captures(shared_data):
    """The captures of the source data."""
    return CaptureSynthesizer(load_capture_source(shared_data))


def _weights(**values) -> torch.Tensor:
    weights = torch.zeros(1, len(ARKIT_NAMES))
    for name, value in values.items():
        weights[0, ARKIT_NAMES.index(name)] = value
    return weights


IDENTITIES = torch.as_tensor(training_identities()[:2], dtype=torch.float32)


@pytest.mark.parametrize("opening", [0.25, 0.5, 1.0])
def test_lower_teeth_move_rigidly(captures, opening):
    """Distances among the lower teeth do not change at any opening (the linear shapes shrink them)."""
    teeth = torch.arange(*captures.parts["lower_teeth"], 40)
    weights = _weights(jawOpen=opening, jawLeft=0.3)
    moved = captures.performed(IDENTITIES[:1], weights, teeth)[0]
    rest = captures.neutral(IDENTITIES[:1], teeth)[0]
    matrix = captures.jaw(IDENTITIES[:1], weights)[0]
    assert (moved - rest).norm(dim=1).min() > 2.0
    # The source's own jawOpen departs from a rigid motion by 0.18 mm, jawLeft by 0.01 mm.
    assert (moved - (rest @ matrix[:3, :3].T + matrix[:3, 3])).norm(dim=1).max() < 0.25
    assert torch.allclose(matrix[:3, :3] @ matrix[:3, :3].T, torch.eye(3), atol=1e-5)


def test_mandible_goes_with_the_teeth(captures):
    """Mandible points follow exactly the jaw's matrix."""
    bone = torch.arange(*captures.parts["mandible"], 50)
    weights = _weights(jawOpen=0.7)
    matrix = captures.jaw(IDENTITIES, weights.expand(2, -1))
    rest = captures.neutral(IDENTITIES, bone)
    moved = captures.performed(IDENTITIES, weights.expand(2, -1), bone)
    expected = torch.einsum("bij,bpj->bpi", matrix[:, :3, :3], rest) + matrix[:, None, :3, 3]
    assert (moved - rest).norm(dim=2).max() > 10
    assert torch.allclose(moved, expected, atol=1e-3)


def test_neutral_weights_give_the_neutral(captures):
    """No weights, no motion."""
    skin = torch.arange(*captures.parts["skin"], 7)
    moved = captures.performed(IDENTITIES, torch.zeros(2, len(ARKIT_NAMES)), skin)
    assert torch.allclose(moved, captures.neutral(IDENTITIES, skin), atol=1e-4)


def test_lids_travel_around_the_eyeball(captures, shared_data):
    """At no phase of a blink, and wherever the eye looks, does a lid that rests outside the eyeball enter it."""
    skin = torch.arange(*captures.parts["face"])
    mean = torch.zeros(1, 100)
    rest = captures.neutral(mean, skin)[0].numpy()
    eye = fit_left_eyeball(read_face_source(shared_data))
    beside = np.linalg.norm(rest - eye.center, axis=1) - eye.radius_toward(rest)
    near = (np.linalg.norm(rest - eye.center, axis=1) < 30.0) & (beside > 0.0)
    for weight in (0.3, 0.6, 1.0):
        moved = captures.performed(mean, _weights(eyeBlinkLeft=weight), skin)[0].numpy()
        gap = np.linalg.norm(moved - eye.center, axis=1) - eye.radius_toward(moved)
        assert gap[near].min() > -0.01
        linear = rest + weight * captures.expression[ARKIT_NAMES.index("eyeBlinkLeft"), skin].numpy()
        through = np.linalg.norm(linear - eye.center, axis=1) - eye.radius_toward(linear)
        assert through[near].min() < -0.5  # what the source's shape does
    closed = captures.performed(mean, _weights(eyeBlinkLeft=1.0), skin)[0].numpy()
    down = captures.performed(mean, _weights(eyeBlinkLeft=1.0, eyeLookDownLeft=1.0), skin)[0].numpy()
    assert np.linalg.norm(down - closed, axis=1)[near].max() > 0.5


def test_closed_lids_meet(captures, shared_data):
    """The landmarks on the edges of the two lids come from 8 mm to within their own thickness."""
    landmarks = read_face_source(shared_data).landmarks68
    closed = captures.performed(
        torch.zeros(1, 100), _weights(eyeBlinkLeft=1.0), torch.arange(captures.parts["skin"][1])
    )
    rest = captures.neutral(torch.zeros(1, 100), torch.arange(captures.parts["skin"][1]))
    for upper, lower in ((43, 47), (44, 46)):
        open_gap = float(rest[0, landmarks[upper], 1] - rest[0, landmarks[lower], 1])
        closed_gap = float(closed[0, landmarks[upper], 1] - closed[0, landmarks[lower], 1])
        assert open_gap > 7.0
        assert -1.2 < closed_gap < 0.1


def test_drawn_expressions_are_plausible(shared_data):
    """Weights lie in 0..1, opposites never act together, and the draw is not all neutral."""
    drawn = ExpressionSampler(shared_data).draw(np.random.default_rng(0), 400)
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert (drawn.max(axis=1) > 0.05).mean() > 0.8
    for first, second in OPPOSITES:
        assert np.minimum(drawn[:, ARKIT_NAMES.index(first)], drawn[:, ARKIT_NAMES.index(second)]).max() < 1e-6
    assert np.allclose(make_plausible(drawn.astype(float)), drawn, atol=1e-6)
