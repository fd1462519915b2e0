# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests a backend serves and the replies it gives.

Every message is a frozen dataclass of plain values. A request's ``serial`` is given by the client when it is handed
in; every reply carries the serial of the request it belongs to (0: it belongs to none). Every request gets **exactly
one last reply**: ``Status``, ``CharacterReady``, ``ScanFitted``, ``PhotoFitted``, ``MeshBound``, ``StyleLearned``,
``PerformanceSolved``, ``Posed``, ``CharacterDropped``, ``Superseded``, ``Cancelled`` or ``Failed``; ``Progress`` may
come before it, and for a live pose any number of ``Posed`` that are under way.

Arrays travel beside a reply in its ``arrays``; requests hold small tuples only. Lengths are millimetres in the frame
of the numerics (x to the character's left, y up, z forward).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

UNDER_WAY = "under_way"
"""Status of a pose that is shown before the simulation has settled."""

Arrays = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, kw_only=True)
class Message:
    """What all messages have."""

    serial: int = 0


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """Something asked of the backend."""


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """Something the backend tells."""

    @property
    def is_last(self) -> bool:
        """Whether no further reply to the same request follows."""
        return True


# requests


@dataclass(frozen=True, kw_only=True)
class Ping(Request):
    """Ask for a ``Status``."""


@dataclass(frozen=True, kw_only=True)
class CreateCharacter(Request):
    """Make a character, or make it anew with another identity or settings under the same name.

    Attributes:
        character: name by which later requests mean this character, the caller's choice.
        identity: (100,) identity coefficients; none where ``identity_file`` says whose face it is.
        resolution_mm: edge of the hexahedra.
        simulation: fields of ``SimulationSettings`` that differ from their defaults, by name; ``method`` by its value.
        identity_file: path of an identity that a fit has written.
    """

    character: str
    identity: tuple[float, ...] = ()
    resolution_mm: float = 4.0
    simulation: Mapping[str, float | int | bool | str] = field(default_factory=dict)
    identity_file: str = ""


