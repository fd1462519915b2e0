"""Faces that are made and played while a clock runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..backend.assets import FaceAssets, SharedSpace
from ..backend.character import Character, CharacterSettings
from ..backend.effects import Effects
from ..backend.identity import Identity
from ..backend.rest_shape import RestShape
from ..simulation.conditions import Conditions
from ..simulation.settings import SimulationSettings
from ..simulation.state import SimulationState, Status
from ..simulation.tissue import Tissue

SEED = 1
"""The identity that is measured; the mean face would not need a repair of its rest shape."""
EFFECTS = Effects(friction=0.3)
"""What acts in every frame; without contact nothing."""


@dataclass(frozen=True)
class FrameTimes:
    """How long frames took, each started from the one before.

    Attributes:
        seconds: (T,) of every pose, network and simulation.
        solver_seconds: (T,) of the simulation alone; empty without physics.
        iterations: (T,) of the simulation; empty without physics.
        residuals: (T,) relative residuals at which the simulation stopped; empty without physics.
        starts: (T,) states that the frames were started from; empty without physics.
        states: (T,) states that they ended in; empty without physics.
        unconverged: frames that did not converge.
    """

    seconds: tuple[float, ...]
    solver_seconds: tuple[float, ...]
    iterations: tuple[int, ...]
    residuals: tuple[float, ...]
    starts: tuple[SimulationState, ...]
    states: tuple[SimulationState, ...]
    unconverged: int

    def median(self) -> float:
        """Return the median of the seconds."""
        return float(np.median(self.seconds))

    def details(self) -> dict[str, float]:
        """Return what goes into the file beside the median."""
        details = {
            "frames": len(self.seconds),
            "median_s": self.median(),
            "mean_s": float(np.mean(self.seconds)),
            "slowest_tenth_s": float(np.percentile(self.seconds, 90)),
        }
        if self.solver_seconds:
            details["solver_median_s"] = float(np.median(self.solver_seconds))
            details["iterations_median"] = float(np.median(self.iterations))
            details["iterations_most"] = max(self.iterations)
            details["not_converged"] = self.unconverged
        return details


def make_face(resolution_mm: float, cache: Path | None, threads: int) -> tuple[float, FaceAssets, Character]:
    """Make a character from the files on disk, simulator and factor included.

    Args:
        resolution_mm: edge of the hexahedra.
        cache: folder of what is kept; None keeps nothing.
        threads: of network and simulator.

    Returns:
        Seconds until the first pose (that of rest) was there, what all characters share, and the character.
    """
    started = time.perf_counter()
    assets = FaceAssets.load(thread_count=threads)
    settings = CharacterSettings(resolution_mm=resolution_mm, simulation=SimulationSettings(threads=threads))
    character = Character(Identity.from_seed(SEED), settings, cache_directory=cache, assets=assets)
    character.pose(np.zeros(52))
    return time.perf_counter() - started, assets, character


def play(
    character: Character,
    stretches: list[np.ndarray],
    *,
    physics: bool = True,
    contact: bool = True,
    tolerance_mm: float | None = None,
) -> FrameTimes:
    """Pose expressions one after the other, with friction where they touch.

    Args:
        character: who is posed.
        stretches: (T + 1, 52) each; the first is not measured, the others start from the one before.
        physics: whether the tissue is simulated.
        contact: whether surfaces collide.
        tolerance_mm: of the solver; None for that of a bake.
    """
    seconds, results, starts, states = [], [], [], []
    for weights in stretches:
        state = character.pose(weights[0], effects=EFFECTS, physics=physics, contact=contact).state
        for row in weights[1:]:
            started = time.perf_counter()
            face = character.pose(
                row, effects=EFFECTS, physics=physics, contact=contact, start=state, tolerance_mm=tolerance_mm
            )
            seconds.append(time.perf_counter() - started)
            if physics:
                results.append(face.result)
                starts.append(state)
                states.append(face.state)
            state = face.state
    return FrameTimes(
        seconds=tuple(seconds),
        solver_seconds=tuple(result.seconds for result in results),
        iterations=tuple(result.iterations for result in results),
        residuals=tuple(result.residual for result in results),
        starts=tuple(starts),
        states=tuple(states),
        unconverged=sum(result.status is not Status.CONVERGED for result in results),
    )


def make_tissue(shared: SharedSpace, rest: RestShape, settings: CharacterSettings) -> Tissue:
    """Return energies and factor of a character apart from its simulator, with the same root.

    Args:
        shared: the character's space.
        rest: its rest shape.
        settings: its settings.
    """
    return Tissue(shared.space, rest.nodes, rest.collision, settings.simulation, shared.lining)


def set_frame(
    tissue: Tissue, start: SimulationState | None, state: SimulationState, actuation: np.ndarray | None = None
) -> np.ndarray:
    """Give a tissue the frame that ended in a state; return the pose (N, 3) from which the product begins it.

    Args:
        tissue: of the same character.
        start: state of the frame before; None where there was none.
        state: of the frame.
        actuation: (E, 8, 3, 3) other tensors than those of the target; None for these.
    """
    tissue.set_target(state.target_nodes, state.pose, Conditions(), actuation)
    if start is None:
        return state.target_nodes
    return state.target_nodes + start.positions - start.target_nodes
