"""What the fit is measured against: captured skin of one identity in frames that press or purse the lips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..anatomy.mesh import Mesh
from ..anatomy.nearest_surface import nearest_on_surface
from ..anatomy.template import Template
from ..performance.arkit import ARKIT_NAMES
from ..training.captures import CaptureSynthesizer, load_capture_source
from ..training.expressions import load_take

CLOSING = (
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
)  # fmt: skip
"""Weights that bring the lips together."""
OPENING = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
"""Weights that part them."""
SPACING = 20
"""Frames, two thirds of a second, that lie at least between two of the chosen ones."""
SAME_SURFACE_MM = 0.25
"""The template's skin lies on that of the captures to this; where it does not, there is nothing to compare with."""


@dataclass(frozen=True)
class CapturedMouth:
    """Frames of one identity.

    Attributes:
        expressions: (T, 52) ARKit weights.
        vertices: (P,) vertices of the template's skin that the captures know.
        displacements: (T, P, 3) of these vertices from the neutral face, millimeters.
    """

    expressions: np.ndarray
    vertices: np.ndarray
    displacements: np.ndarray


def closing_frames(take: np.ndarray, count: int) -> np.ndarray:
    """Return the indices (count,) of the frames of a take (T, 52) that close the lips hardest, the hardest first."""
    columns = {name: index for index, name in enumerate(ARKIT_NAMES)}
    closing = take[:, [columns[name] for name in CLOSING]].sum(axis=1)
    score = closing - 2.0 * take[:, [columns[name] for name in OPENING]].sum(axis=1)
    chosen: list[int] = []
    for frame in np.argsort(-score, kind="stable"):
        if all(abs(frame - other) >= SPACING for other in chosen):
            chosen.append(int(frame))
        if len(chosen) == count:
            break
    return np.array(chosen)


def captured_mouth(
    data: Path, template: Template, coefficients: np.ndarray, take: str, count: int, wanted: np.ndarray
) -> CapturedMouth:
    """Capture an identity in the frames of a take that close the lips hardest.

    Args:
        data: folder of the source data.
        template: the mean face, whose skin the captures are carried over to.
        coefficients: (100,) of the identity.
        take: name of the take.
        count: T.
        wanted: (V,) vertices of the template's skin that are wanted.
    """
    frames = load_take(data, take)
    expressions = frames[closing_frames(frames, count)]
    source = load_capture_source(data)
    skin = Mesh(source.mean[slice(*source.parts["skin"])], source.skin_faces)
    hits = nearest_on_surface(template.meshes["skin"].vertices, skin.vertices, skin.triangles)
    vertices = np.flatnonzero(wanted & (hits.distances < SAME_SURFACE_MM))
    captures = CaptureSynthesizer(source)
    corners = torch.as_tensor(skin.triangles[hits.triangles[vertices]].astype(np.int64))
    identity = torch.as_tensor(coefficients, dtype=torch.float32)[None]
    share = torch.as_tensor(hits.barycentric[vertices], dtype=torch.float32)
    displacements = []
    with torch.inference_mode():
        neutral = captures.neutral(identity, corners.ravel())
        for expression in expressions:
            weights = torch.as_tensor(expression, dtype=torch.float32)[None]
            moved = (captures.performed(identity, weights, corners.ravel()) - neutral).reshape(-1, 3, 3)
            displacements.append(torch.einsum("pc,pcx->px", share, moved).numpy().astype(np.float64))
    return CapturedMouth(expressions, vertices, np.stack(displacements))
