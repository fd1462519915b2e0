"""The experiment of fitting through contact: what it fits, what it fits with, and what it says of it."""

import numpy as np
import pytest
import torch

from physface_blender.anatomy.template import load_template
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.identity import Identity
from physface_blender.evaluation.__main__ import main
from physface_blender.evaluation.actuated_face import ActuatedFace
from physface_blender.evaluation.captured_mouth import CLOSING, OPENING, SPACING, CapturedMouth, closing_frames
from physface_blender.evaluation.compared_tissue import ComparedTissue
from physface_blender.evaluation.contact_fit import ContactFit, ContactFitting, Errors
from physface_blender.evaluation.contact_fit_page import write_arrays, write_page
from physface_blender.evaluation.lip_crossings import lip_triangles
from physface_blender.evaluation.performed_mouth import performed_mouth
from physface_blender.evaluation.tunable_face import TunableFace
from physface_blender.fitting.actor_capture import ActorCapture, Sequence
from physface_blender.networks.actuation import ActuationModel, ActuationSettings
from physface_blender.performance.arkit import ARKIT_NAMES, expression
from physface_blender.simulation.settings import SimulationSettings
from physface_blender.simulation.simulator import Simulator
from physface_blender.simulation.state import Status

from .blocks import collision_patch, lips, rotation

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


def lips_of_the_style_model():
    """Two slabs that N_A and N_B, with drawn weights, press on each other, as a face of the style model."""
    space, patches = lips(edge=4.0)
    settings = SimulationSettings(
        attachment_stiffness=100.0,
        tolerance_mm=1e-10,
        linear_tolerance=1e-3,
        max_linear_iterations=500,
        max_iterations=500,
    )
    geometry = collision_patch(patches, space.node_positions, space.hexes, 4.0)
    simulator = Simulator(space, space.node_positions, collision=geometry, settings=settings)
    torch.manual_seed(0)
    model = ActuationModel(ActuationSettings(expression_count=2, actor_count=1, width=8, depth=3))
    with torch.no_grad():
        model.output.weight.normal_(0.0, 0.05)
        for layer in model.hidden:
            layer.raw_bound -= 0.5  # A fresh bound is the norm of the weights itself, where scaling begins: a kink.
        # The lower slab rises by more than the gap of a millimeter under the first weight.
        model.jaw_output.weight[4, 0] = 0.13
    centers = torch.as_tensor(space.node_positions[space.hexes].mean(axis=1))
    coordinates = torch.cat([centers / 40.0, torch.sign(centers[:, 1:2])], dim=1)
    turned = torch.as_tensor(rotation((0.0, 0.0, 1.0), 20.0)).expand(len(centers), 3, 3)
    skin = space.skin
    tissue = ComparedTissue(
        simulator,
        torch.as_tensor(skin.corners.astype(np.int64)),
        torch.as_tensor(skin.weights),
        torch.zeros((len(skin.hexes), 3), dtype=torch.float64),
    )
    return ActuatedFace(tissue, model, model.styles[0], coordinates, turned, np.eye(4))


def test_the_style_face_carries_exact_gradients_to_its_muscles_through_contact():
    face, weights = lips_of_the_style_model(), np.array([1.0, 0.5])
    parameters = face.parameters
    skin, result = face.pose(weights, None, contact=True)
    assert result.status is Status.CONVERGED
    assert result.minimum_distance_mm < 0.14
    goal = face.rest + torch.from_numpy(np.random.default_rng(1).normal(size=face.rest.shape))

    def loss(skin):
        return ((skin - goal) ** 2).sum()

    loss(skin).backward()
    generator, step = torch.Generator().manual_seed(2), 1e-6
    ways = [torch.randn(weight.shape, generator=generator, dtype=torch.float64) for weight in parameters]
    slopes = [float((weight.grad * way).sum()) for weight, way in zip(parameters, ways, strict=True)]
    values = []
    for sign in (1.0, -2.0):
        with torch.no_grad():
            for weight, way in zip(parameters, ways, strict=True):
                weight += sign * step * way
            values.append(float(loss(face.pose(weights, result.state, contact=True)[0])))
    assert abs(sum(slopes)) > 1.0
    assert sum(slopes) == pytest.approx((values[0] - values[1]) / (2.0 * step), rel=2e-4)


