"""A face of the style model whose muscles can be trained through the simulator: blendweights in, simulated skin out."""

from __future__ import annotations

import numpy as np
import torch

from ..networks.actuation import ActuationModel, symmetric_tensor, warp
from ..simulation.sensitivities.torch_solve import simulate_frame
from ..simulation.state import SimulationResult, SimulationState
from .compared_tissue import ComparedTissue


class ActuatedFace:
    """One actor of Model-CSWL; E cells of the product's simulator with one tensor each (paper 001, section 5.4).

    N_A is trained; N_B, the style and the networks that both are driven by stay. All of it is float64, as the simulator is.

    The tissue's border and the lining's ends in the throat stay at rest (the training leaves the border free): the model
    says how cells stretch, and not where anything goes. So rest is the simulator's target as well, which with tensors given
    is no more than that, and each solve begins at the state that it is given.

    Args:
        tissue: of the actor.
        model: with trained weights; becomes float64.
        style: (4,) style code that the actor performs in.
        coordinates: (E, 4) of N_A at the cells, through the actor's canonical map phi.
        rotations: (E, 3, 3) rotational part of phi's Jacobian there.
        jaw_frame: (4, 4) from canonical to the actor's jaw coordinates.

    Attributes:
        rest: (P, 3) the compared vertices at rest, millimeters.
    """

    def __init__(
        self,
        tissue: ComparedTissue,
        model: ActuationModel,
        style: torch.Tensor,
        coordinates: torch.Tensor,
        rotations: torch.Tensor,
        jaw_frame: np.ndarray,
    ) -> None:
        self._tissue, self._model = tissue, model.double().requires_grad_(False)
        self._style = style.detach().double()
        self._coordinates, self._rotations = coordinates.double(), rotations.double()
        self._jaw_frame = torch.as_tensor(jaw_frame)
        self.rest = tissue.skin(tissue.rest_nodes)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """The weights of N_A, made ready for training."""
        modules = (self._model.first, self._model.hidden, self._model.modulation, self._model.output)
        return [parameter.requires_grad_(True) for module in modules for parameter in module.parameters()]

    def pose(
        self, expression: np.ndarray, start: SimulationState | None, *, contact: bool
    ) -> tuple[torch.Tensor, SimulationResult]:
        """Return the skin vertices (P, 3) under the actor's blendweights (K,), and how the solve went."""
        code = self._model.code(torch.as_tensor(expression)[None], self._style[None])
        tensors = warp(symmetric_tensor(self._model.field(self._coordinates[None], code)[0]), self._rotations)
        jaw = self._jaw_frame @ self._model.jaw_motion(code)[0] @ torch.linalg.inv(self._jaw_frame)
        nodes, result = simulate_frame(
            self._tissue.simulator, self._tissue.rest_nodes, jaw, start, actuation=tensors, contact=contact
        )
        return self._tissue.skin(nodes), result
