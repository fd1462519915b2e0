# SPDX-License-Identifier: GPL-3.0-or-later
"""A character of a scan, and the scan itself riding on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..fitting.errors import FittingCancelled, FittingError
from ..fitting.residual_warp import ResidualWarp
from ..fitting.scan import Scan
from ..fitting.scan_file import read_scan, read_surface
from ..fitting.scan_to_face import FittedFace, ScanFitter
from ..performance.arkit import ARKIT_COUNT
from ..simulation.hexahedron import RestShapeError, reference_jacobians
from ..simulation.rest_repair import RestRepairError
from .assets import FaceAssets
from .bound_mesh import PART_KINDS, BoundMesh, read_in_frame
from .character import Character, CharacterSettings, Progress
from .errors import CharacterCancelled
from .face_geometry import PosedFace
from .identity import Identity
from .rest_shape import make_rest_shape

STRENGTHS = (1.0, 0.7, 0.4, 0.0)
"""Shares of a residual that are tried."""


@dataclass(frozen=True, kw_only=True)
class ScanRequest:
    """What is to be fitted.

    Attributes:
        path: an OBJ, PLY or STL file.
        landmarks: (68, 3) in the frame of the scan, not a number where unknown; None finds the face without.
        mirror: fit the mirror image.
        at_rest: the scan shows no expression.
        bind: let the scan itself ride on the character.
        parts: with ``bind``, more files in the frame of the scan, by kind (``PART_KINDS``).
    """

    path: Path
    landmarks: npt.NDArray[np.float64] | None = None
    mirror: bool = False
    at_rest: bool = False
    bind: bool = False
    parts: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts that cannot follow.

        Raises:
            FittingError: with a sentence.
        """
        if self.parts and not self.bind:
            raise FittingError("Parts follow a mesh that rides on the character; ask for it to be bound, too.")
        unknown = sorted(set(self.parts) - set(PART_KINDS))
        if unknown:
            raise FittingError(f"There is no kind of part {unknown[0]!r}; there are {', '.join(PART_KINDS)}.")


@dataclass(frozen=True, eq=False)
class FittedCharacter:
    """A character of a scan.

    Attributes:
        scan: as it was read, mirrored if that was asked.
        fitter: that fitted it.
        fitted: the face that was found.
        identity: of the character.
        residual_share: of the free-form finish, how much its tissue allows.
        character: the character.
        posed: it, simulated, in the expression of the scan.
        bound: the scan on it, if that was asked.
    """

    scan: Scan
    fitter: ScanFitter
    fitted: FittedFace
    identity: Identity
    residual_share: float
    character: Character
    posed: PosedFace
    bound: BoundMesh | None

    @property
    def distances(self) -> npt.NDArray[np.float64]:
        """Distances (V,) in mm of the simulated skin from the scan, not a number where nothing can be compared."""
        return self.fitter.compared(self.fitted.scan, self.posed.skin)


def fit_character(
    request: ScanRequest,
    assets: FaceAssets,
    settings: CharacterSettings,
    cache_directory: Path | None = None,
    progress: Progress | None = None,
) -> FittedCharacter:
    """Fit a scan and make a character of it.

    Args:
        request: what.
        assets: template and model.
        settings: of the character.
        cache_directory: where material spaces and repaired rest shapes are kept; None keeps nothing.
        progress: told the share done and what is being done; False from it cancels.

    Raises:
        FittingError: the scan cannot be read, holds no face or cannot be bound.
        CharacterCancelled: ``progress`` said so.
    """
    tell = progress or (lambda share, text: True)
    scan = read_scan(request.path)
    landmarks = request.landmarks
    if request.mirror:
        scan = scan.mirrored()
        landmarks = None if landmarks is None else landmarks * [-1.0, 1.0, 1.0]
    parting = assets.space(settings.resolution_mm, cache_directory).skin_parting
    fitter = ScanFitter(assets.template, assets.model, parting)
    try:
        fitted = fitter.fit(scan, lambda share, text: tell(0.7 * share, text), landmarks, at_rest=request.at_rest)
    except FittingCancelled as error:
        raise CharacterCancelled(str(error)) from error
    identity, share = usable_identity(
        Identity(fitted.parameters.identity, fitted.residual), assets, settings.resolution_mm, cache_directory
    )
    character = Character(
        identity,
        settings,
        cache_directory=cache_directory,
        progress=lambda done, text: tell(0.7 + 0.1 * done, text),
        assets=assets,
    )
    stopped = [not tell(0.8, "Simulating the Expression")]

    def should_cancel() -> bool:
        stopped[0] = stopped[0] or not tell(0.8, "Simulating the Expression")
        return stopped[0]

    posed = character.pose(fitted.parameters.expression, should_cancel=should_cancel)
    if posed.is_cancelled:
        raise CharacterCancelled("The fit was cancelled.")
    bound = None
    if request.bind:
        tell(0.95, "Binding the Mesh")
        # All vertices of the file, in its order, used or not.
        head = Scan(*read_surface(request.path))
        head = head.mirrored() if request.mirror else head
        head = (head.turned() if fitted.was_inside_out else head).moved(fitted.to_model)
        bound = BoundMesh.bind(
            head, character.rest, assets.template, posed, fitted.to_model, is_mirrored=request.mirror
        )
        for kind, path in request.parts.items():
            part = read_in_frame(path, fitted.to_model, mirror=request.mirror)
            bound = bound.with_part(kind, kind, part, character.rest, fitted.to_model)
    tell(1.0, "Ready")
    return FittedCharacter(scan, fitter, fitted, identity, share, character, posed, bound)


def usable_identity(
    identity: Identity, assets: FaceAssets, resolution_mm: float, cache_directory: Path | None = None
) -> tuple[Identity, float]:
    """The identity with as much of its residual as its tissue allows.

    Returns:
        The identity, and the share of the residual that is left: 1 unless lips could not be parted or a cell of the
        tissue would be turned inside out.

    Raises:
        RestRepairError: the identity cannot be used even without a residual.
    """
    if identity.residual is None:
        return identity, 1.0
    shared = assets.space(resolution_mm, cache_directory)
    actor = assets.model.actor(identity.coefficients)
    for strength in STRENGTHS:
        changed = Identity(identity.coefficients, strength * identity.residual)
        warp = ResidualWarp.of(assets.template, changed.residual)
        try:
            rest = make_rest_shape(assets, shared, actor, cache_directory, warp)
            reference_jacobians(rest.nodes, shared.space.hexes)
        except (RestRepairError, RestShapeError):
            if strength == 0.0:
                raise
            continue
        break
    return changed, strength


def bind_at_rest(
    path: Path, character: Character, to_model: npt.NDArray[np.float64], *, mirror: bool = False
) -> BoundMesh:
    """Bind a mesh that shows no expression to a character that was fitted to it.

    Args:
        path: an OBJ, PLY or STL file.
        character: at rest the mesh lies on it.
        to_model: (4, 4) similarity from the mesh's frame to that of the numerics, mm.
        mirror: the mirror image of the mesh lies on it.

    Raises:
        ScanError: the file cannot be read.
        BindingError: the mesh does not lie on the skin.
    """
    head = read_in_frame(path, to_model, mirror=mirror)
    outward = np.einsum("px,px->p", head.vertices - head.vertices.mean(axis=0), head.normals).sum() > 0.0
    rest = character.pose(np.zeros(ARKIT_COUNT))
    template = character.template
    return BoundMesh.bind(
        head if outward else head.turned(), character.rest, template, rest, to_model, is_mirrored=mirror
    )
