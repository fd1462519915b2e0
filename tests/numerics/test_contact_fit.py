"""The experiment of fitting through contact: what it fits, what it fits with, and what it says of it."""

import numpy as np
import pytest
import torch

from physface_blender.anatomy.template import load_template
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.identity import Identity
from physface_blender.evaluation.__main__ import main
from physface_blender.evaluation.captured_mouth import CLOSING, OPENING, SPACING, CapturedMouth, closing_frames
from physface_blender.evaluation.contact_fit import ContactFit, Errors
from physface_blender.evaluation.contact_fit_page import lip_triangles, write_arrays, write_page
from physface_blender.evaluation.tunable_face import TunableFace
from physface_blender.performance.arkit import ARKIT_NAMES, expression
from physface_blender.simulation.state import Status

PRESS = expression(mouthPressLeft=0.6, mouthPressRight=0.6, jawOpen=0.05)


def test_frames_that_close_the_lips_are_chosen_and_lie_apart():
    columns = {name: index for index, name in enumerate(ARKIT_NAMES)}
    take = np.zeros((200, 52))
    take[50:60, columns[CLOSING[0]]] = np.linspace(0.1, 1.0, 10)
    take[120, columns[CLOSING[3]]] = 0.7
    take[150, [columns[CLOSING[4]], columns[OPENING[0]]]] = 1.0
    chosen = closing_frames(take, 5)
    assert list(chosen[:2]) == [59, 120]
    assert 150 not in chosen
    assert np.diff(np.sort(chosen)).min() >= SPACING


@pytest.mark.slow
def test_the_tunable_face_is_the_character_and_learns_through_the_simulation(tmp_path):
    assets = FaceAssets.load()
    coefficients = Identity.from_seed(1).coefficients
    character = Character(
        Identity(coefficients), CharacterSettings(resolution_mm=10.0), cache_directory=tmp_path, assets=assets
    )
    lips = np.maximum(assets.template.regions["upper_lip"], assets.template.regions["lower_lip"]) > 0.5
    carried = assets.space(10.0).inside
    vertices = carried[lips[carried]]
    expected = character.pose(PRESS, contact=False).skin[vertices]
    face = TunableFace(assets, coefficients, 10.0, vertices, tmp_path)
    parameters = face.parameters
    skin, result = face.pose(PRESS, None, contact=False)
    assert result.status is Status.CONVERGED
    assert np.abs(expected - face.rest.numpy()).max() > 0.5
    np.testing.assert_allclose(skin.detach(), expected, atol=0.05)  # both have converged, to 0.01 and 0.001 mm
    target = face.rest + 0.5 * (skin.detach() - face.rest)
    loss = ((skin - target) ** 2).sum(dim=1).mean()
    loss.backward()
    slope = sum(float((parameter.grad**2).sum()) for parameter in parameters)
    with torch.no_grad():
        for parameter in parameters:
            parameter -= (0.1 * float(loss.detach()) / slope) * parameter.grad
        moved, _ = face.pose(PRESS, result.state, contact=False)
    fallen = loss.item() - float(((moved - target) ** 2).sum(dim=1).mean())
    assert fallen == pytest.approx(0.1 * loss.item(), rel=0.3)  # a tenth, if the loss were linear in the weights


def test_the_page_says_what_came_out(tmp_path):
    template = load_template()
    lips = np.maximum(template.regions["upper_lip"], template.regions["lower_lip"]) > 0.5
    vertices = np.flatnonzero(lips)
    assert len(lip_triangles(template, vertices)) > 500
    rest = template.meshes["skin"].vertices[vertices]
    through = rest.copy()
    through[template.regions["lower_lip"][vertices] > 0.5, 1] += 3.0
    held_out, skins = np.array([False, False, True]), np.stack([rest, rest, rest])
    fit = ContactFit(
        errors={
            name: Errors(np.full(3, error), np.array([error, error, 9.0]), through[None] + 0.0 * skins, 0)
            for name, error in {"shipped": 3.0, "free": 1.0, "contact": 1.5, "fitted": 1.2, "control": 1.4}.items()
        },
        curves={name: [0.5, 0.25] for name in ("before", "fitted", "control")},
        skipped={"before": 0, "fitted": 2, "control": 0},
    )
    fit.errors["fitted"].skins = skins
    capture = CapturedMouth(np.zeros((3, 52)), vertices, np.zeros((3, len(vertices), 3)))
    facts = {"command": "c", "minutes": 1.0, "machine": "m", "date": "d", "take": "t", "passes": 2, "resolution": 4.0}
    write_page(tmp_path / "page.md", template, fit, capture, rest, held_out, facts)
    page = (tmp_path / "page.md").read_text()
    assert "contact changes the error by +0.500 mm, and fitting through it by\n-0.300 mm" in page
    assert "control ends at 1.400 mm, against 1.200 mm" in page
    assert "| 2 | 0.250 | 0.250 | 0.250 |" in page
    lines = {line.split(" | ")[0]: line for line in page.splitlines() if line.startswith("| (")}
    assert lines["| (c) trained on through contact, contact on"].endswith("| 1.200 | 1.200 | 0 |")
    assert not lines["| (b) the same weights, contact switched on"].endswith(" 0 |")
    write_arrays(tmp_path / "arrays.npz", template, fit, capture, rest, held_out)
    with np.load(tmp_path / "arrays.npz") as arrays:
        assert arrays["target"].shape == (2, len(vertices), 3)
        assert arrays["faces"].max() < len(vertices)


def test_without_source_data_it_says_so(capsys, tmp_path):
    assert main(["contact-fit", "--data", str(tmp_path)]) == 2
    assert "There is no ict_facekit folder" in capsys.readouterr().err
