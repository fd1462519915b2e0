"""Gravity, stiffness, paralysis and edited mandibles on whole faces."""

import numpy as np
import pytest

from physface_blender.anatomy.facial_nerve import BRANCHES, NERVE_REGIONS, nerve_regions
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.effects import NO_EFFECTS, Effects
from physface_blender.backend.errors import EffectsError
from physface_blender.backend.face_geometry import JAW_PARTS
from physface_blender.backend.identity import Identity
from physface_blender.backend.played_performance import PerformancePlayer
from physface_blender.backend.rigid_motion import apply
from physface_blender.demo.effect_options import effects_from_words
from physface_blender.performance.arkit import expression
from physface_blender.simulation.state import Status

SMILE = expression(mouthSmileLeft=0.9, mouthSmileRight=0.9)
LEFT_CORNER, RIGHT_CORNER, CHIN, NOSE = 54, 48, 8, 30


@pytest.fixture(scope="module")
def assets():
    return FaceAssets.load()


@pytest.fixture(scope="module")
def character(assets, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return Character(Identity.from_seed(1), CharacterSettings(7.0), cache_directory=cache, assets=assets)


@pytest.fixture(scope="module")
def smiles(character):
    """The smile by paralysis: none, half, all of the face, and its left."""
    shares = {
        "none": (),
        "half": (("left", 0.5), ("right", 0.5)),
        "full": (("left", 1.0), ("right", 1.0)),
        "left": (("left", 1.0),),
    }
    return {name: character.pose(SMILE, effects=Effects(paralysis=pairs)) for name, pairs in shares.items()}


def moved(character, assets, posed, landmark):
    vertex = assets.template.landmarks68[landmark]
    return posed.skin[vertex] - character.rest.vertices["skin"][vertex]


def test_the_branches_of_a_half_add_up_and_the_halves_to_the_face(assets):
    regions = nerve_regions(assets.template)
    assert set(regions) == set(NERVE_REGIONS)
    for side in ("left", "right"):
        total = sum(regions[f"{side}.{branch}"] for branch in BRANCHES)
        np.testing.assert_allclose(total, regions[side], atol=1e-6)
        assert all(regions[f"{side}.{branch}"].max() > 0.99 for branch in BRANCHES)
    np.testing.assert_allclose(regions["left"] + regions["right"], 1.0, atol=1e-6)
    x = assets.template.meshes["skin"].vertices[:, 0]
    assert regions["left"][x > 4.0].min() == 1.0
    assert regions["left"][x < -4.0].max() == 0.0
    left_corner = assets.template.landmarks68[LEFT_CORNER]
    assert regions["left.temporal"][assets.template.landmarks68[24]] > 0.9
    assert regions["left.temporal"][left_corner] == 0.0


def test_a_paralyzed_face_rests(character, assets, smiles):
    face = assets.template.regions["face"] > 0.5
    displacement = {
        name: np.linalg.norm(posed.skin - character.rest.vertices["skin"], axis=1)[face]
        for name, posed in smiles.items()
    }
    assert displacement["none"].max() > 8.0
    assert displacement["full"].max() < 0.5
    for corner in (LEFT_CORNER, RIGHT_CORNER):
        none, half, full = (
            np.linalg.norm(moved(character, assets, smiles[name], corner)) for name in ("none", "half", "full")
        )
        assert full < 0.1 * none
        assert 0.3 * none < half < 0.7 * none


def test_palsy_of_the_left_leaves_the_right_alone(character, assets, smiles):
    right, left = (moved(character, assets, smiles["left"], corner) for corner in (RIGHT_CORNER, LEFT_CORNER))
    assert np.linalg.norm(right - moved(character, assets, smiles["none"], RIGHT_CORNER)) < 0.5
    smiling = moved(character, assets, smiles["none"], LEFT_CORNER)
    assert smiling[1] > 4.0
    assert left[1] < 0.5 * smiling[1]
    player = PerformancePlayer(character, assets.template)
    for posed in smiles.values():
        assert posed.result.status is Status.CONVERGED
        assert player.count(posed).total == 0
        assert player.count_at_lids(posed) == 0


def test_upright_gravity_is_no_change_and_lying_face_down_pulls_forward(character, assets, smiles):
    # As exact as can be: a solve that ends when a step would be 0.01 mm may still be several of them from where it leads.
    turned, straight = (
        character.pose(SMILE, effects=Effects(head_degrees=(0.0, turn, 0.0)), tolerance_mm=1e-4) for turn in (30.0, 0.0)
    )
    # Lists of near pairs serve several poses, and where the last search was made decides into how many pieces collision
    # detection cuts a step (measured: 4e-5).
    np.testing.assert_allclose(turned.skin, straight.skin, rtol=0.0, atol=1e-3)
    sag = {}
    for stiffness in (2.0, 4.0):
        face_down = Effects(head_degrees=(90.0, 0.0, 0.0), stiffness=stiffness)
        sag[stiffness] = (
            character.pose(np.zeros(52), effects=face_down, contact=False).skin - character.rest.vertices["skin"]
        )
    cheeks = assets.template.landmarks68[[LEFT_CORNER, RIGHT_CORNER]]
    assert (sag[2.0][cheeks, 2] > 0.5).all()
    np.testing.assert_allclose(sag[4.0][cheeks], 0.5 * sag[2.0][cheeks], atol=0.1)


def test_painted_stiffness_holds_one_cheek(character, assets):
    skin = assets.template.meshes["skin"].vertices
    painted = tuple(np.where(skin[:, 0] > 0.0, 10.0, 1.0).tolist())
    face_down = Effects(head_degrees=(90.0, 0.0, 0.0), painted_stiffness=painted)
    posed = character.pose(np.zeros(52), effects=face_down, contact=False)
    left, right = (moved(character, assets, posed, corner)[2] for corner in (LEFT_CORNER, RIGHT_CORNER))
    assert right > 1.0
    assert left < 0.5 * right


def test_a_shorter_mandible_takes_the_chin_back(character, assets):
    effects = Effects(jaw_scale=(0.85, 1.0, 1.0))
    rest = character.pose(np.zeros(52), effects=effects)
    mandible = character.rest.vertices["mandible"]
    tip = mandible[:, 2].argmax()
    wanted = rest.edited_rest["mandible"][tip] - mandible[tip]
    assert -14.0 < wanted[2] < -9.0
    chin = moved(character, assets, rest, CHIN)
    assert 1.1 * wanted[2] < chin[2] < 0.7 * wanted[2]
    assert abs(chin[0]) < 0.5
    opened = character.pose(expression(jawOpen=0.3), effects=effects, start=rest.state)
    player = PerformancePlayer(character, assets.template)
    for posed in (rest, opened):
        assert posed.result.status is Status.CONVERGED
        assert player.count(posed).total == 0
        assert set(posed.edited_rest) == set(JAW_PARTS)
        for part in JAW_PARTS:
            np.testing.assert_allclose(posed.vertices(character.rest, part), apply(posed.jaw, posed.edited_rest[part]))
    embedded = character.space.mandible_attachment
    bone = opened.state.pose.on_mandible(embedded.apply(character.rest_shape.nodes))
    assert np.linalg.norm(embedded.apply(opened.state.positions) - bone, axis=1).max() < 1.5
    assert (
        np.linalg.norm(embedded.apply(rest.state.positions) - embedded.apply(character.rest_shape.nodes), axis=1).max()
        > 9.0
    )
    healed = character.pose(np.zeros(52), start=opened.state)
    assert not healed.edited_rest
    assert abs(moved(character, assets, healed, CHIN)[2]) < 0.3


def test_a_shifted_mandible_takes_chin_and_lower_teeth_aside(character, assets):
    effects = Effects(jaw_shift_mm=6.0)
    rest = character.pose(np.zeros(52), effects=effects)
    assert rest.result.status is Status.CONVERGED
    assert PerformancePlayer(character, assets.template).count(rest).total == 0
    teeth = rest.edited_rest["lower_teeth"] - character.rest.vertices["lower_teeth"]
    assert np.abs(teeth[:, 1:]).max() == 0.0
    front = character.rest.vertices["lower_teeth"][:, 2].argmax()
    assert teeth[front, 0] == pytest.approx(6.0, abs=0.1)
    assert moved(character, assets, rest, CHIN)[0] == pytest.approx(6.0, abs=1.5)
    assert abs(moved(character, assets, rest, NOSE)[0]) < 0.5


def test_effects_without_physics_are_the_network_alone(character):
    effects = Effects(paralysis=(("left", 1.0),), jaw_scale=(0.9, 1.0, 1.0))
    np.testing.assert_array_equal(
        character.pose(SMILE, effects=effects, physics=False).skin, character.pose(SMILE, physics=False).skin
    )


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"head_degrees": (np.nan, 0.0, 0.0)}, "between -180 and 180"),
        ({"head_degrees": (0.0, 0.0)}, "takes 3 numbers"),
        ({"head_degrees": "abc"}, "given in numbers"),
        ({"stiffness": 0.0}, "between 0.1 and 10"),
        ({"painted_stiffness": (1.0, float("inf"))}, "between 0.1 and 10"),
        ({"paralysis": (("nose", 1.0),)}, "no region 'nose'"),
        ({"paralysis": (("left", 1.5),)}, "between 0 and 1"),
        ({"paralysis": ("left",)}, "pairs"),
        ({"painted_paralysis": (0.5, -0.1)}, "between 0 and 1"),
        ({"jaw_scale": (0.2, 1.0, 1.0)}, "between 0.7 and 1.3"),
        ({"jaw_shift_mm": 30.0}, "between -10 and 10"),
        ({"levitation": 1.0}, "no effect levitation"),
    ],
)
def test_absurd_effects_are_refused(fault, sentence):
    with pytest.raises(EffectsError, match=sentence):
        Effects.of(fault)


