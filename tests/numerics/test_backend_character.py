"""A character's session: rest, poses, jaw, eyes, states."""

import os
from pathlib import Path

import numpy as np
import pytest

from physface_blender.anatomy.template import PARTS
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.errors import CharacterCancelled, ExpressionError, SettingsError
from physface_blender.backend.identity import Identity
from physface_blender.backend.rigid_motion import apply
from physface_blender.performance.arkit import expression
from physface_blender.performance.range_of_motion import range_of_motion
from physface_blender.simulation.collision_geometry import LID_REGIONS
from physface_blender.simulation.intersections import count_intersections
from physface_blender.simulation.state import Status

WEIGHTS = os.environ.get("PHYSFACE_WEIGHTS")  # another training than the shipped one, to try it
COARSE = CharacterSettings(resolution_mm=7.0)
TALKING = expression(jawOpen=0.5, mouthFunnel=0.3, mouthSmileLeft=0.4)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def assets():
    return FaceAssets.load(None, None if WEIGHTS is None else Path(WEIGHTS))


@pytest.fixture(scope="module")
def character(assets, cache):
    return Character(Identity.from_seed(5), COARSE, cache_directory=cache, assets=assets)


def turn_about_x_degrees(transform):
    return np.degrees(np.arctan2(transform[2, 1], transform[1, 1]))


def intersections(character, posed, assets):
    skin = assets.template.meshes["skin"]
    inside = np.max([assets.template.regions[name] for name in ("upper_lip", "lower_lip", "inner_mouth")], axis=0) > 0.5
    patch = skin.triangles[inside[skin.triangles].all(axis=1)]
    teeth = [
        (posed.vertices(character.rest, part), assets.template.meshes[part].triangles)
        for part in ("upper_teeth", "lower_teeth")
    ]
    return count_intersections(posed.skin, patch, *teeth).total


def test_all_parts_are_there_at_rest_and_finite(character, assets):
    assert set(character.rest.vertices) == set(PARTS)
    for part, vertices in character.rest.vertices.items():
        assert vertices.shape == assets.template.meshes[part].vertices.shape
        assert np.isfinite(vertices).all()
        assert np.abs(vertices - assets.template.meshes[part].vertices).max() < 40.0  # a face, not an explosion


def test_identities_differ_and_the_same_one_is_the_same(character, assets, cache):
    same = Character(Identity.from_seed(5), COARSE, cache_directory=cache, assets=assets)
    other = Character(Identity.from_seed(6), COARSE, cache_directory=cache, assets=assets)
    np.testing.assert_array_equal(same.rest.vertices["skin"], character.rest.vertices["skin"])
    assert np.abs(other.rest.vertices["skin"] - character.rest.vertices["skin"]).max() > 3.0


def test_eyeballs_stay_spheres(character, assets):
    for part in ("eye_left", "eye_right"):
        before = assets.template.meshes[part].vertices - assets.template.eye_centers[part]
        after = character.rest.vertices[part] - character.rest.eye_centers[part]
        ratio = np.linalg.norm(after, axis=1) / np.linalg.norm(before, axis=1)
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
        assert 0.7 < ratio[0] < 1.4


def test_the_neutral_expression_is_the_rest_shape(character):
    posed = character.pose(np.zeros(52), physics=False)
    np.testing.assert_array_equal(posed.skin, character.rest.vertices["skin"])
    np.testing.assert_array_equal(posed.jaw, np.eye(4))
    np.testing.assert_allclose(posed.lashes, character.rest.vertices["lashes"], atol=1e-9)
    for part in PARTS:
        np.testing.assert_allclose(posed.vertices(character.rest, part), character.rest.vertices[part], atol=1e-9)


def test_the_network_alone_gives_what_the_model_gives(character, assets):
    posed = character.pose(TALKING, physics=False)
    space = assets.space(7.0)
    points = assets.template.meshes["skin"].vertices
    expected = assets.model.deform(points, space.skin_parting, character.identity.coefficients, TALKING)
    assert np.abs(expected).max() > 3.0
    np.testing.assert_allclose(posed.skin - character.rest.vertices["skin"], expected, atol=5e-3)  # float32 in sines