@dataclass(frozen=True, kw_only=True)
class FitScan(Request):
    """Make a character of a scan, or make it anew under the same name; ``ScanFitted`` answers.

    Attributes:
        character: as in ``CreateCharacter``.
        path: of the scan, an OBJ, PLY or STL file in any pose and unit.
        identity_file: where the identity is written, for ``CreateCharacter`` later; nowhere when empty.
        landmarks: 68 points (3,) in the frame of the scan in iBUG order, None for one that is unknown; none finds the
            face without.
        mirror: fit the mirror image of the scan.
        at_rest: the scan shows no expression.
        bind: let the scan itself ride on the character; every ``Posed`` of it then holds the scan, too.
        parts: with ``bind``, paths of meshes that follow it, by kind: ``teeth``, ``eye_left``, ``eye_right``, ``lashes``.
        resolution_mm: as in ``CreateCharacter``.
        simulation: as in ``CreateCharacter``.
    """

    character: str
    path: str
    identity_file: str = ""
    landmarks: tuple[tuple[float, float, float] | None, ...] = ()
    mirror: bool = False
    at_rest: bool = False
    bind: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    resolution_mm: float = 4.0
    simulation: Mapping[str, float | int | bool | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BindMesh(Request):
    """Let a mesh ride on a character, in place of one that does; ``MeshBound`` answers.

    The mesh shows no expression and lies on the character at rest, as after a fit. Every ``Posed`` then holds it as
    ``bound_head``. It is forgotten with the character, also when that is made anew.

    Attributes:
        character: name of the character.
        path: of the mesh, an OBJ, PLY or STL file.
        to_model: (16,) the similarity (4, 4), row by row, from its frame to that of the numerics in mm.
        mirror: the mirror image of the mesh was fitted.
    """

    character: str
    path: str
    to_model: tuple[float, ...]
    mirror: bool = False


@dataclass(frozen=True, kw_only=True)
class BindPart(Request):
    """Let another mesh go with the one that rides on a character; ``MeshBound`` answers.

    Every ``Posed`` then holds it as ``bound_<name>``, in its own frame, unit and order.

    Attributes:
        character: name of the character, on which a mesh rides already.
        name: of the part; another one of this name is replaced.
        kind: ``teeth`` (gums and tongue, too), ``eye_left``, ``eye_right``, or ``lashes`` (whatever lies on the skin).
        path: of the mesh, an OBJ, PLY or STL file.
        to_model: (16,) the similarity (4, 4), row by row, from its frame to that of the numerics in mm. Where the mirror
            image of the head was fitted, x is negated before it.
    """

    character: str
    name: str
    kind: str
    path: str
    to_model: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class FitPhoto(Request):
    """Make a character of the landmarks of a photo, or make it anew under the same name; ``PhotoFitted`` answers.

    Attributes:
        character: as in ``CreateCharacter``.
        landmarks: 68 points (2,) in pixels from the upper left corner, in iBUG order, None for one that is unknown.
        size: width and height of the photo in pixels.
        resolution_mm: as in ``CreateCharacter``.
    """

    character: str
    landmarks: tuple[tuple[float, float] | None, ...]
    size: tuple[int, int]
    resolution_mm: float = 4.0


@dataclass(frozen=True, kw_only=True)
class LearnStyle(Request):
    """Learn the style of an actor from a capture; ``StyleLearned`` answers.

    Attributes:
        actor_file: the capture (docs/formats/actor.md); where it does not say how its vertices lie in the canonical face,
            its neutral is fitted first.
        style_file: where the style is written, to be named in poses.
        resolution_mm: edge of the hexahedra of a character that is in use, so that its anatomy is at hand.
    """

    actor_file: str
    style_file: str
    resolution_mm: float = 4.0


@dataclass(frozen=True, kw_only=True)
class SolvePerformance(Request):
    """Find the expression weights of a moving mesh of any topology; ``PerformanceSolved`` answers.

    Attributes:
        capture_file: a capture (docs/formats/actor.md), shapes not needed, whose sequence ``shown`` holds the frames;
            empty where ``files`` are given.
        files: one OBJ, PLY or STL file for every frame, the first one at rest.
        resolution_mm: as in ``LearnStyle``.
    """

    capture_file: str = ""
    files: tuple[str, ...] = ()
    resolution_mm: float = 4.0


@dataclass(frozen=True, kw_only=True)
class DropCharacter(Request):
    """Forget a character and free its memory."""

    character: str


@dataclass(frozen=True, kw_only=True)
class PoseLive(Request):
    """Pose a character while a slider moves: a newer one replaces an older one.

    With physics it starts from the character's last live state, and ``Posed`` tells the way: one follows the other until
    the simulation has settled, or a newer request goes on from there to another expression.

    Attributes:
        character: name of the character.
        expression: (52,) ARKit weights in the order of ``ARKIT_NAMES``.
        physics: simulate the tissue; otherwise the network alone moves the skin.
        contact: lips, lining, lids, teeth and eyeballs collide (with physics only).
        effects: attributes of ``Effects`` that differ from their defaults, by name (with physics only).
        style: weights 0..1 by name of a style or path of a style file, 1 together at most.
    """

    character: str
    expression: tuple[float, ...]
    physics: bool = False
    contact: bool = True
    effects: Mapping[str, Any] = field(default_factory=dict)
    style: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PoseFrame(Request):
    """Pose one frame of a bake: never replaced, served in the order of asking.

    Attributes:
        character: name of the character.
        frame: the caller's frame number, handed back in the reply.
        expression: (52,) ARKit weights.
        physics: as in ``PoseLive``.
        contact: as in ``PoseLive``.
        effects: as in ``PoseLive``; a frame may start from one with other effects.
        style: as in ``PoseLive``.
        start_serial: serial of an earlier ``PoseFrame`` of the same character whose end state is the start state of
            this one (the backend keeps the last few); None starts from the rest shape.
    """

    character: str
    frame: int
    expression: tuple[float, ...]
    physics: bool = True
    contact: bool = True
    effects: Mapping[str, Any] = field(default_factory=dict)
    style: Mapping[str, float] = field(default_factory=dict)
    start_serial: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cancel(Request):
    """Drop the request with serial ``target``; when it is being served it stops within a solver iteration."""

    target: int


@dataclass(frozen=True, kw_only=True)
class Release(Request):
    """The client has copied the arrays out of a block of shared memory (transport only)."""

    block: str


@dataclass(frozen=True, kw_only=True)
class Shutdown(Request):
    """End the worker."""


# replies


@dataclass(frozen=True, kw_only=True)
class Status(Reply):
    """What the backend is; also sent once with serial 0 when it is ready to serve.

    Attributes:
        versions: library or program name to version.
        python: the interpreter that runs the backend.
        thread_count: threads the numerics use.
        process_id: of the process that serves.
        characters: names of the characters it holds.
    """

    versions: Mapping[str, str]
    python: str
    thread_count: int
    process_id: int
    characters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress(Reply):
    """How far a long request is: ``fraction`` in 0..1 and what is being done."""

    fraction: float
    sentence: str

    @property
    def is_last(self) -> bool:
        """Never the last reply."""
        return False


@dataclass(frozen=True, kw_only=True)
class CharacterReady(Reply):
    """A character can be posed.

    ``arrays`` holds the rest vertices (V, 3) float64 in mm by part name, and ``eye_left_center`` and
    ``eye_right_center`` (3,).
    """

    character: str
    seconds: float
    hex_count: int
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ScanFitted(Reply):
    """A character was made of a scan and can be posed.

    ``arrays`` holds what those of ``CharacterReady`` hold, ``distances`` (V,) of the skin in the expression of the scan
    from it in mm (not a number where nothing can be compared), and ``scan_to_model`` (4, 4), the similarity that takes the
    scan to the frame of the numerics.

    Attributes:
        character: name of the character.
        seconds: the fit took.
        hex_count: of the character.
        identity: (100,) coefficients.
        expression: (52,) weights that the scan shows.
        unit: of the scan: ``m``, ``cm``, ``mm``, ``inch``, or empty where its size fits none.
        mean_distance_mm: of the frontal face from the scan.
        residual_share: how much of the free-form finish the tissue allows, 0..1.
        was_inside_out: the scan's faces looked inward; it may be a mirror image.
    """

    character: str
    seconds: float
    hex_count: int
    identity: tuple[float, ...]
    expression: tuple[float, ...]
    unit: str
    mean_distance_mm: float
    residual_share: float
    was_inside_out: bool
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MeshBound(Reply):
    """A mesh rides on a character."""

    character: str


@dataclass(frozen=True, kw_only=True)
class PhotoFitted(Reply):
    """A character was made of the landmarks of a photo and can be posed.

    ``arrays`` holds what those of ``CharacterReady`` hold, and ``landmarks`` (68, 2), where the fitted ones lie.

    Attributes:
        character: name of the character.
        seconds: the fit took.
        identity: (100,) coefficients.
        expression: (52,) weights that the photo shows.
        error_pixels: mean distance of the fitted landmarks from the given ones, without the contour.
    """

    character: str
    seconds: float
    identity: tuple[float, ...]
    expression: tuple[float, ...]
    error_pixels: float
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StyleLearned(Reply):
    """A style was learned and written.

    Attributes:
        style_file: where.
        actor: name of the actor.
        seconds: it took.
    """

    style_file: str
    actor: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class PerformanceSolved(Reply):
    """The weights of a moving mesh were found.

    ``arrays`` holds ``weights`` (T, 52) in the order of ``ARKIT_NAMES``, and ``errors`` (T,), the mean distance in mm of
    the model's skin from what was shown.

    Attributes:
        name: of what was read.
        seconds: it took.
    """

    name: str
    seconds: float
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CharacterDropped(Reply):
    """A character is forgotten."""

    character: str


@dataclass(frozen=True, kw_only=True)
class Posed(Reply):
    """A posed character.

    ``arrays`` holds ``skin`` (V, 3) and ``lashes`` (L, 3) in mm, and the rigid transforms ``jaw``, ``eye_left`` and
    ``eye_right`` (4, 4) that move rest vertices (column vectors) to their place. Where the mandible is edited it also
    holds ``rest_mandible``, ``rest_lower_teeth`` and ``rest_lower_gum`` (V, 3), which ``jaw`` moves instead. Where a scan is
    bound it holds ``bound_head`` (B, 3) and ``bound_<kind>`` for its parts, in the scan's own frame, unit and order.

    Attributes:
        character: name of the character.
        frame: the frame number of a ``PoseFrame``, None for a live pose.
        status: ``network`` (no physics asked), ``under_way`` (live only; free of intersections, more follows), ``converged``
            or ``not_converged``.
        sentence: the status in words.
        iterations: of the solver.
        residual: relative, of the solver.
        seconds: the pose took, all of it.
        minimum_distance_mm: between colliding surfaces; infinite when none come near.
    """

    character: str
    frame: int | None
    status: str
    sentence: str
    iterations: int = 0
    residual: float = 0.0
    seconds: float = 0.0
    minimum_distance_mm: float = float("inf")
    arrays: Arrays = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether the pose is final."""
        return self.status != UNDER_WAY


@dataclass(frozen=True, kw_only=True)
class Superseded(Reply):
    """A live request was replaced by a newer one before it ended."""


@dataclass(frozen=True, kw_only=True)
class Cancelled(Reply):
    """A request was cancelled; nothing of the character changed."""

    sentence: str = "Cancelled."


@dataclass(frozen=True, kw_only=True)
class Failed(Reply):
    """A request could not be served.

    Attributes:
        kind: a stable name of the reason: ``BackendError.kind``, the name of another expected error (``template``,
            ``weights``, ``rest_shape``, ...), ``worker_lost``, or ``internal`` for what nobody expected.
        sentence: for the user.
        details: for a log: a traceback or the end of the worker's log; may be empty.
    """

    kind: str
    sentence: str
    details: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkerLost(Reply):
    """The worker process ended unasked (made by the client; serial 0).

    Attributes:
        sentence: what happened and what happens next.
        restarted: a new worker is starting; otherwise the client has given up until ``start`` is called.
        details: the end of the worker's log.
    """

    sentence: str
    restarted: bool
    details: str = ""