@pytest.mark.parametrize("name", ["painted_stiffness", "painted_paralysis"])
def test_what_is_painted_on_another_mesh_is_refused(character, name):
    with pytest.raises(EffectsError, match="has 3 values"):
        character.pose(np.zeros(52), effects=Effects(**{name: (1.0, 1.0, 1.0)}))


def test_words_of_a_command_line_become_effects():
    assert effects_from_words(None, 1.0, None, None, 0.0, 0.0) == NO_EFFECTS
    effects = effects_from_words("90,10", 2.0, "left:0.7, right.buccal", "0.85", -4.0, 0.3)
    assert effects.head_degrees == (90.0, 0.0, 10.0)
    assert effects.stiffness == 2.0
    assert effects.friction == 0.3
    assert effects.paralysis == (("left", 0.7), ("right.buccal", 1.0))
    assert effects.jaw_scale == (0.85, 1.0, 1.0)
    assert effects.jaw_shift_mm == -4.0
    both = effects_from_words("1,2,3", 1.0, None, "0.9,1.1,1.2", 0.0, 0.0)
    assert (both.head_degrees, both.jaw_scale) == ((1.0, 2.0, 3.0), (0.9, 1.1, 1.2))
    for words in (
        ("90", 1.0, None, None, 0.0, 0.0),
        (None, 1.0, "left:much", None, 0.0, 0.0),
        (None, 1.0, "", None, 0.0, 0.0),
        (None, 1.0, None, "1,2", 0.0, 0.0),
        (None, 1.0, None, None, 30.0, 0.0),
        (None, 1.0, None, None, 0.0, 1.5),
    ):
        with pytest.raises(EffectsError):
            effects_from_words(*words)


