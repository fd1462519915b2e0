"""Tests of the springs between tissue and bone."""

import numpy as np
import pytest

from physface_blender.simulation.attachments import Attachments
from physface_blender.simulation.conditions import BoneShift, ConditionsError
from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.obstacle import REST_POSE, RigidPose
from physface_blender.simulation.rigid_motion import ScrewMotion, is_rigid, transform_points
from physface_blender.simulation.stiffness import elastic_stiffness

from .blocks import EMPTY, block_mesh, embed, jittered, rotation


@pytest.fixture
def block():
    """Nodes, hexes and attachments of a block whose bottom is skull on one half and mandible on the other."""
    nodes, hexes, _ = block_mesh((4, 2, 2), 4.0)
    bottom = nodes[nodes[:, 2] == 0.0] + [0.0, 0.0, 0.7]
    skull = embed(bottom[bottom[:, 0] < 7.0], nodes, hexes, 4.0)
    mandible = embed(bottom[bottom[:, 0] > 9.0], nodes, hexes, 4.0)
    graph = elastic_stiffness(ShapeTargeting(nodes, hexes, np.ones(len(hexes)), 1.0))
    return nodes, hexes, skull, mandible, graph


def pose_of_jaw() -> np.ndarray:
    jaw = np.eye(4)
    jaw[:3, :3] = rotation([1, 0, 0], 20.0)
    jaw[:3, 3] = [1.0, -2.0, 0.5]
    return jaw


def test_bones_pull_where_they_go_and_nowhere_else(block):
    nodes, _, skull, mandible, graph = block
    attachments = Attachments(nodes, skull, mandible, np.array([26]), graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5)
    target, jaw = jittered(nodes, 0.5, 0), pose_of_jaw()
    attachments.set_boundary(target, RigidPose.of(jaw))
    moved = transform_points(jaw, nodes)
    moved[nodes[:, 0] < 8.5] = nodes[nodes[:, 0] < 8.5]
    moved[26] = target[26]
    held = Attachments(nodes, skull, mandible, EMPTY, graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5)
    held.set_boundary(target, RigidPose.of(jaw))
    energy, gradient = held.energy_and_gradient(moved)
    assert energy < 1e-20
    assert np.abs(gradient).max() < 1e-9
    assert held.energy_and_gradient(nodes)[0] > 1.0
    assert held.slip(moved) < 1e-12
    assert held.slip(nodes) > 1.0
    gradient = attachments.energy_and_gradient(nodes)[1]
    np.testing.assert_allclose(
        gradient[26] - held.energy_and_gradient(nodes)[1][26], 1.5 * 16.0 * (nodes[26] - target[26])
    )


def test_matrix_is_the_derivative_of_the_gradient(block):
    nodes, _, skull, mandible, graph = block
    attachments = Attachments(
        nodes, skull, mandible, np.array([3, 26]), graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5
    )
    direction = np.random.default_rng(1).normal(size=nodes.shape)
    change = attachments.energy_and_gradient(nodes + direction)[1] - attachments.energy_and_gradient(nodes)[1]
    assert np.linalg.norm(change) > 1.0
    np.testing.assert_allclose(attachments.matrix @ direction, change, atol=1e-10)


def test_a_piece_attached_to_nothing_is_tied_to_its_target(block):
    nodes, hexes, skull, mandible, _ = block
    both = np.concatenate([nodes, nodes + 100.0])
    graph = elastic_stiffness(
        ShapeTargeting(both, np.concatenate([hexes, hexes + len(nodes)]), np.ones(2 * len(hexes)), 1.0)
    )
    attachments = Attachments(both, skull, mandible, EMPTY, graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5)
    assert attachments.floating_pieces == 1
    assert np.linalg.eigvalsh((graph + attachments.matrix).toarray()).min() > 0.0
    target = both + np.array([0.0, 0.0, 3.0])
    attachments.set_boundary(target, REST_POSE)
    pull = attachments.energy_and_gradient(both)[1]
    assert (pull[len(nodes) :, 2] < 0.0).all()
    assert not pull[: len(nodes)].any()


def test_points_outside_the_tissue_are_left_out(block):
    nodes, _, skull, mandible, graph = block
    outside = type(skull)(np.full(3, -1), np.zeros((3, 8)), np.zeros((3, 8), dtype=int))
    attachments = Attachments(nodes, outside, mandible, EMPTY, graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5)
    assert attachments.slip(nodes) < 1e-12
    assert attachments.matrix.diagonal()[nodes[:, 0] < 7.0].max() == 0.0


def test_screw_motion_is_rigid_keeps_its_axis_and_ends_exactly():
    start, end = pose_of_jaw(), np.eye(4)
    end[:3, :3] = rotation([1, 0.1, 0], -12.0)
    end[:3, 3] = [0.0, 4.0, -1.0]
    motion = ScrewMotion(start, end)
    assert np.array_equal(motion.at(0.0), start)
    assert np.array_equal(motion.at(1.0), end)
    halves = [motion.at(t) for t in (0.25, 0.5, 0.75)]
    assert all(is_rigid(half) for half in halves)
    steps = [b @ np.linalg.inv(a) for a, b in zip([start, *halves], [*halves, end], strict=True)]
    for step in steps[1:]:
        np.testing.assert_allclose(step, steps[0], atol=1e-12)
    assert np.abs(steps[0] - np.eye(4)).max() > 0.05


def test_screw_motion_of_a_translation_is_straight():
    end = np.eye(4)
    end[:3, 3] = [1.0, 2.0, 3.0]
    np.testing.assert_allclose(ScrewMotion(np.eye(4), end).at(0.5)[:3, 3], [0.5, 1.0, 1.5])


def test_scaling_is_not_rigid():
    assert not is_rigid(np.diag([1.01, 1.01, 1.01, 1.0]))
    assert not is_rigid(np.diag([-1.0, 1.0, 1.0, 1.0]))


def test_edited_bones_take_their_tissue_along(block):
    nodes, _, skull, mandible, graph = block
    held = Attachments(nodes, skull, mandible, EMPTY, graph, 1.5, 4.0, border_stiffness_mpa_per_mm=1.5)
    jaw = pose_of_jaw()
    shift = BoneShift(
        skull=np.tile([0.0, 1.0, 2.0], (len(skull.hexes), 1)),
        mandible=np.tile([3.0, 0.0, -1.0], (len(mandible.hexes), 1)),
    )
    held.set_bones(shift)
    held.set_boundary(nodes, RigidPose.of(jaw))
    moved = transform_points(jaw, nodes + np.array([3.0, 0.0, -1.0]))
    left = nodes[:, 0] < 8.5
    moved[left] = nodes[left] + np.array([0.0, 1.0, 2.0])
    assert held.slip(moved) < 1e-12
    held.set_bones(None)
    held.set_boundary(nodes, REST_POSE)
    assert held.slip(nodes) < 1e-12
    with pytest.raises(ConditionsError, match="skull"):
        held.set_bones(BoneShift(skull=np.zeros((1, 3))))
