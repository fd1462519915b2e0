"""A face whose network can be trained through the simulator: expression in, simulated skin out, gradients all the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..backend.assets import FaceAssets
from ..backend.eye_rotation import eye_rotation
from ..backend.face_geometry import EYE_PARTS
from ..backend.rest_shape import make_rest_shape
from ..networks.generalized import DISPLACEMENT_SCALE_MM, EXPRESSION_COUNT
from ..simulation.sensitivities.torch_solve import reconcile, simulate_frame
from ..simulation.state import SimulationResult, SimulationState
from .compared_tissue import ComparedTissue

JAW_POINTS = 256
MANDIBLE_PARTING = -1.0


class TunableFace:
    """One identity with the shipped weights, which training changes.

    Args:
        assets: template and model; the model's weights are the ones that are trained.
        coefficients: (100,) of the identity.
        resolution_mm: edge of the hexahedra.
        vertices: (P,) skin vertices whose positions are wanted; all of them carried by tissue.
        cache_directory: where material spaces and repaired rest shapes are kept.

    Attributes:
        rest: (P, 3) these vertices at rest, millimeters.
    """

    def __init__(
        self,
        assets: FaceAssets,
        coefficients: np.ndarray,
        resolution_mm: float,
        vertices: np.ndarray,
        cache_directory: Path,
    ) -> None:
        shared = assets.space(resolution_mm, cache_directory)
        actor = assets.model.actor(coefficients)
        shape = make_rest_shape(assets, shared, actor, cache_directory)
        self._assets, self._shape = assets, shape
        self._network = assets.model.network
        self._tissue = ComparedTissue.of(shared, shape, vertices)
        outer = assets.template.regions["inner_mouth"] < 0.5
        self._reconciliation = self._tissue.simulator.reconciliation(outer)
        mandible = assets.template.meshes["mandible"].vertices
        mandible = mandible[np.lexsort(mandible.T)][:: max(1, len(mandible) // JAW_POINTS)]
        points = torch.as_tensor(np.concatenate([shared.node_positions, mandible]), dtype=torch.float32)
        parting = np.concatenate([shared.node_parting, np.full(len(mandible), MANDIBLE_PARTING)])
        self._coordinates = self._network.material_coordinates(points, torch.as_tensor(parting, dtype=torch.float32))
        self._identity_code = actor.identity_code.clone()
        self._nodes = torch.as_tensor(shape.nodes)
        self._jaw_rest = torch.as_tensor(actor.rest(mandible))
        self.rest = self._tissue.skin(self._nodes)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """The weights of N_e and P_exp, made ready for training."""
        modules = (self._network.expression_field, self._network.expression_encoder)
        return [parameter.requires_grad_(True) for module in modules for parameter in module.parameters()]

    def pose(
        self, expression: np.ndarray, start: SimulationState | None, *, contact: bool
    ) -> tuple[torch.Tensor, SimulationResult]:
        """Return the skin vertices (P, 3) under ARKit weights (52,), and how the solve went."""
        weights = torch.as_tensor(np.stack([expression, np.zeros(EXPRESSION_COUNT)]), dtype=torch.float32)
        code = self._network.expression_condition(
            self._identity_code.expand(2, -1), self._network.encode_expression(weights)
        )
        field = DISPLACEMENT_SCALE_MM * self._network.expression_field(self._coordinates.expand(2, -1, -1), code)
        moved, jaw = (field[0] - field[1]).double().split([len(self._nodes), len(self._jaw_rest)])
        eyes = tuple(
            eye_rotation(
                part, self._shape.geometry.eye_centers[part], expression, self._assets.template.eye_look_degrees
            )
            for part in EYE_PARTS
        )
        transform = self._jaw(jaw)
        target = reconcile(self._reconciliation, self._nodes + moved, transform)
        nodes, result = simulate_frame(self._tissue.simulator, target, transform, start, eyes=eyes, contact=contact)
        return self._tissue.skin(nodes), result

    def _jaw(self, displacements: torch.Tensor) -> torch.Tensor:
        """Return the rigid transform (4, 4) nearest to the motion (J, 3) of the mandible (Kabsch 1976)."""
        middle = self._jaw_rest.mean(dim=0)
        target = self._jaw_rest + displacements
        u, _, vt = torch.linalg.svd((target - target.mean(dim=0)).T @ (self._jaw_rest - middle))
        signs = torch.ones(3, dtype=torch.float64)
        signs[2] = torch.linalg.det(u @ vt).detach().sign()
        rotation = (u * signs) @ vt
        transform = torch.eye(4, dtype=torch.float64)
        transform[:3, :3] = rotation
        transform[:3, 3] = target.mean(dim=0) - rotation @ middle
        return transform
