"""An actor of the style model's training that is a block of tissue."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from physface_blender.training.style.projective import Captured, ProjectiveTissue

from . import blocks

COUNTS, EDGE = (3, 2, 2), 4.0


@dataclass(frozen=True)
class BlockActor:
    """What was captured of it."""

    name: str
    neutral: np.ndarray


class BlockPerformer:
    """A block whose low face in y sits on the skull and whose high face is the skin; as far as the trainings ask."""

    def __init__(self) -> None:
        nodes, hexes, cells = blocks.block_mesh(COUNTS, EDGE)
        low, high = nodes[nodes[:, 1] == 0.0], nodes[nodes[:, 1] == EDGE * COUNTS[1]]
        held = replace(blocks.embed(low, nodes, hexes, EDGE), areas=np.full(len(low), EDGE**2))
        nothing = replace(blocks.embed(np.zeros((0, 3)), nodes, hexes, EDGE), areas=np.zeros(0))
        top = blocks.embed(high, nodes, hexes, EDGE)
        space = blocks.BlockSpace(EDGE, nodes, hexes, cells, np.ones(len(hexes)), top, held, nothing, blocks.EMPTY)
        self.nodes, self.skin = nodes, top.matrix(len(nodes))
        self.actor, self.carried = BlockActor("block", high), np.arange(len(high))
        self.jaw_frame, self.detail = np.eye(4), np.zeros_like(high)
        self.active = ProjectiveTissue(space, nodes)
        self.passive = ProjectiveTissue(space, nodes, Captured(self.skin, self.detail))
        centers = torch.as_tensor(nodes[hexes].mean(axis=1), dtype=torch.float32)
        self.cell_coordinates = torch.cat([0.1 * centers, torch.zeros(len(hexes), 1)], dim=1)
        self.cell_own = self.cell_coordinates
        self.cell_rotations = torch.eye(3).expand(len(hexes), 3, 3)

    def place_skin(self, nodes: np.ndarray) -> np.ndarray:
        """See ``Performer.place_skin``."""
        return self.skin @ nodes + self.detail

    def jaw_from_canonical(self, motion: np.ndarray) -> np.ndarray:
        """See ``Performer.jaw_from_canonical``."""
        return motion
