"""Characters simulated at one resolution after another, their skins kept so that a stopped evaluation goes on."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..anatomy.array_store import read_arrays, write_arrays
from ..backend.assets import FaceAssets
from ..backend.character import Character, CharacterSettings
from ..backend.identity import Identity
from ..fitting.parameters import FaceParameters
from ..simulation.settings import SimulationSettings
from ..simulation.state import Status


@dataclass(frozen=True)
class Simulation:
    """How frames are simulated.

    Attributes:
        resolution_mm: edge of the hexahedra.
        contact: whether surfaces collide; the paper's tables are without.
    """

    resolution_mm: float
    contact: bool = False


class SimulatedFaces:
    """Simulates frames and keeps their skins.

    Args:
        assets: template and model.
        folder: where skins are kept, by what they depend on.
        cache: of material spaces and rest shapes.
        threads: of the simulator.
        tell: told what is done next.
    """

    def __init__(
        self, assets: FaceAssets, folder: Path, cache: Path, threads: int, tell: Callable[[str], None]
    ) -> None:
        self._assets, self._folder, self._cache, self._threads, self._tell = assets, folder, cache, threads, tell

    def skins(
        self, frames: Sequence[FaceParameters], simulation: Simulation, name: str
    ) -> tuple[list[np.ndarray], int]:
        """The skins (V, 3) of frames, each simulated from rest, and how many of them did not converge.

        Args:
            frames: frames of one identity that follow each other share one character.
            simulation: how.
            name: of the set, for the messages.
        """
        skins: list[np.ndarray] = []
        unconverged, first = 0, 0
        while first < len(frames):
            identity, last = frames[first].identity, first + 1
            while last < len(frames) and np.array_equal(frames[last].identity, identity):
                last += 1
            self._tell(f"{name}, {simulation.resolution_mm:g} mm: frame {first + 1} of {len(frames)}")
            found, failed = self._of_identity(identity, [each.expression for each in frames[first:last]], simulation)
            skins += list(found)
            unconverged += failed
            first = last
        return skins, unconverged

    def _of_identity(
        self, identity: np.ndarray, expressions: list[np.ndarray], simulation: Simulation
    ) -> tuple[np.ndarray, int]:
        digest = hashlib.sha256(self._assets.model_hash.encode())
        for array in (identity, *expressions):
            digest.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
        digest.update(f"{simulation.resolution_mm:g} {simulation.contact}".encode())
        path = self._folder / f"skins_{digest.hexdigest()[:24]}.npz"
        kept = read_arrays(path)
        if kept is not None and {"skins", "unconverged"} <= set(kept):
            return kept["skins"], int(kept["unconverged"])
        gc.collect()  # two factors at once would take twice the memory
        settings = CharacterSettings(
            resolution_mm=simulation.resolution_mm, simulation=SimulationSettings(threads=self._threads)
        )
        character = Character(Identity(identity), settings, cache_directory=self._cache, assets=self._assets)
        posed = [character.pose(expression, contact=simulation.contact) for expression in expressions]
        skins = np.stack([face.skin for face in posed])
        unconverged = sum(face.result.status is not Status.CONVERGED for face in posed)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_arrays(path, {"skins": skins, "unconverged": np.array(unconverged)})
        return skins, unconverged
