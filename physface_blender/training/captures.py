"""Synthetic captures: skin, teeth and bones of many identities under many expressions.

Synthetic means: made from the linear identity and expression shapes of ICT-FaceKit, not captured from people. Two
things are put right that the linear shapes get wrong: the jaw turns rigidly, so that half-open mouths do not
shrink, and the lids travel around the eyeball instead of through it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..anatomy.parametric_bones import ParametricBones, spread_control_points
from ..performance.arkit import ARKIT_NAMES
from .lid_clearance import LidClearance
from .rigid_fit import fit_rigid, twist
from .rigid_motion_exponential import rigid_exponential
from .template.eye_look import measure_eye_look_degrees
from .template.eyes import Eyeball, fit_left_eyeball
from .template.face_source import read_face_source

JAW_SHAPES = ("jawOpen", "jawForward", "jawLeft", "jawRight")
BLINK_GAIN = 1.12
"""The source's lids stay up to 0.8 mm apart at weight 1 of a blink; ours meet everywhere."""
BONE_CONTROL_POINTS = 260
TEETH_CONTROL_POINTS = 40
BONE_POINTS = 3000
CENTIMETRE_MM = 10.0


@dataclass(frozen=True)
class CaptureSource:
    """The linear shapes the captures are made from, millimetres, all parts in one vertex array.

    Attributes:
        mean: (V, 3) mean neutral of every part, ICT vertex order, then skull points, then mandible points.
        identity: (100, V, 3) displacement per identity coefficient.
        expression: (52, V, 3) displacement per ARKit weight; zero on bones.
        parts: name to (start, stop) in the vertex array: skin, face, gums, upper_teeth, lower_teeth, eye_left,
        eye_right,
            skull, mandible. ``face`` is the frontal part of ``skin``.
        jaw_twists: (4, 4, 4) generator of the jaw's rigid motion at weight 1 of each of JAW_SHAPES.
        jaw_weight: (V,) 0..1, how far a vertex goes with the jaw.
        skin_faces: (F, 4) int32 quads of the skin.
        eyeballs: the left and the right one of the mean face.
        eye_look_degrees: turn of the eyes at weight 1, by ARKit name.
    """

    mean: npt.NDArray[np.float64]
    identity: npt.NDArray[np.float64]
    expression: npt.NDArray[np.float64]
    parts: dict[str, tuple[int, int]]
    jaw_twists: npt.NDArray[np.float64]
    jaw_weight: npt.NDArray[np.float64]
    skin_faces: npt.NDArray[np.int32]
    eyeballs: tuple[Eyeball, Eyeball]
    eye_look_degrees: dict[str, float]

    @property
    def jaw_indices(self) -> list[int]:
        """Indices of JAW_SHAPES among the ARKit weights."""
        return [ARKIT_NAMES.index(name) for name in JAW_SHAPES]


def load_capture_source(data: Path) -> CaptureSource:
    """Read ICT-FaceKit and the registered bones.

    Args:
        data: the folder with ``ict_facekit/ict_facekit.npz`` and ``bones/registered_mean.npz`` (both in centimetres),
            and the captures that the turn of the eyes is measured on.

    Raises:
        FileNotFoundError: one of the files is missing.
    """
    with np.load(data / "ict_facekit" / "ict_facekit.npz") as facekit:
        mean = facekit["neutral"].astype(np.float64) * CENTIMETRE_MM
        identity = facekit["identity"].astype(np.float64) * CENTIMETRE_MM
        shapes = facekit["expression"].astype(np.float64) * CENTIMETRE_MM
        names = [str(name) for name in facekit["expression_names"]]
        ranges = {
            str(n): (int(a), int(b)) for n, (a, b) in zip(facekit["part_names"], facekit["part_ranges"], strict=True)
        }
        face = tuple(int(v) for v in facekit["narrow_face"])
        faces = facekit["faces"]
    parts = {
        "face": face,
        "skin": (0, ranges["eye_socket_right"][1]),
        "gums": ranges["gums_tongue"],
        "upper_teeth": ranges["teeth_upper"],
        "lower_teeth": ranges["teeth_lower"],
        "eye_left": ranges["eyeball_left"],
        "eye_right": ranges["eyeball_right"],
    }
    skin_faces = faces[faces.max(axis=1) < parts["skin"][1]].astype(np.int32)
    expression = np.stack([_arkit_shape(name, names, shapes) for name in ARKIT_NAMES])
    expression[[ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]] *= BLINK_GAIN
    skin, upper, lower = (slice(*parts[name]) for name in ("skin", "upper_teeth", "lower_teeth"))

    with np.load(data / "bones" / "registered_mean.npz") as registered:
        bones = {name: registered[f"{name}_V"].astype(np.float64) * CENTIMETRE_MM for name in ("skull", "mandible")}
    bones = {name: points[spread_control_points(points, BONE_POINTS)] for name, points in bones.items()}
    controls = np.concatenate(
        [
            spread_control_points(mean[skin][: ranges["head_neck"][1]], BONE_CONTROL_POINTS),
            upper.start + spread_control_points(mean[upper], TEETH_CONTROL_POINTS),
            lower.start + spread_control_points(mean[lower], TEETH_CONTROL_POINTS),
        ]
    )
    start = len(mean)
    for name, points in bones.items():
        warp = ParametricBones.build(mean[controls], points)
        identity = np.concatenate([identity, warp.displacement(identity[:, controls])], axis=1)
        parts[name] = (start, start + len(points))
        start += len(points)
    mean = np.concatenate([mean, bones["skull"], bones["mandible"]])
    expression = np.concatenate([expression, np.zeros((len(expression), len(mean) - expression.shape[1], 3))], axis=1)

    jaws = [expression[ARKIT_NAMES.index(name)] for name in JAW_SHAPES]
    matrices = [fit_rigid(mean[lower], (mean + jaw)[lower]) for jaw in jaws]
    jaw_weight = np.zeros(len(mean))
    opened = mean @ (matrices[0][:3, :3] - np.eye(3)).T + matrices[0][:3, 3]
    along = np.einsum("ij,ij->i", jaws[0], opened) / np.maximum(np.einsum("ij,ij->i", opened, opened), 1.0)
    jaw_weight[skin] = np.clip(along[skin], 0.0, 1.0)
    jaw_weight[lower] = 1.0
    jaw_weight[slice(*parts["mandible"])] = 1.0
    left_eye = fit_left_eyeball(read_face_source(data))
    return CaptureSource(
        mean,
        identity,
        expression,
        parts,
        np.stack([twist(m) for m in matrices]),
        jaw_weight,
        skin_faces,
        (left_eye, left_eye.mirrored()),
        measure_eye_look_degrees(data),
    )


