"""The independent counter: hand-made cases, a linear program as reference, and ipctk as a cross-check."""

import ipctk
import numpy as np
import pytest
from scipy.optimize import linprog

from physface_blender.simulation.intersections import count_intersections, intersecting_pairs

FLAT = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])


def moved(shift: list[float]) -> np.ndarray:
    """The flat triangle somewhere else."""
    return FLAT + np.array(shift)


def meet(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two triangles are found to intersect, whatever the order they are given in."""
    forth = intersecting_pairs(np.concatenate((first, second)), np.arange(6).reshape(2, 3))
    back = intersecting_pairs(np.concatenate((second[::-1], first)), np.arange(6).reshape(2, 3))
    assert len(forth) == len(back)
    return len(forth) == 1


def upright(x: float, y: float, low: float, high: float) -> np.ndarray:
    """A triangle across the plane z = 0: an edge from low to high at (x, y), the third corner far away."""
    return np.array([[x, y, low], [x, y, high], [x + 9.0, y + 9.0, high + 9.0]])


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (upright(1.0, 1.0, -1.0, 1.0), True),
        (upright(1.0, 1.0, 0.0, 1.0), True),
        (upright(1.0, 1.0, 1e-9, 1.0), False),
        (upright(1.0, 1.0, 5e-324, 1.0), False),
        (upright(2.0, 2.0, -1.0, 1.0), True),
        (upright(2.0 + 1e-9, 2.0, -1.0, 1.0), False),
        (upright(4.0, 0.0, -1.0, 1.0), True),
        (upright(3.0, 3.0, -1.0, 1.0), False),
        (moved([0.0, 0.0, 1e-9]), False),
        (FLAT, True),
        (FLAT * 0.25 + [0.5, 0.5, 0.0], True),
        (moved([1.0, 1.0, 0.0]), True),
        (moved([2.0, 2.0, 0.0]), True),
        (moved([2.0 + 1e-9, 2.0, 0.0]), False),
        (moved([4.0, 0.0, 0.0]), True),
        (moved([9.0, 0.0, 0.0]), False),
    ],
    ids=[
        "crossing",
        "touching the inside with a corner",
        "missing the inside by a nanometer",
        "missing the inside by the smallest number",
        "touching an edge",
        "missing an edge by a nanometer",
        "touching a corner",
        "passing beside",
        "parallel, a nanometer apart",
        "the same triangle twice",
        "coplanar, one inside the other",
        "coplanar, crossing",
        "coplanar, sharing a point of an edge",
        "coplanar, a nanometer apart",
        "coplanar, sharing a corner",
        "coplanar, far apart",
    ],
)
def test_hand_made_pairs(second, expected):
    assert meet(FLAT, second) is expected


@pytest.mark.parametrize("seed", range(3))
def test_the_answer_does_not_depend_on_how_the_pair_lies_in_space(seed):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shift = rng.uniform(-100.0, 100.0, 3)
    for second, expected in ((upright(1.0, 1.0, -1e-6, 1.0), True), (upright(1.0, 1.0, 1e-6, 1.0), False)):
        assert meet(FLAT @ turn.T + shift, second @ turn.T + shift) is expected


def meet_by_linear_program(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether convex combinations of both triangles' corners exist that are the same point."""
    equations = np.zeros((5, 6))
    equations[:3, :3], equations[:3, 3:] = first.T, -second.T
    equations[3, :3] = equations[4, 3:] = 1.0
    return linprog(np.zeros(6), A_eq=equations, b_eq=[0.0, 0.0, 0.0, 1.0, 1.0], bounds=(0.0, None)).status == 0


def soup(count: int, seed: int, extent: float) -> tuple[np.ndarray, np.ndarray]:
    """Random triangles of about a millimeter in a cube."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0.0, extent, (count, 1, 3)) + rng.normal(0.0, 1.0, (count, 3, 3))
    return corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)


def test_random_pairs_agree_with_a_linear_program():
    vertices, triangles = soup(40, seed=1, extent=4.0)
    found = {tuple(pair) for pair in intersecting_pairs(vertices, triangles).tolist()}
    expected = {
        (a, b)
        for a in range(40)
        for b in range(a + 1, 40)
        if meet_by_linear_program(vertices[triangles[a]], vertices[triangles[b]])
    }
    assert len(expected) > 20
    assert found == expected


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_ipctk_on_whole_meshes(seed):
    vertices, triangles = soup(30, seed=seed, extent=12.0)
    edges = ipctk.edges(triangles.astype(np.int32))
    mesh = ipctk.CollisionMesh(vertices, edges, triangles.astype(np.int32))
    assert ipctk.has_intersections(mesh, vertices) == (len(intersecting_pairs(vertices, triangles)) > 0)


def test_the_soups_for_ipctk_are_of_both_kinds():
    crossing = [len(intersecting_pairs(*soup(30, seed=seed, extent=12.0))) > 0 for seed in range(8)]
    assert any(crossing)
    assert not all(crossing)


def grid(size: int, spacing: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """A flat sheet of 2 size^2 triangles at a height, spacing between vertices."""
    x, y = np.meshgrid(np.arange(size + 1), np.arange(size + 1), indexing="ij")
    vertices = np.stack((x * spacing, y * spacing, np.full_like(x, height, dtype=float)), axis=-1).reshape(-1, 3)
    corner = (np.arange(size)[:, None] * (size + 1) + np.arange(size)).reshape(-1)
    quads = np.stack((corner, corner + size + 1, corner + size + 2, corner + 1), axis=1)
    return vertices, np.concatenate((quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]))


def test_a_flat_sheet_does_not_intersect_itself():
    assert len(intersecting_pairs(*grid(50, 1.0, 0.0))) == 0


def test_mouth_counts_by_what_meets_what_and_not_tooth_with_tooth():
    skin_vertices, skin = grid(10, 1.0, 0.0)
    upper = (grid(2, 1.0, 0.0)[0][:, [0, 2, 1]] + [4.1, 4.3, -1.0], grid(2, 1.0, 0.0)[1])
    lower = (upper[0] + [0.05, 0.0, 0.0], upper[1])
    far = (upper[0] + [0.0, 0.0, 50.0], upper[1])
    both = count_intersections(skin_vertices, skin, upper, lower)
    assert both.skin_skin == 0
    assert both.skin_upper_teeth > 0
    assert both.skin_lower_teeth > 0
    assert both.total == both.skin_upper_teeth + both.skin_lower_teeth
    only_lower = count_intersections(skin_vertices, skin, far, lower)
    assert only_lower.skin_upper_teeth == 0
    assert only_lower.skin_lower_teeth == both.skin_lower_teeth
    assert count_intersections(skin_vertices, skin, far, far).total == 0


def test_a_fold_of_skin_through_itself_is_counted():
    vertices, triangles = grid(10, 1.0, 0.0)
    column = vertices[:, 0].copy()
    right = column > 5.0
    vertices[right, 2] = 1.0 - 0.45 * (column[right] - 5.0)
    vertices[right, 0] = 5.0 - (column[right] - 6.0) * 0.9
    vertices[right, 1] += 0.13
    no_teeth = (np.zeros((0, 3)), np.zeros((0, 3), dtype=int))
    assert count_intersections(vertices, triangles, no_teeth, no_teeth).skin_skin > 0


def test_numbers_that_are_none_and_wrong_indices_are_refused():
    vertices, triangles = grid(2, 1.0, 0.0)
    broken = vertices.copy()
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match="not a finite number"):
        intersecting_pairs(broken, triangles)
    with pytest.raises(ValueError, match="outside the 9 vertices"):
        intersecting_pairs(vertices, triangles + 5)


def test_nothing_meets_nothing():
    assert intersecting_pairs(np.zeros((0, 3)), np.zeros((0, 3), dtype=int)).shape == (0, 2)
