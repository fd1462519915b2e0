"""The simulator: a target for the tissue and a pose of the jaw in, a pose free of intersections out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numba
import numpy as np

from .collision_geometry import CollisionGeometry
from .conditions import Conditions, ConditionsError
from .membrane import Membrane
from .obstacle import REST_POSE, PoseMotion, RigidPose
from .reconciliation import Reconciliation
from .rigid_motion import is_rigid
from .settings import Method, SettingsError, SimulationSettings
from .solver import Minimizer, Progress
from .state import SimulationResult, SimulationState, Status
from .tissue import Tissue

if TYPE_CHECKING:
    from ..anatomy.material_space import MaterialSpace

__all__ = [
    "CollisionGeometry",
    "Conditions",
    "ConditionsError",
    "Method",
    "SettingsError",
    "SimulationInputError",
    "SimulationResult",
    "SimulationSettings",
    "SimulationState",
    "Simulator",
    "Status",
]

_FARTHEST_MM = 200.0
"""A target that moves a node, or a bone the middle of the face, farther than this from rest is no expression."""
_STRONGEST_STRETCH = 20.0
"""Actuation beyond this is no muscle's."""
_LARGEST_TURN_DEGREES = 5.0
"""A jaw that turns farther from one frame to the next is followed in steps: tissue moves on straight lines while the
jaw turns, and over 5 degrees the two differ by a tenth of a millimeter at the lips."""
_PASSING_TOLERANCE_MM = 0.3
"""Convergence of the steps on the way."""


class SimulationInputError(ValueError):
    """What was to be simulated makes no sense; nothing was solved."""


