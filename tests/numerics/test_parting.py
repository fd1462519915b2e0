"""The parting coordinate: harmonic, bounded, the same at every resolution."""

import numpy as np

from physface_blender.anatomy.parting import harmonic, laplacian, nearest_material, transfer_parting
from physface_blender.anatomy.skin_embedding import embed_skin
from tests.numerics.bodies import SLOT_Y, block_surface, slotted_block, tissue_of


def hold(tissue, body, chosen, values):
    embedding = embed_skin(body, tissue)
    return harmonic(
        tissue.split.hexes,
        tissue.split.fill,
        len(tissue.split.node_cells),
        tissue.edge,
        embedding.corners[chosen],
        embedding.weights[chosen],
        values[chosen],
        embedding.areas[chosen],
    )


def slot_parting(edge, division):
    body = slotted_block(gap=0.2)
    x, y, _ = body.vertices.T
    chosen = (np.abs(y - SLOT_Y) < 0.2) & (x < 10.0)
    values = np.sign(y - SLOT_Y) * np.clip((10.0 - x) / 4.0, 0.0, 1.0)
    tissue = tissue_of(body, edge, division)
    return body, tissue, hold(tissue, body, chosen, values)


def test_laplacian_of_a_cube_is_an_m_matrix_and_knows_linear_fields():
    body = block_surface((np.linspace(0.0, 8.0, 5),) * 3, np.ones((4, 4, 4), dtype=bool))
    tissue = tissue_of(body, 2.0, 4)
    matrix = laplacian(tissue.split.hexes, tissue.split.fill, len(tissue.split.node_cells), 2.0)
    off_diagonal = matrix.toarray() - np.diag(matrix.diagonal())
    assert off_diagonal.max() <= 1e-12
    assert off_diagonal.min() < -0.1
    # The energy of a linear field is the volume times its squared gradient, and its residual vanishes inside.
    slope = np.array([0.3, -0.2, 0.5])
    field = tissue.node_positions @ slope
    assert np.isclose(field @ (matrix @ field), 8.0**3 * slope @ slope)
    inside = ((tissue.node_positions > 0.1) & (tissue.node_positions < 7.9)).all(axis=1)
    assert inside.any()
    assert np.abs((matrix @ field)[inside]).max() < 1e-10


def test_held_ends_of_a_bar_give_a_linear_field():
    body = block_surface(
        (np.linspace(0.0, 16.0, 9), np.linspace(0, 4, 3), np.linspace(0, 4, 3)), np.ones((8, 2, 2), dtype=bool)
    )
    tissue = tissue_of(body, 2.0, 4)
    x = body.vertices[:, 0]
    nodal = hold(tissue, body, (x < 0.1) | (x > 15.9), np.where(x > 8.0, 1.0, -1.0))
    assert np.abs(nodal - (tissue.node_positions[:, 0] - 8.0) / 8.0).max() < 0.01


def test_parting_of_a_slot_is_bounded_and_tells_the_sides_apart():
    body, tissue, nodal = slot_parting(2.0, 4)
    assert np.abs(nodal).max() <= 1.0
    on_skin = embed_skin(body, tissue).apply(nodal)
    x, y, _ = body.vertices.T
    sides = (np.abs(y - SLOT_Y) < 0.2) & (x < 5.0)
    assert (on_skin[sides & (y > SLOT_Y)] > 0.9).all()
    assert (on_skin[sides & (y < SLOT_Y)] < -0.9).all()
    # Antisymmetric like the body: the vertices mirrored in y carry the opposite value.
    mirrored = np.lexsort((body.vertices * [1, -1, 1]).T)
    assert np.abs(on_skin[np.lexsort(body.vertices.T)] + on_skin[mirrored]).max() < 0.1


def test_parting_is_the_same_function_at_another_resolution():
    body, reference, nodal = slot_parting(1.0, 2)
    tissue = tissue_of(body, 3.0, 6)
    carried = transfer_parting(reference, nodal, tissue)
    assert np.abs(carried).max() <= 1.0
    fine = embed_skin(body, reference).apply(nodal)
    coarse = embed_skin(body, tissue).apply(carried)
    # Where the coarse cells end before the slot does.
    before = body.vertices[:, 0] < 8.9
    assert np.abs(fine - coarse)[before].mean() < 0.05
    assert np.abs(fine - coarse)[before].max() < 0.35


def test_nearest_material_is_on_the_nodes_own_side():
    _, tissue, _ = slot_parting(3.0, 6)
    places = nearest_material(tissue)
    embedded = tissue.split.hexes[tissue.skin_finder.find(places, np.zeros_like(places), 0.6)]
    assert (embedded == np.arange(len(places))[:, None]).any(axis=1).mean() > 0.95