def _arkit_shape(name: str, names: list[str], shapes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    candidates = (name, name.replace("Left", "_L") if name.endswith("Left") else name.replace("Right", "_R"))
    for candidate in candidates:
        if candidate in names:
            return shapes[names.index(candidate)]
    if f"{name}_L" in names:
        return shapes[names.index(f"{name}_L")] + shapes[names.index(f"{name}_R")]
    return np.zeros_like(shapes[0])  # tongueOut: the source has no such shape


class CaptureSynthesizer:
    """Evaluates the captures at chosen vertices, in batches, on torch tensors (float32, mm)."""

    def __init__(self, source: CaptureSource, device: torch.device | None = None) -> None:
        """Move the shapes to the device."""

        def tensor(values: npt.NDArray[np.float64]) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.float32, device=device)

        self.parts = source.parts
        self.mean = tensor(source.mean)
        self.identity = tensor(source.identity)
        self.expression = tensor(source.expression)
        self.jaw_twists = tensor(source.jaw_twists)
        self.jaw_weight = tensor(source.jaw_weight)
        self._jaw_indices = torch.as_tensor(source.jaw_indices, device=device)
        generators = tensor(source.jaw_twists)
        full = rigid_exponential(generators)
        self._jaw_linear = torch.stack([m - torch.eye(4, device=device) for m in full])
        lower = slice(*source.parts["lower_teeth"])
        self._teeth_shift = self.identity[:, lower].mean(dim=1)
        self._lids = [
            LidClearance.of(eye, self.identity[:, slice(*source.parts[part])].mean(dim=1), tensor(_look(source, part)))
            for part, eye in zip(("eye_left", "eye_right"), source.eyeballs, strict=True)
        ]

    def neutral(self, identities: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """Neutral positions (B, P, 3) of vertices (P,) for identities (B, 100)."""
        modes = self.identity[:, vertices]
        return self.mean[vertices] + torch.einsum("bi,ipc->bpc", identities, modes)

    def jaw(self, identities: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Rigid motion (B, 4, 4) of the mandible of identities (B, 100) under ARKit weights (B, 52)."""
        generators = torch.einsum("bk,kij->bij", weights[:, self._jaw_indices], self.jaw_twists)
        matrices = rigid_exponential(generators)
        shift = identities @ self._teeth_shift
        rotation, translation = matrices[:, :3, :3], matrices[:, :3, 3]
        moved = translation + shift - torch.einsum("bij,bj->bi", rotation, shift)
        result = matrices.clone()
        result[:, :3, 3] = moved
        return result

    def performed(self, identities: torch.Tensor, weights: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """Positions (B, P, 3) of vertices (P,) of identities (B, 100) under ARKit weights (B, 52)."""
        rest = self.neutral(identities, vertices)
        linear = torch.einsum("bk,kpc->bpc", weights, self.expression[:, vertices])
        shift = (identities @ self._teeth_shift).unsqueeze(1)
        relative = rest - shift
        controls = weights[:, self._jaw_indices]
        exact = rigid_exponential(torch.einsum("bk,kij->bij", controls, self.jaw_twists))
        inexact = torch.einsum("bk,kij->bij", controls, self._jaw_linear)
        rigid = torch.einsum("bij,bpj->bpi", exact[:, :3, :3], relative) + exact[:, None, :3, 3] - relative
        # What the linear shapes already hold of the jaw's motion; bones have no linear shapes of their own.
        held = torch.einsum("bij,pj->bpi", inexact[:, :3, :3], self.mean[vertices]) + inexact[:, None, :3, 3]
        held = held * (vertices < self.parts["skull"][0]).to(held.dtype)[None, :, None]
        moved = rest + linear + self.jaw_weight[vertices][None, :, None] * (rigid - held)
        for lids in self._lids:
            moved = lids.push_out(moved, rest, identities, weights)
        return moved


def _look(source: CaptureSource, part: str) -> npt.NDArray[np.float64]:
    """Rotation vector (52, 3) in radians of an eyeball at weight 1 of each ARKit weight."""
    side = "Left" if part == "eye_left" else "Right"
    outward = 1.0 if part == "eye_left" else -1.0
    directions = {"Down": (1, 0), "Up": (-1, 0), "Out": (0, outward), "In": (0, -outward)}
    look = np.zeros((len(ARKIT_NAMES), 3))
    for direction, turn in directions.items():
        name = f"eyeLook{direction}{side}"
        look[ARKIT_NAMES.index(name), :2] = np.radians(source.eye_look_degrees[name]) * np.array(turn)
    return look
