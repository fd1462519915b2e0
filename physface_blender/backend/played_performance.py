"""A performance played by a character, frame after frame, with what is measured on the way.

Every frame is posed twice: with contact, which is the result, and without, for comparison. What is measured on a pose
does not come from the solver: intersections are counted by an independent counter in the coordinates that are handed
out, and the jaw's rigidity is read off the tissue's own attachment points.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..anatomy.embedding import Embedding
from ..anatomy.template import Template
from ..simulation.collision_geometry import LID_REGIONS
from ..simulation.intersections import IntersectionCount, count_intersections
from ..simulation.state import SimulationState, Status
from .character import NO_STYLE, Character
from .effects import NO_EFFECTS, Effects
from .face_geometry import EYE_PARTS, PosedFace
from .rigid_motion import apply, fit_rigid

COUNTED_REGIONS = ("upper_lip", "lower_lip", "inner_mouth")
"""The skin whose triangles are counted, with all of their corners in these regions."""


@dataclass(frozen=True)
class PlayedFrame:
    """What was measured on one frame.

    Attributes:
        index: in the performance.
        seconds: that posing with contact took, network and simulation.
        status: how the simulation ended.
        iterations: of the solver.
        residual: relative, of the solver.
        minimum_distance_mm: between colliding surfaces, by the solver.
        intersections: counted independently.
        intersections_without_contact: of the same expression simulated without contact.
        lid_intersections: of lids among each other and with the eyeballs, counted in the same way.
        lid_intersections_without_contact: the same without contact.
        jaw_attachment_error_mm: greatest distance of the tissue's attachment points on the mandible from where
            the rigid motion of the jaw takes them.
        skull_attachment_error_mm: greatest motion of the attachment points on the skull.
        lower_teeth_error_mm: greatest deviation of the posed lower teeth from a rigid motion.
    """

    index: int
    seconds: float
    status: Status
    iterations: int
    residual: float
    minimum_distance_mm: float
    intersections: IntersectionCount
    intersections_without_contact: IntersectionCount
    lid_intersections: int
    lid_intersections_without_contact: int
    jaw_attachment_error_mm: float
    skull_attachment_error_mm: float
    lower_teeth_error_mm: float


class PerformancePlayer:
    """Plays expressions on a character, each frame started from the one before."""

    def __init__(
        self,
        character: Character,
        template: Template,
        effects: Effects = NO_EFFECTS,
        style: Mapping[str, float] = NO_STYLE,
    ) -> None:
        """Prepare the measurements.

        Args:
            character: who plays.
            template: the one that the character is made from.
            effects: what acts on the face in every frame.
            style: what every frame is played in.
        """
        self._character = character
        self._effects = effects
        self._style = style
        skin = template.meshes["skin"]
        self._mouth, self._lids = (
            skin.triangles[_union(template, regions)[skin.triangles].all(axis=1)]
            for regions in (COUNTED_REGIONS, LID_REGIONS)
        )
        self._triangles = {part: template.meshes[part].triangles for part in ("upper_teeth", "lower_teeth", *EYE_PARTS)}

    def play(
        self, weights: npt.NDArray[np.float64], should_cancel: Callable[[], bool] | None = None
    ) -> Iterator[tuple[PosedFace, PlayedFrame]]:
        """Pose every frame in turn; ends early when it is cancelled, after the last whole frame.

        Args:
            weights: (T, 52) expressions.
            should_cancel: asked with every iteration of the solver.
        """
        start: SimulationState | None = None
        start_without: SimulationState | None = None
        for index, expression in enumerate(weights):
            began = time.perf_counter()
            posed = self._pose(expression, start, should_cancel)
            seconds = time.perf_counter() - began
            if posed.is_cancelled:
                return
            without = self._pose(expression, start_without, should_cancel, contact=False)
            if without.is_cancelled:
                return
            start, start_without = posed.state, without.state
            yield posed, self._measure(index, seconds, posed, without)

    def _pose(
        self,
        expression: npt.NDArray[np.float64],
        start: SimulationState | None,
        should_cancel: Callable[[], bool] | None,
        *,
        contact: bool = True,
    ) -> PosedFace:
        return self._character.pose(
            expression,
            style=self._style,
            effects=self._effects,
            contact=contact,
            start=start,
            should_cancel=should_cancel,
        )

    def count(self, posed: PosedFace) -> IntersectionCount:
        """Intersections among lips, inner mouth and teeth of a pose, in the precision of Blender's meshes."""
        return self._count(posed, self._mouth, ("upper_teeth", "lower_teeth"))

    def count_at_lids(self, posed: PosedFace) -> int:
        """Intersections of the lids with each other and with the eyeballs, in the same precision."""
        return self._count(posed, self._lids, EYE_PARTS).total

    def _count(self, posed: PosedFace, patch: npt.NDArray[np.int32], parts: tuple[str, str]) -> IntersectionCount:
        skin = posed.skin.astype(np.float32).astype(np.float64)
        rest = self._character.rest
        first, second = ((posed.vertices(rest, part), self._triangles[part]) for part in parts)
        return count_intersections(skin, patch, first, second)

    def _measure(self, index: int, seconds: float, posed: PosedFace, without: PosedFace) -> PlayedFrame:
        space, rest, result = self._character.space, self._character.rest, posed.result
        nodes = self._character.rest_shape.nodes
        mandible, skull = (each.apply(nodes) for each in (space.mandible_attachment, space.skull_attachment))
        lower_teeth = posed.vertices(rest, "lower_teeth")
        unmoved = posed.edited_rest.get("lower_teeth", rest.vertices["lower_teeth"])
        rigid = apply(fit_rigid(unmoved, lower_teeth), unmoved)
        return PlayedFrame(
            index=index,
            seconds=seconds,
            status=result.status,
            iterations=result.iterations,
            residual=result.residual,
            minimum_distance_mm=result.minimum_distance_mm,
            intersections=self.count(posed),
            intersections_without_contact=self.count(without),
            lid_intersections=self.count_at_lids(posed),
            lid_intersections_without_contact=self.count_at_lids(without),
            jaw_attachment_error_mm=_attachment_error(
                space.mandible_attachment, posed, posed.state.pose.on_mandible(mandible)
            ),
            skull_attachment_error_mm=_attachment_error(space.skull_attachment, posed, skull),
            lower_teeth_error_mm=float(np.linalg.norm(lower_teeth - rigid, axis=1).max()),
        )


def _attachment_error(attachment: Embedding, posed: PosedFace, wanted: npt.NDArray[np.float64]) -> float:
    """Greatest distance, mm, between attached tissue and the place (P, 3) of its bone."""
    return float(np.linalg.norm(attachment.apply(posed.state.positions) - wanted, axis=1).max())


def _union(template: Template, regions: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """The skin vertices (V,) in any of some regions."""
    return np.maximum.reduce([template.regions[region] for region in regions]) > 0.5
