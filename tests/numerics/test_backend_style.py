"""Styles in a character's session: blending without popping, requests, what is refused."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from physface_blender.anatomy.nearest_surface import nearest_on_surface
from physface_blender.backend import messages
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.errors import StyleError
from physface_blender.backend.identity import Identity
from physface_blender.backend.learned_style import placed
from physface_blender.backend.played_performance import PerformancePlayer
from physface_blender.backend.service import Service
from physface_blender.backend.settings import BackendSettings
from physface_blender.demo.style_sheet import STYLED_EXPRESSIONS
from physface_blender.fitting.actor_capture import ActorCapture
from physface_blender.networks.weights import WeightsError
from physface_blender.performance.arkit import expression

STEP = 0.05
LARGEST_MOTION_MM = 0.5


@pytest.fixture(scope="module")
def character(tmp_path_factory) -> Character:
    """A face on coarse cells."""
    cache = tmp_path_factory.mktemp("cache")
    return Character(Identity.from_seed(1), CharacterSettings(8.0), cache_directory=cache, assets=FaceAssets.load())


@pytest.mark.slow
@pytest.mark.parametrize("asked", list(STYLED_EXPRESSIONS))
def test_styles_blend_without_popping(character, asked):
    """No vertex moves half a millimetre when a style's weight moves by 0.05, from none to every second style and
    on to the next."""
    weights = expression(**STYLED_EXPRESSIONS[asked])
    names = FaceAssets.load().style.names
    for name, other in list(zip(names, (*names[1:], names[0]), strict=True))[::2]:
        up = [{name: share} for share in np.arange(0.0, 1.0 + 1e-9, STEP).clip(max=1.0)]
        over = [{name: 1.0 - share, other: share} for share in np.arange(STEP, 1.0 + 1e-9, STEP).clip(max=1.0)]
        skins = np.stack([character.pose(weights, style=style, physics=False).skin for style in (*up, *over)])
        steps = np.linalg.norm(np.diff(skins, axis=0), axis=2)
        assert steps.max() < LARGEST_MOTION_MM, (name, other)
        assert np.linalg.norm(skins[len(up) - 1] - skins[0], axis=1).max() > 1.0  # and there is a style to be seen


@pytest.mark.slow
def test_styles_blend_without_intersections(character):
    """With lips that press each other: from one style to another no skin or tooth passes through any other, while
    without contact they would."""
    weights = expression(mouthRollLower=0.6, mouthRollUpper=0.6, mouthClose=0.2, jawOpen=0.1)
    player = PerformancePlayer(character, FaceAssets.load().template)
    start, without = None, 0
    for share in np.linspace(0.0, 1.0, 5):
        style = {"actor_3": 1.0 - share, "actor_5": share}
        posed = character.pose(weights, style=style, start=start)
        start = posed.state
        assert player.count(posed).total == 0
        without += player.count(character.pose(weights, style=style, contact=False)).total
    assert without > 0


def test_a_style_moves_the_simulated_face(character):
    """With physics the style plays too, and converges."""
    weights = expression(**STYLED_EXPRESSIONS["smile"])
    plain, styled = (character.pose(weights, style=style) for style in ({}, {"actor_1": 1.0}))
    assert styled.result.status.name == "CONVERGED"
    assert np.linalg.norm(styled.skin - plain.skin, axis=1).max() > 1.0


@pytest.mark.parametrize(
    ("style", "message"),
    [({"nobody": 0.5}, "actor_9"), ({"actor_1": 2.0}, "between 0 and 1"), ({"actor_1": "x"}, "number")],
)
def test_styles_that_are_refused(character, style, message):
    with pytest.raises(StyleError, match=message):
        character.pose(np.zeros(52), style=style, physics=False)


def test_a_style_file_that_is_missing(character, tmp_path):
    with pytest.raises(WeightsError, match=r"mine\.safetensors"):
        character.pose(np.zeros(52), style={str(tmp_path / "mine.safetensors"): 1.0}, physics=False)


def test_requests_carry_a_style(tmp_path):
    """The service plays it, and answers an unknown one with its kind."""
    replies = []
    service = Service(BackendSettings(cache_directory=tmp_path), replies.append, lambda serial: False)
    service.handle(messages.CreateCharacter(serial=1, character="a", identity=(0.0,) * 100, resolution_mm=10.0))
    smile = tuple(expression(**STYLED_EXPRESSIONS["smile"]))
    for serial, style in enumerate(({}, {"actor_2": 1.0}, {"nobody": 1.0}), 2):
        service.handle(messages.PoseLive(serial=serial, character="a", expression=smile, style=style))
    plain, styled, refused = replies[-3:]
    assert np.abs(plain.arrays["skin"] - styled.arrays["skin"]).max() > 1.0
    assert refused.kind == "style"


@pytest.mark.slow
def test_a_capture_of_unknown_topology_is_placed_in_the_canonical_face(tmp_path):
    """The mean face in centimeters, its vertices shuffled: every one gets its canonical place back."""
    assets = FaceAssets.load()
    template, parting = assets.template, assets.space(8.0, tmp_path).skin_parting
    skin = template.meshes["skin"]
    order = np.random.default_rng(0).permutation(len(skin.vertices))
    shapes = np.zeros((1, len(order), 3))
    shapes[0, :, 1] = 0.5
    actor = ActorCapture(
        name="shuffled",
        neutral=skin.vertices[order] / 10.0,
        faces=np.where(skin.faces >= 0, np.argsort(order)[skin.faces], -1).astype(np.int32),
        shape_names=("jawOpen",),
        shape_weights=np.eye(1, 52),
        shapes=shapes,
    )
    found = placed(actor, assets, parting, lambda share, text: True)
    lies_at = nearest_on_surface(found.canonical, skin.vertices, skin.triangles)
    assert lies_at.distances.max() < 1e-6, "on the canonical skin"
    distances = np.linalg.norm(found.neutral - found.canonical, axis=1)
    # The network itself is 0.41 mm from the mean face in the median, which is an unusual person: all coefficients are 0.
    assert np.median(distances) < 0.4, "and where the mean face has them; the fit is that near"
    assert len(found.canonical) > 0.5 * (template.regions["face"] > 0.5).sum()
    assert np.allclose(found.shapes[0], [0.0, 5.0, 0.0], atol=0.1), "millimeters"
    # Upper and lower lip are told apart.
    lips = np.abs(found.parting) > 0.5
    own = parting[KDTree(skin.vertices).query(found.canonical[lips])[1]]
    assert (np.sign(own) == np.sign(found.parting[lips])).mean() > 0.98
