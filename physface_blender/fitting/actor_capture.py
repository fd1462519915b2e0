"""What is captured of one actor: neutral, a basis of expressions in the actor's style, and performances.

The file is an npz without pickles; `docs/formats/actor.md` lists its arrays. Synthetic and real actors come in the same
form (paper 001, section 4.1).
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from ..performance.arkit import ARKIT_COUNT

Array = npt.NDArray[np.float64]

REQUIRED = ("name", "neutral", "faces", "shape_names", "shape_weights", "shapes")
OPTIONAL = ("canonical", "parting", "identity")


class ActorCaptureError(Exception):
    """An actor's file cannot be used; the message says what came and what is allowed."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """One performance of an actor.

    Attributes:
        positions: (T, V, 3) mm.
        jaw: (T, 4, 4) rigid motion of the mandible from rest, or None where it was not tracked.
    """

    positions: Array
    jaw: Array | None = None


@dataclass(frozen=True, eq=False)
class ActorCapture:
    """One actor. V vertices in the same order everywhere, millimetres, x to the actor's left, y up, z forward.

    Attributes:
        name: of the actor.
        neutral: (V, 3).
        faces: (F, 4) int32, the last index -1 in a triangle.
        shape_names: K names.
        shape_weights: (K, 52) what each shape means in ARKit weights.
        shapes: (K, V, 3) displacement from the neutral.
        shape_jaw: (K, 4, 4) rigid motion of the mandible in each shape, or None.
        canonical: (V, 3) where the vertices lie in the canonical face, or None: unknown.
        parting: (V,) their parting coordinate -1..1, or None with ``canonical``.
        identity: (100,) coefficients of the generalized model, or None: unknown.
        sequences: performances by name.
    """

    name: str
    neutral: Array
    faces: npt.NDArray[np.int32]
    shape_names: tuple[str, ...]
    shape_weights: Array
    shapes: Array
    shape_jaw: Array | None = None
    canonical: Array | None = None
    parting: Array | None = None
    identity: Array | None = None
    sequences: dict[str, Sequence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See that the arrays fit each other.

        Raises:
            ActorCaptureError: they do not, or hold values that are not finite.
        """
        count, shapes = len(self.neutral), len(self.shape_names)
        expected = {
            "neutral": (count, 3),
            "faces": (len(self.faces), 4),
            "shape_weights": (shapes, ARKIT_COUNT),
            "shapes": (shapes, count, 3),
            "shape_jaw": (shapes, 4, 4),
            "canonical": (count, 3),
            "parting": (count,),
            "identity": (100,),
        }
        arrays = {name: getattr(self, name) for name in expected}
        for name, sequence in self.sequences.items():
            length = len(sequence.positions)
            expected |= {f"positions of {name}": (length, count, 3), f"jaw of {name}": (length, 4, 4)}
            arrays |= {f"positions of {name}": sequence.positions, f"jaw of {name}": sequence.jaw}
        for name, array in arrays.items():
            if array is None:
                continue
            if np.shape(array) != expected[name]:
                raise ActorCaptureError(
                    f"The {name} of actor {self.name} came with shape {np.shape(array)}; expected is {expected[name]}."
                )
            if not np.isfinite(array).all():
                raise ActorCaptureError(f"The {name} of actor {self.name} holds values that are not finite numbers.")
        if (self.canonical is None) != (self.parting is None):
            raise ActorCaptureError(f"Actor {self.name} must come with both canonical points and parting, or neither.")
        if len(self.faces) and not (self.faces[:, :3].min() >= 0 and self.faces.max() < count):
            raise ActorCaptureError(f"The faces of actor {self.name} name vertices that are not there.")

    def blendweights(self, positions: Array) -> Array:
        """Project frames (T, V, 3) on the actor's own basis: weights (T, K) in 0..1 of least squares distance."""
        basis = self.shapes.reshape(len(self.shapes), -1).T
        orthogonal, triangle = scipy.linalg.qr(basis, mode="economic")
        wanted = (positions - self.neutral).reshape(len(positions), -1) @ orthogonal
        return np.stack([scipy.optimize.lsq_linear(triangle, row, (0.0, 1.0)).x for row in wanted])

    def linear_rig(self, blendweights: Array) -> Array:
        """Positions (T, V, 3) of the linear blendshape rig under blendweights (T, K)."""
        return self.neutral + np.tensordot(blendweights, self.shapes, axes=1)


def read_actor(path: Path) -> ActorCapture:
    """Read an actor's file.

    Raises:
        ActorCaptureError: it cannot be read, lacks an array, or the arrays do not fit each other.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise ActorCaptureError(f"The actor's file {path} cannot be read ({error}).") from error
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        raise ActorCaptureError(f"The actor's file {path} lacks {', '.join(missing)}.")
    sequences = {}
    for key in arrays:
        kind, _, name = key.partition("/")
        if kind == "sequence":
            jaw = arrays.get(f"jaw/{name}")
            sequences[name] = Sequence(_float(arrays[key]), None if jaw is None else _float(jaw))
    return ActorCapture(
        str(arrays["name"]),
        _float(arrays["neutral"]),
        arrays["faces"].astype(np.int32),
        tuple(str(name) for name in arrays["shape_names"]),
        _float(arrays["shape_weights"]),
        _float(arrays["shapes"]),
        _float(arrays["shape_jaw"]) if "shape_jaw" in arrays else None,
        **{name: _float(arrays[name]) for name in OPTIONAL if name in arrays},
        sequences=sequences,
    )


def write_actor(actor: ActorCapture, path: Path) -> None:
    """Write an actor's file, lengths in float32."""
    arrays = {
        "name": np.array(actor.name),
        "neutral": actor.neutral.astype(np.float32),
        "faces": actor.faces,
        "shape_names": np.array(actor.shape_names),
        "shape_weights": actor.shape_weights,
        "shapes": actor.shapes.astype(np.float32),
    }
    for name in ("shape_jaw", *OPTIONAL):
        value = getattr(actor, name)
        if value is not None:
            arrays[name] = value
    for name, sequence in actor.sequences.items():
        arrays[f"sequence/{name}"] = sequence.positions.astype(np.float32)
        if sequence.jaw is not None:
            arrays[f"jaw/{name}"] = sequence.jaw
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    temporary.replace(path)


def _float(array: npt.NDArray[np.generic]) -> Array:
    return array.astype(np.float64)
