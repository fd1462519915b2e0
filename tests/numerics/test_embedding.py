"""Points that ride on the hex of their own piece."""

import numpy as np

from physface_blender.anatomy.bone_contact import bone_attachment
from physface_blender.anatomy.embedding import trilinear_gradients, trilinear_weights
from physface_blender.anatomy.skin_embedding import embed_skin, vertex_areas
from tests.numerics.bodies import SLOT_Y, block_surface, slotted_block, sphere_surface, tissue_of


def test_linear_fields_are_reproduced_exactly():
    body = sphere_surface(10.0, center=(1.0, 2.0, 3.0))
    tissue = tissue_of(body, 3.0, 6)
    embedding = embed_skin(body, tissue)
    assert embedding.inside.all()
    assert np.allclose(embedding.weights.sum(axis=1), 1.0, atol=1e-12)
    matrix = np.random.default_rng(1).normal(size=(3, 3))
    nodes = tissue.node_positions @ matrix + [1.0, -2.0, 0.5]
    expected = body.vertices @ matrix + [1.0, -2.0, 0.5]
    assert np.allclose(embedding.apply(nodes), expected, atol=1e-9)
    assert np.allclose(embedding.matrix(len(nodes)) @ nodes, expected, atol=1e-9)


def test_weights_stay_close_to_the_cell():
    body = sphere_surface(10.0, center=(1.0, 2.0, 3.0))
    embedding = embed_skin(body, tissue_of(body, 2.0, 4))
    assert embedding.weights.min() > -0.35
    assert embedding.weights.max() < 1.35


def test_sides_of_a_thin_slot_ride_on_their_own_material():
    body = slotted_block(gap=0.05)
    tissue = tissue_of(body, 3.0, 6)
    embedding = embed_skin(body, tissue)
    x, y, z = body.vertices.T
    in_slot = (np.abs(y - SLOT_Y) < 0.1) & (x < 7.0) & (z > 0.5) & (z < 7.5)
    upper, lower = in_slot & (y > SLOT_Y), in_slot & (y < SLOT_Y)
    assert upper.sum() > 20
    assert lower.sum() > 20
    assert embedding.inside[in_slot].all()
    # Lift every node that the upper side hangs on: the lower side must not move.
    moved = np.zeros(len(tissue.node_positions))
    moved[embedding.corners[upper]] = 1.0
    assert np.allclose(embedding.apply(moved)[upper], 1.0)
    assert np.allclose(embedding.apply(moved)[lower], 0.0)


def test_gradients_are_those_of_the_weights():
    local = np.random.default_rng(2).uniform(0.1, 0.9, size=(5, 3))
    gradients = trilinear_gradients(local)
    assert np.abs(gradients).max() > 0.1
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        difference = (trilinear_weights(local + step) - trilinear_weights(local - step)) / 2e-6
        assert np.allclose(gradients[:, :, axis], difference, atol=1e-8)


def test_bone_inside_a_body_is_attached_all_around():
    planes = (np.linspace(-8.0, 8.0, 9),) * 3
    body = block_surface(planes, np.ones((8, 8, 8), dtype=bool))
    bone = sphere_surface(4.0, rings=40)
    attachment = bone_attachment(bone, tissue_of(body, 2.0, 4, (bone,)))
    assert attachment.inside.all()
    assert abs(attachment.areas.sum() / vertex_areas(bone).sum() - 1.0) < 0.02
    # About one point per h^2, on the surface, all around.
    assert 0.5 < len(attachment.points) * 4.0 / vertex_areas(bone).sum() < 2.0
    radius = np.linalg.norm(attachment.points, axis=1)
    assert np.abs(radius - 4.0).max() < 0.25
    assert np.abs((attachment.areas[:, None] * (attachment.points)).sum(axis=0)).max() < 2.0
