"""The material space of the committed template."""

import numpy as np
import pytest

from physface_blender.anatomy.face_region import region_margin
from physface_blender.anatomy.material_space import build_material_space, load_or_build, parting_at
from physface_blender.anatomy.pieces import CORNER_OFFSETS
from physface_blender.anatomy.template import load_template


@pytest.fixture(scope="module")
def template():
    return load_template()


@pytest.fixture(scope="module")
def space(template):
    """The reference resolution."""
    return build_material_space(template, 2.0)


@pytest.fixture(scope="module")
def coarse(template):
    return build_material_space(template, 5.0)


SLITS = (
    ("upper_lip", "lower_lip", (48, 54)),
    ("upper_lid_right", "lower_lid_right", (36, 39)),
    ("upper_lid_left", "lower_lid_left", (42, 45)),
)


def sides_of_slit(template, upper, lower, corners, away):
    """Skin vertices above and below a slit, and farther than `away` mm inwards of its corners."""
    vertices = template.meshes["skin"].vertices
    ends = np.sort(vertices[template.landmarks68[list(corners)], 0])
    middle = (vertices[:, 0] > ends[0] + away) & (vertices[:, 0] < ends[1] - away)
    return tuple(np.flatnonzero(middle & (template.regions[name] > 0.5)) for name in (upper, lower))


def test_hexes_are_cubes_on_the_grid(space):
    expected = space.origin + (space.cells[:, None] + CORNER_OFFSETS) * space.resolution_mm
    assert np.array_equal(space.node_positions[space.hexes], expected)
    assert np.array_equal(np.unique(space.hexes), np.arange(len(space.node_positions)))
    assert len(np.unique(np.sort(space.hexes, axis=1), axis=0)) == len(space.hexes)
    assert space.fill.min() > 0.0
    assert space.fill.max() == 1.0
    assert 60_000 < len(space.hexes) < 80_000


@pytest.mark.parametrize("slit", SLITS)
def test_sides_of_a_slit_share_no_node(template, space, slit):
    # The mouth's slit ends about 3 mm inwards of the landmarks.
    upper, lower = sides_of_slit(template, *slit, away=3.0 + 2.0 * space.resolution_mm)
    assert min(len(upper), len(lower)) > 10
    above, below = (np.unique(space.skin.corners[side]) for side in (upper, lower))
    assert len(np.intersect1d(above, below)) == 0


@pytest.mark.parametrize("resolution", ["space", "coarse"])
def test_jaw_pulled_open_leaves_the_upper_lip(template, resolution, request):
    space = request.getfixturevalue(resolution)
    upper, lower = sides_of_slit(template, *SLITS[0], away=3.0 + 2.0 * space.resolution_mm)
    nodes = space.node_positions.copy()
    nodes[np.unique(space.skin.corners[lower]), 1] -= 20.0
    moved = space.skin.apply(nodes)[:, 1] - template.meshes["skin"].vertices[:, 1]
    assert np.allclose(moved[lower], -20.0)
    assert np.allclose(moved[upper], 0.0)
    # No hex stretches across the mouth: all of its corners go or none, save where the material is joined around.
    lifted = (nodes[space.hexes, 1] - space.node_positions[space.hexes, 1]) < -1.0
    torn = lifted.any(axis=1) & ~lifted.all(axis=1)
    assert torn.any()
    assert not np.isin(np.flatnonzero(torn), space.skin.hexes[upper]).any()


def test_lips_face_and_lids_are_embedded(template, space):
    weights = space.skin.weights[space.skin.inside]
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    assert weights.min() > -1.0
    assert weights.max() < 2.0
    vertices = template.meshes["skin"].vertices
    assert np.allclose(space.skin.apply(space.node_positions)[space.skin.inside], vertices[space.skin.inside])
    well_inside = region_margin(vertices) > 2.0
    for name in ("upper_lip", "lower_lip", "upper_lid_left", "lower_lid_right", "face", "forehead"):
        chosen = (template.regions[name] > 0.5) & well_inside
        assert chosen.any()
        assert space.skin.inside[chosen].all(), name
    assert not space.skin.inside[(template.regions["scalp"] > 0.5) & (vertices[:, 2] < 0)].any()


