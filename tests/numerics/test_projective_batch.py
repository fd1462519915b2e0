"""Many frames of several actors at once: the same poses and derivatives as one frame at a time."""

from dataclasses import replace

import numpy as np
import torch

from physface_blender.training.style.projective import ProjectiveTissue
from physface_blender.training.style.projective_batch import ProjectiveBatch

from . import blocks

COUNTS, EDGE = (4, 3, 2), 4.0
FRAMES = 3


def test_poses_and_derivatives_are_those_of_one_frame_at_a_time():
    """Two actors with three frames each, far from rest, with skull and mandible."""
    nodes, hexes, cells = blocks.block_mesh(COUNTS, EDGE)

    def held(points):
        return replace(blocks.embed(points, nodes, hexes, EDGE), areas=np.full(len(points), EDGE**2))

    skull, mandible = held(nodes[nodes[:, 1] == 0.0]), held(nodes[nodes[:, 2] == EDGE * COUNTS[2]])
    space = blocks.BlockSpace(EDGE, nodes, hexes, cells, np.ones(len(hexes)), skull, skull, mandible, blocks.EMPTY)
    tissues = [ProjectiveTissue(space, blocks.jittered(nodes, 0.2, seed)) for seed in (0, 1)]
    random = np.random.default_rng(0)
    tensors = np.eye(3) + 0.15 * random.standard_normal((2, FRAMES, len(hexes), 3, 3))
    tensors = 0.5 * (tensors + np.swapaxes(tensors, -1, -2))
    jaw = np.tile(np.eye(4), (2, FRAMES, 1, 1))
    jaw[0, 1, :3, :3] = blocks.rotation((1, 0, 2), 10.0)
    loss = random.standard_normal((2, FRAMES, *nodes.shape))

    batch = ProjectiveBatch(tissues, torch.device("cpu"))
    inputs = [torch.as_tensor(values, dtype=torch.float32) for values in (tensors, jaw, loss)]
    found = batch.solve(inputs[0], inputs[1], None, 20)
    again = batch.solve(inputs[0], inputs[1], found, 1)
    by_tensors, by_jaw = batch.gradients(found, inputs[0], inputs[2], 5)
    for actor, tissue in enumerate(tissues):
        for frame in range(FRAMES):
            here = (tensors[actor, frame], jaw[actor, frame])
            pose = tissue.solve(*here, iterations=20)
            assert np.abs(found[actor, frame].numpy() - pose).max() < 1e-4
            assert np.abs(again[actor, frame].numpy() - tissue.solve(*here, start=pose, iterations=1)).max() < 1e-4
            slopes, turn = tissue.gradients(pose, tensors[actor, frame], loss[actor, frame], 5)
            for wanted, value in ((slopes, by_tensors), (turn, by_jaw)):
                assert np.abs(value[actor, frame].numpy() - wanted).max() < 1e-3 * np.abs(wanted).max()