def test_fitting_the_style_face_through_contact_lowers_its_error():
    face = lips_of_the_style_model()
    expressions = np.array([[1.0, 0.5], [1.0, 0.2], [0.9, 0.4]])
    displacements = []
    with torch.no_grad():
        for expression in expressions:
            skin, _ = face.pose(expression, None, contact=False)
            displacements.append((skin - face.rest).numpy())
        for weight in face.parameters:
            weight *= 0.98
    held_out = np.array([False, False, True])
    capture = CapturedMouth(expressions, np.arange(len(face.rest)), np.stack(displacements), held_out)
    fit = ContactFitting(face, capture, np.ones(len(face.rest), dtype=bool), 1e-4, lambda share, text: None).run(1)
    mean = {name: errors.lips[~held_out].mean() for name, errors in fit.errors.items()}
    assert sum(errors.not_converged for errors in fit.errors.values()) == 0
    assert mean["free"] < mean["given"]
    assert mean["contact"] > mean["free"]
    assert mean["fitted"] < mean["contact"]


def test_frames_of_an_actor_are_those_whose_lips_cross_most():
    template = load_template()
    skin = template.meshes["skin"]
    lower, upper = template.regions["lower_lip"] > 0.5, template.regions["upper_lip"] > 0.5
    shape = np.zeros((1, *skin.vertices.shape))
    shape[0, lower, 1] = 1.0
    amounts = {"training": np.zeros(40), "held_out": np.zeros(12)}
    amounts["training"][[5, 6, 30]], amounts["held_out"][3] = [1.0, 0.9, 0.8], 0.6
    actor = ActorCapture(
        "drawn", skin.vertices, skin.faces, ("closed",), np.zeros((1, 52)), shape,
        canonical=skin.vertices, parting=np.zeros(len(skin.vertices)),
        sequences={kind: Sequence(skin.vertices + share[:, None, None] * shape[0]) for kind, share in amounts.items()},
    )  # fmt: skip
    mouth = performed_mouth(template, actor, 3, lower | upper)
    np.testing.assert_allclose(mouth.expressions[:, 0], [1.0, 0.8, 0.6], atol=1e-6)
    assert list(mouth.held_out) == [False, False, True]
    np.testing.assert_allclose(mouth.displacements[0], shape[0, mouth.vertices], atol=1e-9)


def test_the_page_says_what_came_out(tmp_path):
    template = load_template()
    lips = np.maximum(template.regions["upper_lip"], template.regions["lower_lip"]) > 0.5
    vertices = np.flatnonzero(lips)
    assert len(lip_triangles(template, vertices)) > 500
    rest = template.meshes["skin"].vertices[vertices]
    through = rest.copy()
    through[template.regions["lower_lip"][vertices] > 0.5, 1] += 3.0
    skins = np.stack([rest, rest, rest])
    fit = ContactFit(
        errors={
            name: Errors(np.full(3, error), np.array([error, error, 9.0]), through[None] + 0.0 * skins, 0)
            for name, error in {"given": 3.0, "free": 1.0, "contact": 1.5, "fitted": 1.2, "control": 1.4}.items()
        },
        curves={name: [0.5, 0.25] for name in ("before", "fitted", "control")},
        skipped={"before": 0, "fitted": 2, "control": 0},
    )
    fit.errors["fitted"].skins = skins
    held_out = np.array([False, False, True])
    capture = CapturedMouth(np.zeros((3, 52)), vertices, np.zeros((3, len(vertices), 3)), held_out)
    facts = {"command": "c", "minutes": 1.0, "machine": "m", "date": "d", "passes": 2, "resolution": 4.0}
    words = {"title": "T", "capture": "C", "chosen": "those", "weights": "given weights", "trained": "It is", "end": ""}
    write_page(tmp_path / "page.md", template, fit, capture, rest, facts | words)
    page = (tmp_path / "page.md").read_text()
    text = " ".join(page.split())
    assert "contact changes the error by +0.500 mm, and fitting through it by -0.300 mm" in text
    assert "control ends at 1.400 mm, against 1.200 mm" in text
    assert "| 2 | 0.250 | 0.250 | 0.250 |" in page
    assert "| given weights, simulated without contact | 3.000 |" in page
    assert "(page.png)" in page
    lines = {line.split(" | ")[0]: line for line in page.splitlines() if line.startswith("| (")}
    assert lines["| (c) trained on through contact, contact on"].endswith("| 1.200 | 1.200 | 0 |")
    assert not lines["| (b) the same weights, contact switched on"].endswith(" 0 |")
    write_arrays(tmp_path / "arrays.npz", template, fit, capture, rest, tmp_path / "page.png")
    with np.load(tmp_path / "arrays.npz") as arrays:
        assert str(arrays["picture"]) == str(tmp_path / "page.png")
        assert arrays["target"].shape == (2, len(vertices), 3)
        assert arrays["faces"].max() < len(vertices)


def test_without_source_data_it_says_so(capsys, tmp_path):
    assert main(["contact-fit", "--data", str(tmp_path)]) == 2
    assert "There is no ict_facekit folder" in capsys.readouterr().err
