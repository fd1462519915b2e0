"""The simulator of one identity, as the product has it, and the skin vertices that are compared with a capture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..backend.assets import SharedSpace
from ..backend.rest_shape import RestShape
from ..simulation.settings import SimulationSettings
from ..simulation.simulator import Simulator


@dataclass(frozen=True, eq=False)
class ComparedTissue:
    """One identity; N nodes, P compared vertices.

    Attributes:
        simulator: of the identity, with contact.
        corners: (P, 8) nodes that carry each vertex.
        weights: (P, 8) float64, their weights.
        detail: (P, 3) float64, what the nodes do not carry, millimeters.
    """

    simulator: Simulator
    corners: torch.Tensor
    weights: torch.Tensor
    detail: torch.Tensor

    @classmethod
    def of(cls, shared: SharedSpace, shape: RestShape, vertices: np.ndarray) -> Self:
        """Make it of an identity's rest shape and skin vertices (P,), all of them carried by tissue."""
        simulator = Simulator(
            shared.space,
            shape.nodes,
            collision=shape.collision,
            settings=SimulationSettings(tolerance_mm=1e-3),
            membrane=shared.lining,
        )
        return cls(
            simulator,
            torch.as_tensor(shared.corners[vertices].astype(np.int64)),
            torch.as_tensor(shared.weights[vertices]),
            torch.as_tensor(shape.detail[np.searchsorted(shared.inside, vertices)]),
        )

    @property
    def rest_nodes(self) -> torch.Tensor:
        """The nodes at rest (N, 3), millimeters."""
        return torch.as_tensor(self.simulator.rest.positions)

    def skin(self, nodes: torch.Tensor) -> torch.Tensor:
        """The compared vertices (P, 3) for nodes (N, 3), millimeters."""
        return torch.einsum("pk,pkx->px", self.weights, nodes[self.corners]) + self.detail