def test_the_jaw_opens_rigidly_about_its_joint(character):
    posed = character.pose(expression(jawOpen=0.8), physics=False)
    rotation = posed.jaw[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert 12.0 < turn_about_x_degrees(posed.jaw) < 28.0
    mandible = character.rest.vertices["mandible"]
    moved = posed.vertices(character.rest, "mandible") - mandible
    chin, condyles = mandible[:, 2].argmax(), np.argsort(mandible[:, 1])[-50:]
    assert moved[chin, 1] < -10.0
    assert np.linalg.norm(moved[condyles], axis=1).mean() < 0.5 * np.linalg.norm(moved[chin])
    np.testing.assert_array_equal(posed.vertices(character.rest, "upper_teeth"), character.rest.vertices["upper_teeth"])


def test_the_simulation_follows_the_network_without_intersections(character, assets):
    network = character.pose(TALKING, physics=False)
    posed = character.pose(TALKING)
    assert posed.result.status is Status.CONVERGED
    difference = np.linalg.norm(posed.skin - network.skin, axis=1)
    assert difference.mean() < 0.5
    outside = assets.space(7.0).outside
    assert len(outside) > 2000
    assert difference[outside].max() == 0.0
    assert intersections(character, posed, assets) == 0


def test_lining_on_bone_goes_with_the_bone_and_joins_the_rest(character, assets):
    lining = assets.space(7.0).lining
    on_skull, on_mandible = lining.vertices[lining.on_skull], lining.vertices[lining.on_mandible]
    between = np.setdiff1d(lining.vertices, np.concatenate([on_skull, on_mandible, lining.vertices[lining.following]]))
    assert min(len(on_skull), len(on_mandible), len(between)) > 20
    posed = character.pose(expression(jawOpen=0.7), contact=False)
    rest = character.rest.vertices["skin"]
    with_jaw = apply(posed.jaw, rest[on_mandible])
    assert np.linalg.norm(with_jaw - rest[on_mandible], axis=1).max() > 8.0
    # The springs to the bone are ten times those along the edges: most of the way, not all of it.
    assert np.median(np.linalg.norm(posed.skin[on_mandible] - with_jaw, axis=1)) < 1.5
    assert np.median(np.linalg.norm(posed.skin[on_skull] - rest[on_skull], axis=1)) < 1.0
    moved = posed.skin - rest  # harmonic: each is the mean of its neighbors
    neighbors = [[] for _ in rest]
    for a, b in lining.edges:
        neighbors[a].append(b)
        neighbors[b].append(a)
    means = np.array([moved[neighbors[vertex]].mean(axis=0) for vertex in between])
    assert np.linalg.norm(moved[between], axis=1).max() > 3.0
    np.testing.assert_allclose(moved[between], means, atol=0.02)  # the solver stops at steps of 0.01 mm


def test_a_bitten_lip_is_reached_without_intersections(character, assets):
    """The teeth close on a lip that rolls in: the jaw has to wait for the tissue to settle."""
    weights = range_of_motion(24.0).weights
    start, jaw_travel = None, []
    for frame in range(58, 69, 2):
        posed = character.pose(weights[frame], start=start)
        start = posed.state
        assert posed.result.status is Status.CONVERGED
        assert posed.result.minimum_distance_mm > 1e-3
        assert intersections(character, posed, assets) == 0
        jaw_travel.append(turn_about_x_degrees(posed.jaw))
    assert jaw_travel[0] > jaw_travel[-1] + 5.0
    without = character.pose(weights[66], contact=False)
    assert intersections(character, without, assets) > 20


def test_the_jaw_drops_in_one_leap(character, assets):
    """A playhead that jumps asks for it; straight ways would lead through the lower teeth."""
    posed = character.pose(expression(jawOpen=0.8))
    assert posed.result.status is Status.CONVERGED
    assert turn_about_x_degrees(posed.jaw) > 12.0
    assert intersections(character, posed, assets) == 0
    back = character.pose(np.zeros(52), start=posed.state)
    assert back.result.status is Status.CONVERGED
    assert np.abs(back.skin - character.rest.vertices["skin"]).max() < 0.3  # the barrier opens the lips a little


def test_lids_close_over_the_eyeballs_without_intersections(character, assets):
    skin = assets.template.meshes["skin"]
    lids = np.max([assets.template.regions[name] for name in LID_REGIONS], axis=0) > 0.5
    triangles = skin.triangles[lids[skin.triangles].all(axis=1)]
    eyes = {part: assets.template.meshes[part].triangles for part in ("eye_left", "eye_right")}
    counts = {}
    start = None
    for contact in (True, False):
        for share in (0.5, 1.0):
            weights = expression(eyeBlinkLeft=share, eyeBlinkRight=share, eyeLookDownLeft=0.3, eyeLookInRight=0.5)
            posed = character.pose(weights, start=start, contact=contact)
            start = posed.state
        assert posed.result.status is Status.CONVERGED
        surfaces = [(posed.vertices(character.rest, part), eyes[part]) for part in eyes]
        counts[contact] = count_intersections(posed.skin, triangles, *surfaces).total
    assert counts[True] == 0
    assert counts[False] > 0


def test_skin_is_whole_where_the_tissue_ends(character, assets):
    shared = assets.space(7.0)
    edges = assets.template.meshes["skin"].edges
    carrier = np.zeros(len(shared.skin_parting), dtype=int)  # tissue
    carrier[shared.outside], carrier[shared.lining.vertices] = 1, 2
    seam = edges[carrier[edges[:, 0]] != carrier[edges[:, 1]]]
    in_mouth = assets.template.regions["inner_mouth"][seam].max(axis=1) > 0.5
    assert min(in_mouth.sum(), (~in_mouth).sum()) > 50
    posed = character.pose(TALKING)

    def lengths(skin):
        return np.linalg.norm(skin[seam[:, 0]] - skin[seam[:, 1]], axis=1)

    rest = character.rest.vertices["skin"]
    stretch = lengths(posed.skin) / np.maximum(lengths(rest), 0.2)
    assert 0.9 < np.median(stretch) < 1.1
    assert np.quantile(stretch[~in_mouth], 0.99) < 1.5
    assert stretch[in_mouth].max() < 4.0  # the cheek's lining between the jaws


def test_a_frame_depends_on_the_one_before_through_the_start_state_alone(character):
    before = character.pose(expression(jawOpen=0.3))
    first = character.pose(TALKING, start=before.state)
    character.pose(expression(mouthPucker=1.0, jawOpen=0.1), start=first.state)
    again = character.pose(TALKING, start=before.state)
    # With several threads sums come in another order; what that changes stays far below what anyone can see.
    np.testing.assert_allclose(again.skin, first.skin, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(again.jaw, first.jaw, rtol=0.0, atol=1e-9)


def test_lips_pressed_together_touch_only_with_physics(character, assets):
    pressed = expression(mouthRollLower=0.9, mouthRollUpper=0.7, mouthPressLeft=0.6, mouthPressRight=0.6)
    without = character.pose(pressed, contact=False)
    posed = character.pose(pressed)
    assert intersections(character, without, assets) > 0
    assert intersections(character, posed, assets) == 0
    assert posed.result.minimum_distance_mm < 1.0


def test_cancelling_ends_a_pose_and_the_next_one_works(character):
    asked = []

    def after_two():
        asked.append(True)
        return len(asked) > 2

    posed = character.pose(expression(jawOpen=1.0, mouthPucker=0.5), should_cancel=after_two)
    assert posed.is_cancelled
    assert len(asked) == 3
    assert not character.pose(TALKING).is_cancelled


def test_bad_expressions_are_refused_before_anything_is_done(character):
    with pytest.raises(ExpressionError):
        character.pose(np.full(52, np.nan))


@pytest.mark.parametrize("resolution", [0.0, -4.0, 50.0, float("nan")])
def test_a_resolution_without_meaning_is_refused(resolution):
    with pytest.raises(SettingsError, match="resolution"):
        CharacterSettings(resolution_mm=resolution)


def test_making_a_character_can_be_cancelled_and_tells_how_far_it_is(assets, tmp_path):
    fresh = FaceAssets(assets.template, assets.model, assets.model_hash, assets.evaluator)
    told = []

    def progress(share, text):
        told.append(share)
        return share < 0.4

    with pytest.raises(CharacterCancelled):
        Character(Identity.mean(), COARSE, cache_directory=tmp_path, progress=progress, assets=fresh)
    assert told == sorted(told)
    assert 0.4 <= told[-1] < 1.0


def test_damaged_cache_files_are_made_again(character, assets, cache):
    files = sorted(cache.glob("*.npz"))
    assert {path.name.partition("_")[0] for path in files} == {"space", "rest"}
    for path in files:
        path.write_bytes(path.read_bytes()[:1000])
    fresh = FaceAssets(assets.template, assets.model, assets.model_hash, assets.evaluator)
    again = Character(Identity.from_seed(5), COARSE, cache_directory=cache, assets=fresh)
    np.testing.assert_allclose(again.rest.vertices["skin"], character.rest.vertices["skin"], atol=1e-9)


def test_a_wink_closes_one_eye_and_takes_its_lashes_along(character, assets):
    """The upper lid travels 10 mm, the other one stays (the captures of a wink move it by 0)."""
    posed = character.pose(expression(eyeBlinkLeft=1.0), physics=False)
    travel = (posed.skin - character.rest.vertices["skin"])[:, 1]
    lids = {side: travel[assets.template.regions[f"upper_lid_{side}"] > 0.5] for side in ("left", "right")}
    assert lids["left"].min() < -9.0
    assert np.abs(lids["right"]).max() < 0.9
    lashes = (posed.lashes - character.rest.vertices["lashes"])[:, 1]
    left = character.rest.vertices["lashes"][:, 0] > 0.0
    assert lashes[left].min() < -11.0  # their tips turn down with the lid
    assert np.median(lashes[left]) < -4.0
    assert abs(np.median(lashes[~left])) < 0.5


def test_teeth_move_with_the_reached_jaw(character):
    posed = character.pose(expression(jawOpen=0.6))
    np.testing.assert_array_equal(posed.jaw, posed.state.pose.jaw)
    np.testing.assert_array_equal(
        posed.vertices(character.rest, "lower_teeth"), apply(posed.jaw, character.rest.vertices["lower_teeth"])
    )