@pytest.mark.parametrize(("resolution", "slits"), [("space", SLITS), ("coarse", SLITS[:1])])
def test_parting_tells_the_sides_apart(template, resolution, slits, request):
    space = request.getfixturevalue(resolution)
    assert np.abs(space.node_parting).max() <= 1.0
    on_skin = space.skin.apply(space.node_parting)
    vertices = template.meshes["skin"].vertices
    for upper, lower, corners in slits:
        above, below = sides_of_slit(template, upper, lower, corners, away=3.0 + 2.0 * space.resolution_mm)
        ends = vertices[template.landmarks68[list(corners)], 1].mean()
        near = np.abs(vertices[:, 1] - ends) < 6.0
        assert on_skin[above[near[above]]].mean() > 0.6, upper
        assert on_skin[below[near[below]]].mean() < -0.6, lower


def test_parting_is_the_same_function_at_both_resolutions(space, coarse):
    both = space.skin.inside & coarse.skin.inside
    difference = np.abs(space.skin.apply(space.node_parting) - coarse.skin.apply(coarse.node_parting))[both]
    # By area, so that it does not depend on how many vertices the skin has at the slits.
    share = space.skin.areas[both] / space.skin.areas[both].sum()
    assert share @ difference < 0.02
    order = np.argsort(difference)
    assert difference[order][np.searchsorted(np.cumsum(share[order]), 0.95)] < 0.05


def test_parting_gradient(space):
    random = np.random.default_rng(5)
    hexes = random.integers(0, len(space.hexes), 200)
    local = random.uniform(0.1, 0.9, (200, 3))
    values, gradients = parting_at(space, hexes, local)
    assert np.abs(values).max() <= 1.0
    assert np.abs(gradients).max() > 0.01
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-5
        high, _ = parting_at(space, hexes, local + step)
        low, _ = parting_at(space, hexes, local - step)
        assert np.allclose(gradients[:, axis], (high - low) / (2e-5 * space.resolution_mm), atol=1e-8)


def test_bones_hold_the_tissue(template, space):
    for part, attachment in (("skull", space.skull_attachment), ("mandible", space.mandible_attachment)):
        assert attachment.inside.all()
        assert len(attachment.points) > 1000
        assert 0.5 < attachment.areas.sum() / (len(attachment.points) * space.resolution_mm**2) < 2.0
        assert np.allclose(attachment.apply(space.node_positions), attachment.points)
        # Mirrored bones touch on both sides alike.
        left = attachment.areas[attachment.points[:, 0] > 0].sum() / attachment.areas.sum()
        assert abs(left - 0.5) < 0.02, part


def test_border_lies_on_the_bound_of_the_region(space):
    margin = region_margin(space.node_positions[space.border_nodes])
    assert len(space.border_nodes) > 500
    assert np.abs(margin).max() < 2.0 * space.resolution_mm


def test_resolution_out_of_range(template):
    with pytest.raises(ValueError, match="between 1 and 10 mm"):
        build_material_space(template, 0.2)


def test_cache_keeps_a_space_and_notices_damage(template, coarse, tmp_path):
    told = []

    def progress(share, text):
        told.append(share)

    first = load_or_build(template, 5.0, tmp_path, progress=progress)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert first.content_hash == coarse.content_hash
    (file,) = tmp_path.iterdir()

    told.clear()
    again = load_or_build(template, 5.0, tmp_path, progress=progress)
    assert not told
    assert again.content_hash == first.content_hash
    assert np.array_equal(again.skin.weights, first.skin.weights)

    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    rebuilt = load_or_build(template, 5.0, tmp_path, progress=progress)
    assert told
    assert rebuilt.content_hash == first.content_hash
    assert len(file.read_bytes()) == len(whole)

    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]
