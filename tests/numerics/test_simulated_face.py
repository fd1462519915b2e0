"""What the simulation promises, on a whole face in coarse cells: nothing torn, no jitter, no expression too wild."""

import numpy as np
import pytest

from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character, CharacterSettings
from physface_blender.backend.identity import Identity
from physface_blender.performance.arkit import expression
from physface_blender.simulation.intersections import count_intersections
from physface_blender.simulation.settings import SimulationSettings
from physface_blender.simulation.state import Status

SETTINGS = CharacterSettings(resolution_mm=7.0)
MOUTH = ("upper_lip", "lower_lip", "inner_mouth")
HARD = {
    "press": {"mouthRollLower": 1.0, "mouthRollUpper": 0.8, "mouthPressLeft": 0.8, "mouthPressRight": 0.8},
    "asymmetric": {"mouthLeft": 0.9, "mouthRollLower": 0.8, "mouthPucker": 0.3},
}


@pytest.fixture(scope="module")
def assets():
    return FaceAssets.load()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def character(assets, cache):
    return Character(Identity.from_seed(2), SETTINGS, cache_directory=cache, assets=assets)


def region(assets, *names):
    return np.max([assets.template.regions[name] for name in names], axis=0) > 0.5


def intersections(character, posed, assets):
    """Pairs among teeth and the skin of the mouth that may collide, counted by other means than the solver's."""
    triangles = assets.template.meshes["skin"].triangles
    collides = np.zeros(len(posed.skin), dtype=bool)
    collides[character.rest_shape.collision.skin_vertices] = True
    patch = triangles[(region(assets, *MOUTH) & collides)[triangles].all(axis=1)]
    teeth = [
        (posed.vertices(character.rest, part), assets.template.meshes[part].triangles)
        for part in ("upper_teeth", "lower_teeth")
    ]
    return count_intersections(posed.skin, patch, *teeth).total


def test_a_jaw_pulled_open_parts_the_lips_and_stretches_no_cell_across_the_mouth(character, assets):
    posed = character.pose(expression(jawOpen=1.0, mouthLowerDownLeft=0.6, mouthLowerDownRight=0.6))
    assert posed.result.status is Status.CONVERGED
    middle = np.abs(character.rest.vertices["skin"][:, 0]) < 3.0
    upper, lower = (region(assets, name) & middle for name in ("upper_lip", "lower_lip"))
    opened = posed.skin[upper, 1].min() - posed.skin[lower, 1].max()
    assert opened > 15.0
    # A cell that held both lips would be stretched by as much as they part; the corners of the mouth are, by half of it.
    hexes = character.space.hexes
    edges = np.concatenate([hexes[:, [a, b]] for a in range(8) for b in range(8) if a < b and (a ^ b).bit_count() == 1])
    rest, nodes = character.rest_shape.nodes, posed.state.positions
    growth = np.linalg.norm(nodes[edges[:, 0]] - nodes[edges[:, 1]], axis=1) - np.linalg.norm(
        rest[edges[:, 0]] - rest[edges[:, 1]], axis=1
    )
    assert growth.max() < 0.75 * opened


@pytest.mark.parametrize("name", HARD)
def test_a_pose_that_is_held_does_not_jitter(character, assets, name):
    weights = HARD[name]
    posed = character.pose(expression(**weights))
    assert posed.result.status is Status.CONVERGED
    without = character.pose(expression(**weights), contact=False)
    assert intersections(character, without, assets) > 0
    for _ in range(3):
        held = character.pose(expression(**weights), start=posed.state)
        moved = np.linalg.norm(held.skin - posed.skin, axis=1).max()
        assert moved < 0.01
        posed = held
    assert intersections(character, posed, assets) == 0


def test_no_expression_is_too_wild(assets, cache):
    """All 52 weights drawn at random, from one frame to the next without a way between, and few iterations for it."""
    settings = CharacterSettings(resolution_mm=7.0, simulation=SimulationSettings(max_iterations=8))
    character = Character(Identity.from_seed(2), settings, cache_directory=cache, assets=assets)
    rng, start, crossing = np.random.default_rng(0), None, 0
    for _ in range(3):
        weights = rng.uniform(size=52)
        posed = character.pose(weights, start=start)
        result, start = posed.result, posed.state
        assert result.iterations <= 8 * 8  # the jaw leaps by less than 40 degrees, in steps of five
        assert np.isfinite(posed.skin).all()
        assert np.abs(posed.skin - character.rest.vertices["skin"]).max() < 60.0
        assert intersections(character, posed, assets) == 0
        if len(result.energies) > 1:
            assert (np.diff(result.energies) <= 1e-12 * result.energies[0]).all()
        crossing += intersections(character, character.pose(weights, contact=False), assets)
    assert crossing > 100


def test_a_face_that_is_left_on_its_way_is_free_of_intersections_and_settles_where_it_would_have(character, assets):
    state, shown = None, []
    for jaw, roll in ((0.9, 0.0), (0.2, 0.8), (0.7, 0.0), (0.1, 0.6)):
        steps = []
        left = character.pose(
            expression(jawOpen=jaw, mouthRollLower=roll),
            start=state,
            on_way=steps.append,
            should_cancel=lambda steps=steps: len(steps) > 1,
        )
        assert left.is_cancelled
        state = left.state
        shown += steps
    assert len(shown) == 8
    assert sum(intersections(character, face, assets) for face in shown) == 0
    wanted = expression(jawOpen=0.4, mouthRollLower=0.3)
    # Where a next step is short something may still be far off, seldom; so both go on until it is ten times shorter.
    settled, direct = (character.pose(wanted, start=start, tolerance_mm=0.001) for start in (state, None))
    assert settled.result.status is Status.CONVERGED
    assert np.linalg.norm(settled.skin - direct.skin, axis=1).max() < 0.01