def test_a_paralyzed_cheek_goes_with_the_jaw_and_no_node_is_thrown_off(character):
    """Next to the cut toward the neck the jaw pulls one way and the paralyzed border the other."""
    posed = character.pose(expression(jawOpen=0.5), effects=Effects(paralysis=(("left", 1.0),)))
    plain = character.pose(expression(jawOpen=0.5))
    rest = character.rest_shape.nodes
    farthest, usual = (np.linalg.norm(pose.state.positions - rest, axis=1).max() for pose in (posed, plain))
    assert usual > 10.0
    assert farthest < 1.5 * usual


def sculpted(vertices, center, displacement, radius=14.0):
    """Coordinates of a bone (V, 3) pushed around a point."""
    share = np.exp(-np.sum((vertices - center) ** 2, axis=1) / (2.0 * radius**2))
    return tuple(np.outer(np.where(share < 0.01, 0.0, share), displacement).ravel().tolist())


def test_a_sculpted_chin_carries_the_skin_and_nothing_else(character, assets):
    mandible, skin = character.rest.vertices["mandible"], character.rest.vertices["skin"]
    tip = mandible[np.argmax(mandible[:, 2] - 0.5 * mandible[:, 1])]
    effects = Effects(sculpted_mandible=sculpted(mandible, tip, [0.0, 0.0, 6.0]))
    change = character.pose(np.zeros(52), effects=effects).skin - character.pose(np.zeros(52)).skin
    chin = change[assets.template.landmarks68[CHIN]]
    assert 3.0 < change[:, 2].max() < 7.0
    assert chin[2] > 1.0
    assert np.abs(change[skin[:, 1] > tip[1] + 60.0]).max() < 0.1
    opened = character.pose(expression(jawOpen=0.5), effects=effects)
    assert opened.result.status is Status.CONVERGED
    assert opened.skin[assets.template.landmarks68[CHIN], 1] < skin[assets.template.landmarks68[CHIN], 1] - 8.0


def test_a_bone_through_the_skin_is_refused_with_the_place(character):
    mandible, skull = character.rest.vertices["mandible"], character.rest.vertices["skull"]
    tip = mandible[np.argmax(mandible[:, 2] - 0.5 * mandible[:, 1])]
    with pytest.raises(EffectsError, match="mandible comes through the skin below the mouth, in the middle"):
        character.pose(np.zeros(52), effects=Effects(sculpted_mandible=sculpted(mandible, tip, [0.0, 0.0, 30.0])))
    left = skull[skull[:, 0] > 25.0]
    brow = left[np.argmax(left[:, 2] * (left[:, 1] > character.rest.eye_centers["eye_left"][1] + 22.0))]
    with pytest.raises(EffectsError, match="skull comes through the skin at the forehead, on the character's left"):
        character.pose(np.zeros(52), effects=Effects(sculpted_skull=sculpted(skull, brow, [0.0, 0.0, 30.0])))
    with pytest.raises(EffectsError, match="has 3 coordinates"):
        character.pose(np.zeros(52), effects=Effects(sculpted_skull=(0.0, 1.0, 0.0)))
