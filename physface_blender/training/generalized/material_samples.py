"""Points of the canonical material with their parting coordinate, drawn for the training losses."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...anatomy.material_space import MaterialSpace

CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], dtype=np.float64)


@dataclass(frozen=True)
class MaterialPoints:
    """Canonical points with their parting coordinate.

    Attributes:
        points: (P, 3) canonical, mm.
        parting: (P,) -1..1.
    """

    points: torch.Tensor
    parting: torch.Tensor


class MaterialSamples:
    """Uniform samples of the hexahedra, and the bones' attachment points."""

    def __init__(self, space: MaterialSpace, device: torch.device | None = None) -> None:
        """Prepare the sampling of a material space on a device."""

        def tensor(values: npt.NDArray[np.float64]) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.float32, device=device)

        self._edge = float(space.resolution_mm)
        self._origins = tensor(space.node_positions[space.hexes[:, 0]])
        self._partings = tensor(space.node_parting[space.hexes])
        self._corners = tensor(CORNERS)
        self.skull, self.mandible = (
            MaterialPoints(tensor(bone.points), tensor(bone.apply(space.node_parting[:, None])[:, 0]))
            for bone in (space.skull_attachment, space.mandible_attachment)
        )

    def tissue(self, generator: torch.Generator, count: int) -> tuple[MaterialPoints, torch.Tensor]:
        """Draw points uniformly in the cells, the parts of surface cells outside the tissue included.

        The nodes of surface cells lie outside the tissue too, and the simulator asks the network there.

        Returns:
            The points and the gradient (count, 3) of their parting coordinate, 1/mm.
        """
        index = torch.randint(len(self._origins), (count,), generator=generator, device=generator.device)
        local = torch.rand(count, 3, generator=generator, device=generator.device)
        factors = torch.where(self._corners[None] > 0, local[:, None], 1.0 - local[:, None])
        signs = 2.0 * self._corners - 1.0
        values = self._partings[index]
        gradient = torch.stack(
            [
                (values * signs[:, axis] * factors[..., (axis + 1) % 3] * factors[..., (axis + 2) % 3]).sum(1)
                for axis in range(3)
            ],
            dim=1,
        )
        parting = (values * factors.prod(-1)).sum(1)
        return MaterialPoints(self._origins[index] + self._edge * local, parting), gradient / self._edge
