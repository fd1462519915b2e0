# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in, replies out: the characters of a session and the states that frames start from. No transport here."""

import math
import os
import platform
import re
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import messages
from .cache_folder import trim
from .errors import (
    BackendError,
    CharacterCancelled,
    DependencyError,
    SettingsError,
    StartStateLostError,
    UnknownCharacterError,
)
from .settings import LIVE_INTERVAL_SECONDS, BackendSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..simulation.state import SimulationState
    from .assets import FaceAssets
    from .bound_mesh import BoundMesh
    from .character import Character, CharacterSettings, PosedFace
    from .effects import Effects

KEPT_STATES = 8
PROGRESS_INTERVAL_SECONDS = 0.1
STEPS_BEFORE_LEAVING = 1
"""Steps of the solver that a live pose takes before a newer one may go on from there."""
PACKAGE_NAME = __name__.removesuffix(".backend.service")
REPORTED_LIBRARIES = ("numpy", "scipy", "torch", "numba", "ipctk", "safetensors")


class Service:
    """Serves the requests of one client, one at a time.

    The numerics are imported with the first use, so that a Python without torch still answers ``Ping`` and says what
    is missing.
    """

    def __init__(
        self,
        settings: BackendSettings,
        send: Callable[[messages.Reply], None],
        should_cancel: Callable[[int], bool],
        is_outdated: Callable[[messages.PoseLive], bool] = lambda _request: False,
    ) -> None:
        """Serve with these settings.

        Args:
            settings: threads, folders and files.
            send: takes every reply.
            should_cancel: whether the request of a serial number was cancelled; asked often.
            is_outdated: whether a newer live pose of the same character waits; asked often.
        """
        self._settings = settings
        self._send = send
        self._should_cancel = should_cancel
        self._is_outdated = is_outdated
        self._assets: FaceAssets | None = None
        self._characters: dict[str, Character] = {}
        self._bound: dict[str, BoundMesh] = {}
        self._live_states: dict[str, SimulationState] = {}
        self._frame_states: dict[str, OrderedDict[int, SimulationState | None]] = {}
        self._has_simulated = False
        self._began = time.time()

    def warm_up(self) -> None:
        """Import the numerics, so that the first character comes sooner; a failure is reported with its first use."""
        try:
            self._import_numerics()
        except Exception:  # noqa: BLE001 - into the worker's log now, into a reply when it matters
            traceback.print_exc()

    def handle(self, request: messages.Request) -> None:
        """Serve one request: sends its replies, the last one always."""
        try:
            match request:
                case messages.Ping():
                    self._send(self.status(request.serial))
                case messages.CreateCharacter():
                    self._create(request)
                case messages.FitScan():
                    self._fit_scan(request)
                case messages.BindPart():
                    self._bind_part(request)
                case messages.BindMesh():
                    self._bind_mesh(request)
                case messages.FitPhoto():
                    self._fit_photo(request)
                case messages.LearnStyle():
                    self._learn_style(request)
                case messages.SolvePerformance():
                    self._solve_performance(request)
                case messages.DropCharacter():
                    self._forget(request.character)
                    self._send(messages.CharacterDropped(serial=request.serial, character=request.character))
                case messages.PoseLive():
                    self._pose_live(request)
                case messages.PoseFrame():
                    self._pose_frame(request)
                case _:
                    raise SettingsError(f"The backend does not serve {type(request).__name__} requests.")
        except CharacterCancelled:
            self._send(messages.Cancelled(serial=request.serial))
        except Exception as error:  # noqa: BLE001 - every request gets its last reply
            self._send(_failed(request, error))

    def status(self, serial: int = 0) -> messages.Status:
        """What this backend is."""
        versions = {"python": platform.python_version()}
        for name in REPORTED_LIBRARIES:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                continue
        return messages.Status(
            serial=serial,
            versions=versions,
            python=sys.executable,
            thread_count=self._settings.thread_count,
            process_id=os.getpid(),
            characters=tuple(self._characters),
        )

    def _import_numerics(self) -> Any:
        try:
            import ipctk  # noqa: F401 - imported to see whether it loads
            import numba
            import safetensors  # noqa: F401
            import scipy  # noqa: F401
            import torch
        except (ImportError, OSError) as error:
            raise DependencyError(
                f"The Python of the backend ({sys.executable}, {platform.python_version()}) cannot load a library "
                f"it needs: {error}. Choose a Python that has it in the preferences, or install the extension with its "
                "libraries."
            ) from error
        from . import assets, character

        torch.set_num_threads(1)  # the fields are evaluated by our own threads, see ``FoldedEvaluator``
        numba.set_num_threads(min(self._settings.thread_count, numba.config.NUMBA_NUM_THREADS))
        return assets, character

    def _create(self, request: messages.CreateCharacter) -> None:
        started = time.perf_counter()
        assets_module, character_module = self._import_numerics()
        from .identity import Identity
        from .identity_file import load_identity

        identity = load_identity(Path(request.identity_file)) if request.identity_file else Identity(request.identity)
        settings = self._character_settings(request)
        character = character_module.Character(
            identity,
            settings,
            cache_directory=self._settings.cache_directory,
            progress=self._progress(request),
            assets=self._loaded_assets(assets_module),
        )
        self._forget(request.character)
        self._characters[request.character] = character
        if self._settings.cache_megabytes:
            trim(self._settings.cache_directory, self._settings.cache_megabytes, self._began)
        self._send(
            messages.CharacterReady(
                serial=request.serial,
                character=request.character,
                seconds=time.perf_counter() - started,
                hex_count=len(character.space.hexes),
                arrays=_rest_arrays(character),
            )
        )

    def _fit_scan(self, request: messages.FitScan) -> None:
        started = time.perf_counter()
        assets_module, _ = self._import_numerics()
        import numpy as np

        from .fitted_character import ScanRequest, fit_character
        from .identity_file import save_identity

        landmarks = None
        if request.landmarks:
            landmarks = np.array([[np.nan] * 3 if point is None else point for point in request.landmarks], dtype=float)
            if landmarks.shape != (68, 3):
                raise SettingsError(f"The landmarks of a scan are 68 points; they came with shape {landmarks.shape}.")
        wanted = ScanRequest(
            path=Path(request.path),
            landmarks=landmarks,
            mirror=request.mirror,
            at_rest=request.at_rest,
            bind=request.bind,
            parts={kind: Path(path) for kind, path in request.parts.items()},
        )
        made = fit_character(
            wanted,
            self._loaded_assets(assets_module),
            self._character_settings(request),
            self._settings.cache_directory,
            self._progress(request),
        )
        if request.identity_file:
            save_identity(Path(request.identity_file), made.identity)
        self._forget(request.character)
        self._characters[request.character] = made.character
        if made.bound is not None:
            self._bound[request.character] = made.bound
        distances = made.distances
        arrays = {"distances": distances, "scan_to_model": made.fitted.to_model}
        self._send(
            messages.ScanFitted(
                serial=request.serial,
                character=request.character,
                seconds=time.perf_counter() - started,
                hex_count=len(made.character.space.hexes),
                identity=tuple(made.identity.coefficients.tolist()),
                expression=tuple(made.fitted.parameters.expression.tolist()),
                unit=made.fitted.unit,
                mean_distance_mm=float(np.nanmean(distances[made.fitter.points.face])),
                residual_share=made.residual_share,
                was_inside_out=made.fitted.was_inside_out,
                arrays=_rest_arrays(made.character) | arrays,
            )
        )

    def _bind_mesh(self, request: messages.BindMesh) -> None:
        character = self._character(request.character)
        self._import_numerics()
        from .fitted_character import bind_at_rest

        self._bound[request.character] = bind_at_rest(
            Path(request.path), character, _place(request), mirror=request.mirror
        )
        self._send(messages.MeshBound(serial=request.serial, character=request.character))

    def _bind_part(self, request: messages.BindPart) -> None:
        character, bound = self._character(request.character), self._bound.get(request.character)
        from .bound_mesh import PART_KINDS, read_in_frame

        if bound is None:
            raise SettingsError("No mesh rides on this character yet; bind the head before its parts.")
        if request.kind not in PART_KINDS or not request.name or request.name == "head":
            raise SettingsError(
                f"A part has a name that is not 'head', and a kind of {', '.join(PART_KINDS)}; this one is named "
                f"{request.name!r} and of the kind {request.kind!r}."
            )
        place = _place(request)
        mesh = read_in_frame(Path(request.path), place, mirror=bound.is_mirrored)
        self._bound[request.character] = bound.with_part(request.name, request.kind, mesh, character.rest, place)
        self._send(messages.MeshBound(serial=request.serial, character=request.character))

    def _fit_photo(self, request: messages.FitPhoto) -> None:
        started = time.perf_counter()
        assets_module, character_module = self._import_numerics()
        from .fitted_photo import fit_landmarks
        from .identity import Identity

        assets, progress = self._loaded_assets(assets_module), self._progress(request)
        settings, cache = self._character_settings(request), self._settings.cache_directory
        fit = fit_landmarks(request.landmarks, request.size, assets, settings.resolution_mm, cache, progress)
        character = character_module.Character(
            Identity(fit.parameters.identity), settings, cache_directory=cache, progress=progress, assets=assets
        )
        self._forget(request.character)
        self._characters[request.character] = character
        self._send(
            messages.PhotoFitted(
                serial=request.serial,
                character=request.character,
                seconds=time.perf_counter() - started,
                identity=tuple(fit.parameters.identity.tolist()),
                expression=tuple(fit.parameters.expression.tolist()),
                error_pixels=fit.error_pixels,
                arrays=_rest_arrays(character) | {"landmarks": fit.landmarks},
            )
        )

    def _learn_style(self, request: messages.LearnStyle) -> None:
        started = time.perf_counter()
        assets_module, _ = self._import_numerics()
        from .learned_style import learn_style

        assets = self._loaded_assets(assets_module)
        parting = assets.space(request.resolution_mm, self._settings.cache_directory).skin_parting
        style_file = Path(request.style_file)
        actor = learn_style(Path(request.actor_file), style_file, assets, parting, self._progress(request))
        assets.style.forget_files()
        self._send(
            messages.StyleLearned(
                serial=request.serial,
                style_file=request.style_file,
                actor=actor,
                seconds=time.perf_counter() - started,
            )
        )

    def _solve_performance(self, request: messages.SolvePerformance) -> None:
        started = time.perf_counter()
        assets_module, _ = self._import_numerics()
        from .solved_performance import read_frames, solve_performance

        source = read_frames(request.capture_file, request.files)
        assets = self._loaded_assets(assets_module)
        parting = assets.space(request.resolution_mm, self._settings.cache_directory).skin_parting
        solved = solve_performance(source, assets, parting, self._progress(request))
        self._send(
            messages.PerformanceSolved(
                serial=request.serial,
                name=source.name,
                seconds=time.perf_counter() - started,
                arrays={"weights": solved.weights, "errors": solved.errors},
            )
        )

    def _loaded_assets(self, assets_module: Any) -> "FaceAssets":
        if self._assets is None:
            self._assets = assets_module.FaceAssets.load(
                self._settings.template_path, self._settings.weights_path, self._settings.thread_count
            )
        return self._assets

    def _progress(self, request: messages.Request) -> Callable[[float, str], bool]:
        """Sends the progress of a request, not too often; False once it is cancelled."""
        last_sent = 0.0

        def progress(fraction: float, sentence: str) -> bool:
            nonlocal last_sent
            now = time.perf_counter()
            if now - last_sent >= PROGRESS_INTERVAL_SECONDS:
                last_sent = now
                self._send(messages.Progress(serial=request.serial, fraction=float(fraction), sentence=sentence))
            return not self._should_cancel(request.serial)

        return progress

    def _character_settings(
        self, request: messages.CreateCharacter | messages.FitScan | messages.FitPhoto
    ) -> "CharacterSettings":
        from ..simulation.settings import Method, SimulationSettings
        from .character import CharacterSettings

        if isinstance(request, messages.FitPhoto):
            return CharacterSettings(request.resolution_mm)
        known = {entry.name for entry in fields(SimulationSettings)}
        unknown = sorted(set(request.simulation) - known)
        if unknown:
            raise SettingsError(
                f"There is no simulation setting {', '.join(unknown)}; there are {', '.join(sorted(known))}."
            )
        values = dict(request.simulation)
        try:
            if "method" in values:
                values["method"] = Method(values["method"])
            return CharacterSettings(request.resolution_mm, SimulationSettings(**values))
        except (TypeError, ValueError) as error:
            raise SettingsError(f"The character's settings cannot be used: {error}") from error

    def _pose_live(self, request: messages.PoseLive) -> None:
        started = time.perf_counter()
        character = self._character(request.character)
        effects = self._effects(request)
        self._announce_preparation(request, character, effects)
        start = self._live_states.pop(request.character, None)  # after an error the next pose starts at rest
        bound = self._bound.get(request.character)
        count, last_sent = 0, -math.inf

        def show(face: "PosedFace") -> None:
            nonlocal count, last_sent
            count += 1
            now = time.perf_counter()
            if now - last_sent >= LIVE_INTERVAL_SECONDS:
                last_sent = now
                self._send(_posed(request, None, face, bound, started))

        def should_stop() -> bool:
            # One step of the solver at least: poses that are only carried along would pile up what is off in each.
            is_left = count > STEPS_BEFORE_LEAVING and self._is_outdated(request)
            return is_left or self._should_cancel(request.serial)

        posed = character.pose(
            request.expression,
            effects=effects,
            style=request.style,
            physics=request.physics,
            contact=request.contact,
            start=start,
            should_cancel=should_stop,
            on_way=show,
        )
        is_cancelled = posed.is_cancelled and self._should_cancel(request.serial)
        state = start if is_cancelled or posed.state is None else posed.state
        if state is not None:
            self._live_states[request.character] = state
        if is_cancelled:
            self._send(messages.Cancelled(serial=request.serial))
        elif posed.is_cancelled:
            self._send(messages.Superseded(serial=request.serial))
        else:
            self._send(_posed(request, None, posed, bound, started))

    def _pose_frame(self, request: messages.PoseFrame) -> None:
        started = time.perf_counter()
        character = self._character(request.character)
        states = self._frame_states[request.character]
        if request.start_serial is not None and request.start_serial not in states:
            raise StartStateLostError(
                f"Frame {request.frame} was to start from a frame that the backend does not hold any more; "
                "start it from the rest shape or bake the frames before it again."
            )
        effects = self._effects(request)
        self._announce_preparation(request, character, effects)
        posed = character.pose(
            request.expression,
            effects=effects,
            style=request.style,
            physics=request.physics,
            contact=request.contact,
            start=states.get(request.start_serial),
            should_cancel=lambda: self._should_cancel(request.serial),
        )
        if posed.is_cancelled:
            self._send(messages.Cancelled(serial=request.serial))
            return
        states[request.serial] = posed.state
        while len(states) > KEPT_STATES:
            states.popitem(last=False)
        self._send(_posed(request, request.frame, posed, self._bound.get(request.character), started))

    def _announce_preparation(
        self, request: messages.PoseLive | messages.PoseFrame, character: "Character", effects: "Effects"
    ) -> None:
        """Say why a pose takes long: the first one's kernels may have to be compiled, once per installation."""
        if request.physics and not character.is_prepared_for(effects):
            sentence = "Preparing the simulation"
            if not self._has_simulated:
                sentence += "; the first time after installing this takes a minute or two."
            self._has_simulated = True
            self._send(messages.Progress(serial=request.serial, fraction=0.0, sentence=sentence))

    @staticmethod
    def _effects(request: messages.PoseLive | messages.PoseFrame) -> "Effects":
        from .effects import Effects

        return Effects.of(request.effects)

    def _character(self, name: str) -> "Character":
        if name not in self._characters:
            raise UnknownCharacterError(f"The backend holds no character {name!r}; create it first.")
        return self._characters[name]

    def _forget(self, name: str) -> None:
        self._characters.pop(name, None)
        self._bound.pop(name, None)
        self._live_states.pop(name, None)
        self._frame_states[name] = OrderedDict()


