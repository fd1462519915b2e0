# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's session: an identity and settings in, a face in any expression out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..anatomy.material_space import RESOLUTION_RANGE_MM, MaterialSpace
from ..anatomy.template import Template
from ..fitting.residual_warp import ResidualWarp
from ..simulation.reconciliation import Reconciliation
from ..simulation.settings import SimulationSettings
from ..simulation.simulator import Simulator
from ..simulation.state import SimulationResult, SimulationState, Status
from .assets import FaceAssets
from .displacement_sampler import DisplacementSampler
from .effect_fields import AppliedEffects, EffectFields
from .effects import NO_EFFECTS, Effects
from .errors import CharacterCancelled, IdentityError, SettingsError
from .expression_input import validated_expression
from .eye_rotation import eye_rotation
from .face_geometry import EYE_PARTS, JAW_PARTS, FaceGeometry, PosedFace
from .identity import Identity
from .lash_pose import pose_lashes
from .rest_shape import RestShape, make_rest_shape
from .rigid_motion import Transform, fit_rigid
from .style_input import StyledField

JAW_SAMPLE_COUNT = 256
MANDIBLE_PARTING = -1.0
NO_STYLE: Mapping[str, float] = {}

Progress = Callable[[float, str], bool]
ShouldCancel = Callable[[], bool]


@dataclass(frozen=True)
class CharacterSettings:
    """How a character is simulated.

    Attributes:
        resolution_mm: edge of the hexahedra; 4 for the preview, 2 for a bake.
        simulation: the tissue and the solver.
    """

    resolution_mm: float = 4.0
    simulation: SimulationSettings = field(default_factory=SimulationSettings)

    def __post_init__(self) -> None:
        """Refuse a resolution without meaning.

        Raises:
            SettingsError: with a sentence.
        """
        low, high = RESOLUTION_RANGE_MM
        if not low <= self.resolution_mm <= high:
            raise SettingsError(f"The resolution is {self.resolution_mm:g} mm; allowed is {low:g} to {high:g} mm.")


