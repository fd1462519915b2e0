"""Projective dynamics for the training: rest, tensors there and back, dragged skin."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from physface_blender.training.style.projective import Captured, ProjectiveTissue, carry_skin

from . import blocks

COUNTS, EDGE = (4, 3, 2), 4.0
STRETCHES = (0.4, 2.5)


@pytest.fixture
def block():
    """A block whose low face in y sits on the skull; no mandible, no border."""
    nodes, hexes, cells = blocks.block_mesh(COUNTS, EDGE)
    points = nodes[nodes[:, 1] == 0.0]
    held = replace(blocks.embed(points, nodes, hexes, EDGE), areas=np.full(len(points), EDGE**2))
    nothing = replace(blocks.embed(np.zeros((0, 3)), nodes, hexes, EDGE), areas=np.zeros(0))
    top = blocks.embed(nodes[nodes[:, 1] == EDGE * COUNTS[1]], nodes, hexes, EDGE)
    return blocks.BlockSpace(EDGE, nodes, hexes, cells, np.ones(len(hexes)), top, held, nothing, blocks.EMPTY)


def _still(space) -> np.ndarray:
    return np.tile(np.eye(3), (len(space.hexes), 1, 1))


def test_unactuated_tissue_rests(block):
    """A = I moves nothing, also on a rest shape that is no grid."""
    rest = blocks.jittered(block.node_positions, 0.2, 0)
    nodes = ProjectiveTissue(block, rest).solve(_still(block), np.eye(4), iterations=5)
    assert np.abs(nodes - rest).max() < 1e-5  # a factor of single precision


def test_tensors_of_a_deformation_bring_it_back(block):
    """The stretch of a shear with a turn, given as actuation, reproduces it where the attachment agrees."""
    tissue = ProjectiveTissue(block, block.node_positions)
    wanted = block.node_positions.copy()
    height = wanted[:, 1]
    wanted[:, 0] += 0.02 * height**2
    wanted[:, 1] *= 1.1
    tensors = tissue.actuation(wanted, STRETCHES)
    assert np.allclose(tensors, np.swapaxes(tensors, 1, 2))
    nodes = tissue.solve(tensors, np.eye(4), iterations=400)
    # Held by the bone as it rests: what is left is the slip of the attachment.
    assert np.abs(nodes - wanted).max() < 0.02


def test_turned_tensors_do_not_turn_the_block(block):
    """The energy knows no rotation: the tensors of a rotated block are I."""
    turned = block.node_positions @ blocks.rotation((1, 2, 3), 40.0).T
    tissue = ProjectiveTissue(block, block.node_positions)
    assert np.allclose(tissue.actuation(turned, STRETCHES), _still(block), atol=1e-12)
    inverted = block.node_positions * np.array([-1.0, 3.5, 3.0])
    values = np.linalg.eigvalsh(tissue.actuation(inverted, STRETCHES))
    assert (values.min(), values.max()) == pytest.approx(STRETCHES)


def test_captured_skin_drags_the_tissue(block):
    """The skin follows to a tenth of its way, with its detail, and its tensors alone then lead there too."""
    surface = block.skin
    points = surface.apply(block.node_positions)
    embedding = surface.matrix(len(block.node_positions))
    detail = np.full_like(points, 0.3)
    passive = ProjectiveTissue(block, block.node_positions, Captured(embedding, detail))
    pulled = points + detail + np.array([2.0, 1.0, 0.0])
    nodes = passive.solve(_still(block), np.eye(4), pulled, iterations=60)
    assert np.linalg.norm(embedding @ nodes + detail - pulled, axis=1).max() < 0.1 * np.hypot(2.0, 1.0)
    active = ProjectiveTissue(block, block.node_positions)
    again = active.solve(active.actuation(nodes, STRETCHES), np.eye(4), iterations=400)
    assert np.linalg.norm(embedding @ again + detail - pulled, axis=1).max() < 0.2 * np.hypot(2.0, 1.0)


def test_gradients_match_central_differences(block):
    """By tensors and jaw, along random directions, through a pose far from rest."""
    points = block.node_positions[block.node_positions[:, 2] == EDGE * COUNTS[2]]
    held = blocks.embed(points, block.node_positions, block.hexes, EDGE)
    space = replace(block, mandible_attachment=replace(held, areas=np.full(len(points), EDGE**2)))
    tissue = ProjectiveTissue(space, blocks.jittered(block.node_positions, 0.2, 0))
    random = np.random.default_rng(0)
    tensors = np.eye(3) + 0.15 * random.standard_normal((len(block.hexes), 3, 3))
    tensors = 0.5 * (tensors + np.swapaxes(tensors, 1, 2))
    jaw = np.eye(4)
    jaw[:3, :3] = blocks.rotation((1, 0, 2), 10.0)
    loss = random.standard_normal(block.node_positions.shape)

    def pose(tensors, jaw):
        return tissue.solve(tensors, jaw, iterations=400)

    by_actuation, by_jaw = tissue.gradients(pose(tensors, jaw), tensors, loss, 60)
    direction = random.standard_normal(tensors.shape)
    direction += np.swapaxes(direction, 1, 2)
    step = 1e-3  # the factor is of single precision, so poses repeat to 1e-6 mm only
    change = (pose(tensors + step * direction, jaw) - pose(tensors - step * direction, jaw)) / (2.0 * step)
    assert (by_actuation * direction).sum() == pytest.approx((loss * change).sum(), rel=1e-2)
    turn = np.zeros((4, 4))
    turn[:3] = random.standard_normal((3, 4))
    change = (pose(tensors, jaw + step * turn) - pose(tensors, jaw - step * turn)) / (2.0 * step)
    assert (by_jaw * turn).sum() == pytest.approx((loss * change).sum(), rel=1e-2)


def test_skin_is_carried_by_the_cell_of_its_neighbor(block):
    """Embedded points are where they are, and points without tissue have an empty row."""
    points = np.array([[1.0, 11.0, 3.0], [50.0, 0.0, 0.0]])
    hexes = np.append(block.skin.hexes, -1).astype(np.int32)
    space = replace(block, skin=replace(block.skin, hexes=hexes))
    space = _WithOrigin(space, np.zeros(3))
    matrix = carry_skin(space, points, np.array([0, len(hexes) - 1]))
    assert isinstance(matrix, scipy.sparse.csr_matrix)
    assert np.allclose((matrix @ block.node_positions)[0], points[0])
    assert matrix[1].nnz == 0


class _WithOrigin:
    """A block with the origin that a material space has."""

    def __init__(self, space, origin):
        self._space, self.origin = space, origin

    def __getattr__(self, name):
        return getattr(self._space, name)