def _rest_arrays(character: "Character") -> dict[str, Any]:
    """The shapes of a character at rest, as ``CharacterReady`` holds them."""
    centers = {f"{part}_center": center for part, center in character.rest.eye_centers.items()}
    return dict(character.rest.vertices) | centers


def _place(request: messages.BindMesh | messages.BindPart) -> "npt.NDArray[np.float64]":
    """The matrix (4, 4) of a request.

    Raises:
        SettingsError: it is none.
    """
    import numpy as np

    place = np.array(request.to_model, dtype=np.float64)
    if place.shape != (16,) or not np.isfinite(place).all() or abs(np.linalg.det(place.reshape(4, 4))) < 1e-12:
        raise SettingsError("The place of a mesh on a character is a matrix of 16 finite numbers with an inverse.")
    return place.reshape(4, 4)


def _posed(
    request: messages.PoseLive | messages.PoseFrame,
    frame: int | None,
    posed: "PosedFace",
    bound: "BoundMesh | None",
    started: float,
) -> messages.Posed:
    """The reply for a posed face."""
    result = posed.result
    arrays = {
        "skin": posed.skin,
        "lashes": posed.lashes,
        "jaw": posed.jaw,
        "eye_left": posed.eye_left,
        "eye_right": posed.eye_right,
    } | {f"rest_{part}": vertices for part, vertices in posed.edited_rest.items()}
    if bound is not None:
        arrays |= {f"bound_{name}": vertices for name, vertices in bound.posed_as_it_came(posed).items()}
    seconds = time.perf_counter() - started
    if result is None:
        is_simulated = posed.state is not None
        return messages.Posed(
            serial=request.serial,
            character=request.character,
            frame=frame,
            status=messages.UNDER_WAY if is_simulated else "network",
            sentence="The simulation is under way." if is_simulated else "Moved by the network alone.",
            seconds=seconds,
            arrays=arrays,
        )
    return messages.Posed(
        serial=request.serial,
        character=request.character,
        frame=frame,
        status=result.status.name.lower(),
        sentence=str(result.status.value),
        iterations=int(result.iterations),
        residual=float(result.residual),
        seconds=seconds,
        minimum_distance_mm=float(result.minimum_distance_mm),
        arrays=arrays,
    )


def _failed(request: messages.Request, error: Exception) -> messages.Failed:
    """The reply for an exception.

    Exceptions of this package carry a sentence for the user; of any other the whole traceback goes to the log.
    """
    if isinstance(error, BackendError):
        return messages.Failed(serial=request.serial, kind=error.kind, sentence=str(error))
    if type(error).__module__.startswith(PACKAGE_NAME + "."):
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).lower()
        return messages.Failed(serial=request.serial, kind=kind, sentence=str(error))
    traceback.print_exc()
    return messages.Failed(
        serial=request.serial,
        kind="internal",
        sentence=(
            f"The backend met an error it did not expect ({type(error).__name__}: {error}). "
            "Please report it with the log."
        ),
        details=traceback.format_exc(),
    )
