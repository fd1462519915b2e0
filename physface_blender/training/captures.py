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
from .rigid_fit import fit_rigid, twist

JAW_SHAPES = ("jawOpen", "jawForward", "jawLeft", "jawRight")
LID_CLEARANCE_MM = 0.8
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
    """

    mean: npt.NDArray[np.float64]
    identity: npt.NDArray[np.float64]
    expression: npt.NDArray[np.float64]
    parts: dict[str, tuple[int, int]]
    jaw_twists: npt.NDArray[np.float64]
    jaw_weight: npt.NDArray[np.float64]
    skin_faces: npt.NDArray[np.int32]

    @property
    def jaw_indices(self) -> list[int]:
        """Indices of JAW_SHAPES among the ARKit weights."""
        return [ARKIT_NAMES.index(name) for name in JAW_SHAPES]


def load_capture_source(data: Path) -> CaptureSource:
    """Read ICT-FaceKit and the registered bones.

    Args:
        data: the folder with ``ict_facekit/ict_facekit.npz`` and ``bones/registered_mean.npz`` (both in centimetres).

    Raises:
        FileNotFoundError: one of the two files is missing.
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
    return CaptureSource(
        mean, identity, expression, parts, np.stack([twist(m) for m in matrices]), jaw_weight, skin_faces
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
        self.jaw_indices = source.jaw_indices
        generators = tensor(source.jaw_twists)
        full = torch.linalg.matrix_exp(generators)
        self._jaw_linear = torch.stack([m - torch.eye(4, device=device) for m in full])
        lower = slice(*source.parts["lower_teeth"])
        self._teeth_shift = self.identity[:, lower].mean(dim=1)
        self._eyes = []
        for name in ("eye_left", "eye_right"):
            part = slice(*source.parts[name])
            center = (self.mean[part].amax(dim=0) + self.mean[part].amin(dim=0)) / 2
            center[2] = self._sphere_depth(self.mean[part], center)
            radius = (self.mean[part] - center).norm(dim=1).median()
            self._eyes.append((center, self.identity[:, part].mean(dim=1), radius))

    @staticmethod
    def _sphere_depth(points: torch.Tensor, center: torch.Tensor) -> torch.Tensor:
        """Depth of the eyeball's widest ring, the centre of its sphere (the cornea bulges forward)."""
        lateral = (points[:, :2] - center[:2]).norm(dim=1)
        return points[lateral > 0.97 * lateral.max(), 2].mean()

    def neutral(self, identities: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """Neutral positions (B, P, 3) of vertices (P,) for identities (B, 100)."""
        modes = self.identity[:, vertices]
        return self.mean[vertices] + torch.einsum("bi,ipc->bpc", identities, modes)

    def jaw(self, identities: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Rigid motion (B, 4, 4) of the mandible of identities (B, 100) under ARKit weights (B, 52)."""
        generators = torch.einsum("bk,kij->bij", weights[:, self.jaw_indices], self.jaw_twists)
        matrices = torch.linalg.matrix_exp(generators)
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
        controls = weights[:, self.jaw_indices]
        exact = torch.linalg.matrix_exp(torch.einsum("bk,kij->bij", controls, self.jaw_twists))
        inexact = torch.einsum("bk,kij->bij", controls, self._jaw_linear)
        rigid = torch.einsum("bij,bpj->bpi", exact[:, :3, :3], relative) + exact[:, None, :3, 3] - relative
        # What the linear shapes already hold of the jaw's motion; bones have no linear shapes of their own.
        held = torch.einsum("bij,pj->bpi", inexact[:, :3, :3], self.mean[vertices]) + inexact[:, None, :3, 3]
        held = held * (vertices < self.parts["skull"][0]).to(held.dtype)[None, :, None]
        moved = rest + linear + self.jaw_weight[vertices][None, :, None] * (rigid - held)
        return self._around_eyes(moved, rest, identities)

    def _around_eyes(self, moved: torch.Tensor, rest: torch.Tensor, identities: torch.Tensor) -> torch.Tensor:
        for center, center_modes, radius in self._eyes:
            middle = (center + identities @ center_modes).unsqueeze(1)
            offset = moved - middle
            distance = offset.norm(dim=2, keepdim=True)
            allowed = torch.clamp((rest - middle).norm(dim=2, keepdim=True), max=float(radius) + LID_CLEARANCE_MM)
            moved = torch.where(distance < allowed, middle + offset * (allowed / distance.clamp(min=1e-3)), moved)
        return moved