class Simulator:
    """The soft tissue of one character at one resolution.

    Args:
        space: hexes, attachments and embeddings.
        rest_nodes: (N, 3) nodes of the character at rest, millimeters; those of the membrane included.
        collision: colliding surfaces, free of intersection at rest (see `rest_repair`), or None for no contact at all.
        settings: stiffnesses, method, tolerances.
        membrane: skin without tissue behind it, whose nodes come after those of the space; or None.
        stiffness: (E,) multiples of Young's modulus above zero, one for each cell; None for 1 everywhere. Actuation
            that is consistent with the discretization has its minimum where the target is, whatever the weights: a
            scale is seen only where gravity, contact, paralysis or bones hold the tissue away from there.

    Attributes:
        rest: the state at rest.

    Raises:
        SimulationInputError: if the rest nodes do not fit the space or are not finite, or if surfaces intersect at
            rest.
        RestShapeError: if cells have no volume at rest.
        FactorizationError: if the stiffness matrix is singular.
    """

    def __init__(
        self,
        space: MaterialSpace,
        rest_nodes: np.ndarray,
        *,
        collision: CollisionGeometry | None = None,
        settings: SimulationSettings | None = None,
        membrane: Membrane | None = None,
        stiffness: np.ndarray | None = None,
    ) -> None:
        self.settings = settings or SimulationSettings()
        self.space = space
        self._node_count = len(space.node_positions) + (0 if membrane is None else len(membrane.vertices))
        rest_nodes = self._checked_nodes(rest_nodes, "rest")
        self.collision = collision
        if stiffness is not None and (np.shape(stiffness) != (len(space.hexes),) or not _is_positive(stiffness)):
            raise SimulationInputError(
                f"The stiffness must be one finite number above zero for each of the {len(space.hexes)} cells."
            )
        self._tissue = Tissue(space, rest_nodes, collision, self.settings, membrane, stiffness)
        self._skin_nodes = np.unique(space.skin.corners[space.skin.hexes >= 0])
        if not len(self._skin_nodes):
            self._skin_nodes = np.arange(self._node_count)
        if collision is not None and self._tissue.contact.intersects(rest_nodes, REST_POSE):
            raise SimulationInputError(
                "The skin intersects itself, the teeth or the eyes at rest; the rest shape must be repaired first."
            )
        self.rest = SimulationState(rest_nodes, rest_nodes, REST_POSE, collision_free=collision is not None)

    def solve(
        self,
        target_nodes: np.ndarray,
        jaw: np.ndarray,
        start: SimulationState | None = None,
        *,
        actuation: np.ndarray | None = None,
        eyes: tuple[np.ndarray, np.ndarray] | None = None,
        conditions: Conditions | None = None,
        contact: bool = True,
        tolerance_mm: float | None = None,
        should_cancel: Callable[[], bool] | None = None,
        on_way: Callable[[SimulationState], None] | None = None,
    ) -> SimulationResult:
        """Find the pose of the tissue for one frame.

        Args:
            target_nodes: (N, 3) where the actuation wants the nodes, millimeters.
            jaw: (4, 4) rigid transform of the mandible from rest.
            start: state of the frame before; its correction is carried over. None starts from rest.
            actuation: (E, 8, 3, 3) symmetric actuation tensors at the quadrature points, or (E, 3, 3) one for each cell,
                from a model that predicts these; then the target is where the solve begins and what the border
                follows. None takes them from the target.
            eyes: (4, 4) rigid transforms of the left and the right eyeball from rest; None leaves them there.
            conditions: gravity, friction, paralysis, an edited mandible; None for none of them.
            contact: whether surfaces collide; needs a simulator with collision geometry, and its setting `contact`.
            tolerance_mm: of this frame, above zero; None for that of the settings.
            should_cancel: polled in every iteration; the solve ends with the last state when it returns True, and from
                there another one may go on to wherever it likes.
            on_way: told the state before every iteration; with contact it is free of intersections, as the last one is.

        Returns:
            The pose with its status. With contact its state is free of intersections whatever the status; its
            pose is then the one that was reached.

        Raises:
            SimulationInputError: if the target, the actuation, the jaw or an eye is not finite, of another shape, not
                symmetric or rigid, or absurdly far away.
            ConditionsError: if the conditions make no sense.
            SettingsError: if the tolerance is none.
        """
        started = time.perf_counter()
        settings = self.settings if tolerance_mm is None else replace(self.settings, tolerance_mm=tolerance_mm)
        target_nodes = self._checked_nodes(target_nodes, "target")
        actuation = self._checked_actuation(actuation)
        conditions = conditions or Conditions()
        conditions.check(self._node_count)
        pose = RigidPose.of(
            self._checked_rigid(jaw, "jaw"),
            eyes and tuple(self._checked_rigid(eye, "eye") for eye in eyes),
            conditions.mandible,
        )
        if start is not None:
            self._checked_nodes(start.positions, "start")
            self._checked_nodes(start.target_nodes, "start")
        contact = contact and self.settings.contact and self._tissue.contact is not None
        begin = start or self.rest
        if contact and not begin.collision_free:
            # Surfaces may have passed through each other entirely, where no test for intersection would see it.
            begin = self.rest
        if self.settings.threads is not None:
            numba.set_num_threads(min(self.settings.threads, numba.config.NUMBA_NUM_THREADS))
        self._tissue.factor_uses = 0
        way = PoseMotion(begin.pose, pose) if contact else PoseMotion(pose, pose)
        correction = 0.0 if start is None else start.positions - start.target_nodes
        state = replace(begin, pose=way.at(0.0))
        steps = max(1, math.ceil(way.jaw_degrees / _LARGEST_TURN_DEGREES))
        iterations = 0
        for share in np.arange(1, steps + 1) / steps:
            # The target itself at the end, to the last digit.
            passed = target_nodes if share == 1.0 else begin.target_nodes + share * (target_nodes - begin.target_nodes)
            self._tissue.set_target(passed, way.at(share), conditions, actuation)
            # The whole target even where it is paralyzed: it moves with the jaw, and the correction does the rest.
            if contact:
                self._tissue.contact.begin_frame(
                    self.collision.surface(state.positions, state.pose), conditions.friction
                )
            accuracy = settings if share == 1.0 else replace(settings, tolerance_mm=_PASSING_TOLERANCE_MM)
            progress, state = self._step(
                state, passed, passed + correction, way.at(share), contact, accuracy, should_cancel, on_way
            )
            iterations += progress.iterations
            correction = state.positions - passed
            if progress.status is Status.CANCELLED:
                break
        return SimulationResult(
            state=state,
            status=progress.status,
            iterations=iterations,
            linear_iterations=self._tissue.factor_uses,
            residual=progress.residual / self._tissue.force_scale,
            step_mm=progress.step_mm,
            seconds=time.perf_counter() - started,
            minimum_distance_mm=self._minimum_distance(state) if contact else math.inf,
            energies=tuple(progress.energies),
        )

    def reconciliation(self, held: np.ndarray) -> Reconciliation:
        """Return what makes targets agree with the bones; held (V,) says which vertices of the skin stay in place."""
        return Reconciliation(self._tissue, self.space, held, self.settings.young_modulus_mpa)

    def _step(
        self,
        begin: SimulationState,
        target_nodes: np.ndarray,
        guess: np.ndarray,
        pose: RigidPose,
        contact: bool,
        settings: SimulationSettings,
        should_cancel: Callable[[], bool] | None,
        on_way: Callable[[SimulationState], None] | None,
    ) -> tuple[Progress, SimulationState]:
        """Minimize for the target (N, 3) and pose that the tissue was given; return how it went and where it ended."""
        motion = PoseMotion(begin.pose, pose)

        def state(nodes: np.ndarray, time: float) -> SimulationState:
            # A jaw that has gone half of its way has pulled the tissue half of the way to its target.
            met = target_nodes if time == 1.0 else begin.target_nodes + time * (target_nodes - begin.target_nodes)
            return SimulationState(nodes, met, motion.at(time), contact)

        tell = None if on_way is None else lambda nodes, time: on_way(state(nodes, time))
        minimizer = Minimizer(self._tissue, settings, motion, contact, self._skin_nodes, should_cancel, tell)
        progress = minimizer.run(begin.positions, guess)
        return progress, state(progress.nodes, progress.time)

    def _minimum_distance(self, state: SimulationState) -> float:
        """Return the smallest distance between colliding surfaces in a state, millimeters."""
        return self._tissue.contact.barrier.minimum_distance(self.collision.surface(state.positions, state.pose))

    def tissue_in(
        self, state: SimulationState, conditions: Conditions | None = None, actuation: np.ndarray | None = None
    ) -> Tissue:
        """Return the energies of the frame that ended in a state, friction left out; the next solve changes them.

        Args:
            state: of a solve of this simulator.
            conditions: those of the solve.
            actuation: that of the solve, (E, 8, 3, 3) or (E, 3, 3); None if it took it from the target.

        Raises:
            SimulationInputError: if the state or the actuation is not this character's.
            ConditionsError: if the conditions make no sense.
        """
        self._checked_nodes(state.positions, "reached")
        target_nodes = self._checked_nodes(state.target_nodes, "target")
        conditions = conditions or Conditions()
        conditions.check(self._node_count)
        self._tissue.set_target(target_nodes, state.pose, conditions, self._checked_actuation(actuation))
        if state.collision_free:
            self._tissue.contact.begin_frame(self.collision.surface(state.positions, state.pose), 0.0)
        return self._tissue

    def bone_slip(self, state: SimulationState) -> float:
        """Return the largest distance between tissue and its bone, mm, in a state of the frame last solved."""
        return self._tissue.attachments.slip(state.positions)

    def _checked_nodes(self, nodes: np.ndarray, name: str) -> np.ndarray:
        nodes = np.ascontiguousarray(nodes, dtype=np.float64)
        if nodes.shape != (self._node_count, 3):
            raise SimulationInputError(
                f"The {name} positions have the shape {nodes.shape}; this character has {self._node_count} nodes."
            )
        if not np.isfinite(nodes).all():
            raise SimulationInputError(f"The {name} positions hold numbers that are not finite.")
        rest = getattr(self, "rest", None)
        if rest is not None and np.abs(nodes - rest.positions).max() > _FARTHEST_MM:
            raise SimulationInputError(
                f"The {name} positions lie more than {_FARTHEST_MM:g} mm away from the face at rest."
            )
        return nodes

    def _checked_actuation(self, actuation: np.ndarray | None) -> np.ndarray | None:
        if actuation is None:
            return None
        actuation = np.asarray(actuation, dtype=np.float64)
        count = len(self.space.hexes)
        if actuation.shape == (count, 3, 3):
            actuation = np.broadcast_to(actuation[:, None], (count, 8, 3, 3))
        if actuation.shape != (count, 8, 3, 3):
            raise SimulationInputError(
                f"The actuation has the shape {actuation.shape}; this character has {count} cells with 8 points each."
            )
        if not np.isfinite(actuation).all() or np.abs(actuation).max() > _STRONGEST_STRETCH:
            raise SimulationInputError(
                f"The actuation holds numbers that are not finite or stretch tissue more than {_STRONGEST_STRETCH:g} times."
            )
        if np.abs(actuation - actuation.swapaxes(2, 3)).max() > 1e-6:
            raise SimulationInputError("The actuation tensors are not symmetric.")
        return actuation

    def _checked_rigid(self, transform: np.ndarray, name: str) -> np.ndarray:
        transform = np.ascontiguousarray(transform, dtype=np.float64)
        if transform.shape != (4, 4) or not np.isfinite(transform).all() or not is_rigid(transform):
            raise SimulationInputError(f"The pose of the {name} is not a rigid transform.")
        center = self.rest.positions.mean(axis=0)
        if np.linalg.norm(transform[:3, :3] @ center + transform[:3, 3] - center) > _FARTHEST_MM:
            raise SimulationInputError(f"The pose of the {name} lies more than {_FARTHEST_MM:g} mm away from rest.")
        return transform


def _is_positive(values: np.ndarray) -> bool:
    return bool((np.isfinite(values) & (np.asarray(values) > 0.0)).all())
