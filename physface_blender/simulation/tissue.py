"""The soft tissue of one character: all energies together, and linear solves with their Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import blas

from .attachments import Attachments
from .collision_geometry import CollisionGeometry
from .conditions import Conditions
from .contact import BarrierTerms, Contact, ContactSolution
from .dissection import lattice_coordinates
from .elasticity import ShapeTargeting
from .factorization import factorize
from .gravity import nodal_masses
from .hexahedron import gauss_points, shape_values
from .membrane import Membrane, MembraneSprings
from .obstacle import RigidPose
from .settings import SimulationSettings
from .stiffness import elastic_stiffness

if TYPE_CHECKING:
    from ..anatomy.material_space import MaterialSpace


_BORDER_STIFFNESS = 1.0
"""Of the tie to the head beyond the simulated tissue, in multiples of Young's modulus per millimeter: like tissue."""


@dataclass(frozen=True)
class Expansion:
    """Energy and forces at one pose.

    Attributes:
        energy: newton millimeter.
        gradient: (N, 3) newton.
        barrier: the barrier's part, or None without contact.
    """

    energy: float
    gradient: np.ndarray
    barrier: BarrierTerms | None


class Tissue:
    """Energies, stiffness and factor of one character at one resolution.

    Args:
        space: hexes, attachments and embedding.
        rest_nodes: (N, 3) millimeters.
        collision: colliding surfaces, or None.
        settings: stiffnesses and distances.
        membrane: skin without tissue, whose nodes come last; or None.
        stiffness: (E,) multiples of Young's modulus, one for each cell; None for 1 everywhere.

    Raises:
        RestShapeError: if the rest shape has cells without volume.
        FactorizationError: if the stiffness matrix is singular.
    """

    def __init__(
        self,
        space: MaterialSpace,
        rest_nodes: np.ndarray,
        collision: CollisionGeometry | None,
        settings: SimulationSettings,
        membrane: Membrane | None = None,
        stiffness: np.ndarray | None = None,
    ) -> None:
        self.elasticity = ShapeTargeting(rest_nodes, space.hexes, space.fill, settings.shear_modulus_mpa, stiffness)
        elastic = elastic_stiffness(self.elasticity)
        self.attachments = Attachments(
            rest_nodes,
            space.skull_attachment,
            space.mandible_attachment,
            space.border_nodes,
            elastic,
            settings.attachment_stiffness * settings.young_modulus_mpa,
            space.resolution_mm,
            None
            if membrane is None
            else MembraneSprings(
                membrane, space.skin.corners, space.skin.weights, rest_nodes, settings.young_modulus_mpa
            ),
            border_stiffness_mpa_per_mm=_BORDER_STIFFNESS * settings.young_modulus_mpa,
        )
        self.stiffness = (elastic + self.attachments.matrix).tocsr()
        self.patch_nodes = np.zeros(0, dtype=np.int64) if collision is None else collision.patch_nodes
        coordinates = lattice_coordinates(space.hexes, space.cells, len(rest_nodes))
        self.factor = factorize(self.stiffness, coordinates, self.patch_nodes)
        self.contact = None
        if collision is not None:
            self.contact = Contact(
                collision,
                rest_nodes,
                settings.barrier_ratio * collision.diameter_mm,
                settings.barrier_stiffness * settings.young_modulus_mpa,
            )
        self.factor_uses = 0
        self.force_scale = self.elasticity.stress_scale
        self.rest_nodes = rest_nodes
        self._border_target = rest_nodes
        self._masses = nodal_masses(self.elasticity.volumes, space.fill, self.elasticity.hexes, len(rest_nodes))
        self._load = np.zeros_like(rest_nodes)

    def set_target(
        self,
        target_nodes: np.ndarray,
        pose: RigidPose,
        conditions: Conditions,
        actuation: np.ndarray | None = None,
    ) -> None:
        """Set actuation, boundary and load of a frame.

        Where the tissue is paralyzed A <- I + (1 - p) (A - I) (paper 001, figure 14; paper 002, figure 7),
        which leaves K as it is. The border, where the network stands for the tissue beyond, follows in the same way.

        Args:
            target_nodes: (N, 3) where the unimpaired actuation wants the nodes.
            pose: of the bones.
            conditions: gravity, paralysis, shift of the border.
            actuation: (E, 8, 3, 3) symmetric unimpaired actuation; None takes it from the target.
        """
        border = target_nodes
        if conditions.paralysis is not None:
            border = self.rest_nodes + (1.0 - conditions.paralysis)[:, None] * (target_nodes - self.rest_nodes)
        if conditions.border_shift is not None:
            border = border + conditions.border_shift
        activity = self.activity(conditions.paralysis)
        if actuation is None:
            self.elasticity.set_target(target_nodes, activity)
        else:
            self.elasticity.set_actuation(actuation, activity)
        self.attachments.set_bones(conditions.bone_shift)
        self.attachments.set_boundary(border, pose)
        self.force_scale = self.elasticity.stress_scale
        self._border_target = border
        self._load = self._masses[:, None] * np.asarray(conditions.gravity, dtype=np.float64)

    def activity(self, paralysis: np.ndarray | None) -> np.ndarray | None:
        """Return the share (E, 8) of the actuation that a paralysis (N,) leaves at the quadrature points."""
        if paralysis is None:
            return None
        return (1.0 - paralysis)[self.elasticity.hexes] @ shape_values(gauss_points()).T

    def set_pose(self, pose: RigidPose) -> None:
        """Move the bones, with the actuation and the rest of the boundary as they are."""
        self.attachments.set_boundary(self._border_target, pose)

    def _potential(self, nodes: np.ndarray) -> float:
        """Return the energy of the load in newton millimeter, which is 0 at rest."""
        return -float(np.vdot(self._load, nodes - self.rest_nodes))

    def energy(self, nodes: np.ndarray, surface: np.ndarray | None) -> float:
        """Return the total energy in newton millimeter at nodes (N, 3); surface is None without contact."""
        total = self.elasticity.energy(nodes) + self.attachments.energy_and_gradient(nodes)[0] + self._potential(nodes)
        return total if surface is None else total + self.contact.energy(surface)

    def expand(
        self,
        nodes: np.ndarray,
        surface: np.ndarray | None,
        obstacle_step: np.ndarray | None = None,
        *,
        curvature: bool = True,
    ) -> Expansion:
        """Return energy and gradient at nodes (N, 3), and keep the Hessian if curvature is wanted."""
        evaluate = self.elasticity.linearize if curvature else self.elasticity.energy_and_gradient
        energy, gradient = evaluate(nodes)
        spring_energy, spring_gradient = self.attachments.energy_and_gradient(nodes)
        energy += spring_energy + self._potential(nodes)
        gradient += spring_gradient
        gradient -= self._load
        if surface is None:
            return Expansion(energy, gradient, None)
        barrier = self.contact.expand(surface, obstacle_step)
        gradient[self.patch_nodes] += barrier.gradient
        return Expansion(energy + barrier.energy, gradient, barrier)

    def hessian_product(self, direction: np.ndarray, barrier: BarrierTerms | None) -> np.ndarray:
        """Return the Hessian at the last expansion times direction (N, 3)."""
        out = self.elasticity.hessian_product(direction)
        out += self.attachments.matrix @ direction
        if barrier is not None and len(barrier.active):
            nodes = self.patch_nodes[barrier.active]
            # Half of the matrix is read; its transpose, which is itself, is what BLAS takes without a copy.
            out[nodes] += blas.dsymv(1.0, barrier.hessian.T, direction[nodes].ravel()).reshape(-1, 3)
        return out

    def preconditioner(self, barrier: BarrierTerms | None) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that solves with K, plus the barrier's Hessian where there is contact."""
        correct = None
        if barrier is not None and len(barrier.active):
            correct = ContactSolution(self.factor.compliance, barrier)

        def solve(right: np.ndarray) -> np.ndarray:
            self.factor_uses += 1
            return self.factor.solve(right, correct)

        return solve