class Character:
    """One person's face, ready to be posed.

    A pose depends on its arguments alone: a frame before it enters through ``start`` only. What only the simulation
    needs is made with the first pose that simulates.
    """

    def __init__(
        self,
        identity: Identity,
        settings: CharacterSettings | None = None,
        *,
        cache_directory: Path | None = None,
        progress: Progress | None = None,
        assets: FaceAssets | None = None,
    ) -> None:
        """Make a character.

        Args:
            identity: whose face.
            settings: resolution and simulation; the defaults when None.
            cache_directory: where material spaces and repaired rest shapes are kept; None keeps nothing.
            progress: told the share done, 0..1, and what is being done; False from it cancels.
            assets: template and model, when they are loaded already.

        Raises:
            TemplateError: the template cannot be used.
            WeightsError: the weights cannot be used.
            RestRepairError: the lips of this identity pass too far through each other or the teeth.
            IdentityError: the identity was fitted with another template.
            CharacterCancelled: ``progress`` said so.
        """
        tell = _cancelling(progress)
        tell(0.0, "Loading the Face")
        self.identity = identity
        self.settings = settings or CharacterSettings()
        self._assets = assets or FaceAssets.load()
        self._shared = self._assets.space(
            self.settings.resolution_mm, cache_directory, lambda share, text: tell(0.05 + 0.65 * share, text)
        )
        tell(0.7, "Shaping the Face")
        self._actor = self._assets.model.actor(identity.coefficients)
        residual = self._residual_warp(identity)
        self._rest = make_rest_shape(self._assets, self._shared, self._actor, cache_directory, residual)
        self._jaw_points = self._sample_mandible()
        self._jaw_rest = self._actor.rest(self._jaw_points)
        if residual is not None:
            self._jaw_rest += residual.displacement("mandible", self._jaw_points)
        self._skin_sampler: DisplacementSampler | None = None
        self._tissue_sampler: DisplacementSampler | None = None
        self._simulator: Simulator | None = None
        self._reconciliation: Reconciliation | None = None
        self._simulator_stiffness: tuple[float, tuple[float, ...]] | None = None
        self._effect_fields = EffectFields(self._assets.template, self._shared, self._rest)
        self._effects: Effects | None = None
        self._applied: AppliedEffects | None = None
        self._edited_rest: SimulationState | None = None
        tell(1.0, "Ready")

    @property
    def rest(self) -> FaceGeometry:
        """All parts at rest; the contact patch of the skin is free of intersections."""
        return self._rest.geometry

    @property
    def template(self) -> Template:
        """What all faces are made of."""
        return self._assets.template

    @property
    def space(self) -> MaterialSpace:
        """The hexahedra of the tissue, in canonical space."""
        return self._shared.space

    def is_prepared_for(self, effects: Effects) -> bool:
        """Whether there is a simulator for these effects; a pose that has to make one takes longer."""
        return self._simulator is not None and self._simulator_stiffness == _stiffness_of(effects)

    @property
    def rest_shape(self) -> RestShape:
        """The rest positions of the nodes and of everything embedded."""
        return self._rest

    def pose(
        self,
        expression: npt.ArrayLike,
        *,
        style: Mapping[str, float] = NO_STYLE,
        effects: Effects = NO_EFFECTS,
        physics: bool = True,
        contact: bool = True,
        start: SimulationState | None = None,
        tolerance_mm: float | None = None,
        should_cancel: ShouldCancel | None = None,
        on_way: Callable[[PosedFace], None] | None = None,
    ) -> PosedFace:
        """The face in an expression.

        Args:
            expression: (52,) ARKit weights, see ``validated_expression``.
            style: weights of the styles it is played in, see ``StyleInput.perform``.
            effects: gravity, stiffness, paralysis, an edited mandible (with physics only; the network knows none of
                them). Another stiffness makes another simulator, which takes about as long as the first one.
            physics: simulate the tissue; otherwise the network alone moves the skin.
            contact: lips, lining, lids, teeth and eyeballs collide (with physics only).
            start: the end state of the frame before; None starts at rest.
            tolerance_mm: what a further step of the solver may still move on the skin; None for that of the settings.
            should_cancel: asked with every iteration of the solver; True ends it.
            on_way: given the face before every iteration of the solver, free of intersections like the last one.

        Raises:
            ExpressionError: the expression is not 52 finite weights in range.
            StyleError: there is no such style, or its weight makes no sense.
            WeightsError: the styles cannot be used.
            EffectsError: what is painted does not fit the skin.
        """
        weights, styled = self._assets.style.perform(validated_expression(expression), style)
        if physics:
            effects.check_vertex_counts({part: len(vertices) for part, vertices in self.rest.vertices.items()})
            self._prepare(effects)
            return self._pose_simulated(weights, styled, contact, start, tolerance_mm, should_cancel, on_way)
        if self._skin_sampler is None:
            skin = self._assets.template.meshes["skin"].vertices
            self._skin_sampler = self._sampler(skin, self._shared.skin_parting)
        displacements = self._skin_sampler.displacements(weights, styled)
        count = len(self.rest.vertices["skin"])
        skin = self.rest.vertices["skin"] + displacements[:count]
        return self._posed(skin, self._jaw(displacements[count:]), self._eyes(weights))

    def _prepare(self, effects: Effects) -> None:
        """Make what only the simulation needs, for these effects."""
        shared = self._shared
        if self._tissue_sampler is None:
            skin = self._assets.template.meshes["skin"].vertices[shared.outside]
            points = np.concatenate([shared.node_positions, skin])
            parting = np.concatenate([shared.node_parting, shared.skin_parting[shared.outside]])
            self._tissue_sampler = self._sampler(points, parting)
        stiffness = _stiffness_of(effects)
        if self._simulator_stiffness != stiffness:
            settings = self.settings.simulation
            self._simulator = Simulator(
                shared.space,
                self._rest.nodes,
                collision=self._rest.collision,
                settings=replace(settings, young_modulus_mpa=effects.stiffness * settings.young_modulus_mpa),
                membrane=shared.lining,
                stiffness=self._effect_fields.cell_stiffness(effects),
            )
            outer = self._assets.template.regions["inner_mouth"] < 0.5
            self._reconciliation = self._simulator.reconciliation(outer)
            self._simulator_stiffness = stiffness
        if self._effects != effects:
            self._applied = self._effect_fields.applied(effects)
            self._edited_rest = None
            self._effects = effects

    def _pose_simulated(
        self,
        weights: npt.NDArray[np.float64],
        style: StyledField | None,
        contact: bool,
        start: SimulationState | None,
        tolerance_mm: float | None,
        should_cancel: ShouldCancel | None,
        on_way: Callable[[PosedFace], None] | None,
    ) -> PosedFace:
        applied = self._applied
        if start is None and applied.edits_bones:
            start = self._start_edited(should_cancel)
        nodes, outside, jaw = self._network_pose(weights, style)
        eyes = self._eyes(weights)

        def posed(state: SimulationState, result: SimulationResult | None = None) -> PosedFace:
            skin = self._rest.skin_with_nodes(self._shared, state.positions)
            skin[self._shared.outside] += applied.outside(outside)
            eyes = {"eye_left": state.pose.left_eye, "eye_right": state.pose.right_eye}
            return self._posed(skin, state.pose.jaw, eyes, state, result)

        result = self._simulator.solve(
            self._reconciliation.applied(nodes, jaw),
            jaw,
            start,
            eyes=(eyes["eye_left"], eyes["eye_right"]),
            conditions=applied.conditions,
            contact=contact,
            tolerance_mm=tolerance_mm,
            should_cancel=should_cancel,
            on_way=None if on_way is None else lambda state: on_way(posed(state)),
        )
        return posed(result.state, result)

    def network_nodes(self, expression: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Where the network alone has the nodes (N, 3) of the simulation, mm, before the bones have their say.

        Raises:
            ExpressionError: as in ``pose``.
        """
        self._prepare(NO_EFFECTS)
        return self._network_pose(validated_expression(expression), None)[0]

    def _network_pose(
        self, weights: npt.NDArray[np.float64], style: StyledField | None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Transform]:
        """The network's nodes (N, 3), the displacement (O, 3) of the skin beyond the tissue, and the jaw."""
        node_count, outside_count = len(self._shared.node_positions), len(self._shared.outside)
        displacements = self._tissue_sampler.displacements(weights, style)
        nodes, outside, mandible = np.split(displacements, [node_count, node_count + outside_count])
        return self._rest.nodes + nodes, outside, self._jaw(mandible)

    def _start_edited(self, should_cancel: ShouldCancel | None) -> SimulationState:
        """The rest state with the edited bones: they grow from their own shape to the other, tissue around them."""
        if self._edited_rest is None:
            conditions = self._applied.conditions
            result = self._simulator.solve(
                self._rest.nodes, np.eye(4), conditions=conditions, should_cancel=should_cancel
            )
            if result.status is Status.CANCELLED:
                return result.state
            self._edited_rest = result.state
        return self._edited_rest

    def _eyes(self, weights: npt.NDArray[np.float64]) -> dict[str, Transform]:
        """The rotation of each eyeball."""
        return {
            part: eye_rotation(part, self.rest.eye_centers[part], weights, self._assets.template.eye_look_degrees)
            for part in EYE_PARTS
        }

    def _posed(
        self,
        skin: npt.NDArray[np.float64],
        jaw: Transform,
        eyes: dict[str, Transform],
        state: SimulationState | None = None,
        result: SimulationResult | None = None,
    ) -> PosedFace:
        shape = None if state is None else state.pose.mandible
        return PosedFace(
            skin=skin,
            lashes=pose_lashes(
                self._assets.template.lash_binding,
                self.rest.vertices["lashes"],
                self.rest.vertices["skin"],
                skin,
                self.rest.eye_centers,
            ),
            jaw=jaw,
            edited_rest={} if shape is None else {part: shape.applied(self.rest.vertices[part]) for part in JAW_PARTS},
            state=state,
            result=result,
            is_cancelled=result is not None and result.status is Status.CANCELLED,
            **eyes,
        )

    def _sampler(self, points: npt.NDArray[np.float64], parting: npt.NDArray[np.float64]) -> DisplacementSampler:
        """A sampler at points (P, 3) and, after them, at those of the mandible."""
        side = np.full(len(self._jaw_points), MANDIBLE_PARTING)
        return DisplacementSampler(
            self._actor,
            np.concatenate([points, self._jaw_points]),
            np.concatenate([parting, side]),
            self._assets.evaluator,
        )

    def _residual_warp(self, identity: Identity) -> ResidualWarp | None:
        """What the residual of an identity does to its face."""
        if identity.residual is None:
            return None
        count = len(self._assets.template.meshes["skin"].vertices)
        if len(identity.residual) != count:
            raise IdentityError(
                f"The identity was fitted with a template of {len(identity.residual)} skin vertices; this one has "
                f"{count}. Fit it again."
            )
        return ResidualWarp.of(self._assets.template, identity.residual)

    def _sample_mandible(self) -> npt.NDArray[np.float64]:
        """Canonical points (J, 3) spread over the mandible."""
        vertices = self._assets.template.meshes["mandible"].vertices
        step = max(1, len(vertices) // JAW_SAMPLE_COUNT)
        return vertices[np.lexsort(vertices.T)][::step]

    def _jaw(self, displacements: npt.NDArray[np.float64]) -> Transform:
        """The rigid motion nearest to the network's motion (J, 3) of the mandible."""
        if not displacements.any():
            return np.eye(4)
        return fit_rigid(self._jaw_rest, self._jaw_rest + displacements)


def _stiffness_of(effects: Effects) -> tuple[float, tuple[float, ...]]:
    """What of the effects belongs to the simulator itself."""
    return effects.stiffness, effects.painted_stiffness


def _cancelling(progress: Progress | None) -> Callable[[float, str], None]:
    """A progress report that raises when it is told to cancel."""

    def tell(share: float, text: str) -> None:
        if progress is not None and not progress(share, text):
            raise CharacterCancelled("The making of the character was cancelled.")

    return tell
