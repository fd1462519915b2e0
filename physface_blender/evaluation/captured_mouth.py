"""What the fit is measured against: captured skin of one identity in frames that press or purse the lips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

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
        expressions: (T, K) weights, of ARKit's 52 shapes or of an actor's own.
        vertices: (P,) vertices of the template's skin that the captures know.
        displacements: (T, P, 3) of these vertices from the neutral face, millimeters.
        held_out: (T,) which frames are not to be trained on.
    """

    expressions: np.ndarray
    vertices: np.ndarray
    displacements: np.ndarray
    held_out: np.ndarray


@dataclass(frozen=True)
class CapturedSurface:
    """Where vertices of the template's skin lie on the skin that captures know.

    Attributes:
        vertices: (P,) of the template's skin.
        corners: (P, 3) captured vertices, of the triangle that each lies on.
        barycentric: (P, 3) their shares.
    """

    vertices: np.ndarray
    corners: np.ndarray
    barycentric: np.ndarray

    @classmethod
    def under(cls, template: Template, captured: Mesh, wanted: np.ndarray) -> Self:
        """Find it, for those of the wanted (V,) vertices that do lie on the captured mesh."""
        hits = nearest_on_surface(template.meshes["skin"].vertices, captured.vertices, captured.triangles)
        vertices = np.flatnonzero(wanted & (hits.distances < SAME_SURFACE_MM))
        return cls(vertices, captured.triangles[hits.triangles[vertices]], hits.barycentric[vertices])

    def carry(self, values: np.ndarray) -> np.ndarray:
        """Return what captured vertices (V, 3) have, at the template's (P, 3)."""
        return np.einsum("pc,pcx->px", self.barycentric, values[self.corners])


def first_apart(frames: np.ndarray, spacing: int, count: int) -> np.ndarray:
    """Return the first (count,) of some frames, those left out that lie within a spacing of an earlier one."""
    chosen: list[int] = []
    for frame in frames:
        if all(abs(frame - other) >= spacing for other in chosen):
            chosen.append(int(frame))
        if len(chosen) == count:
            break
    return np.array(chosen)


def closing_frames(take: np.ndarray, count: int) -> np.ndarray:
    """Return the indices (count,) of the frames of a take (T, 52) that close the lips hardest, the hardest first."""
    columns = {name: index for index, name in enumerate(ARKIT_NAMES)}
    closing = take[:, [columns[name] for name in CLOSING]].sum(axis=1)
    score = closing - 2.0 * take[:, [columns[name] for name in OPENING]].sum(axis=1)
    return first_apart(np.argsort(-score, kind="stable"), SPACING, count)


def captured_mouth(
    data: Path, template: Template, coefficients: np.ndarray, take: str, count: int, wanted: np.ndarray
) -> CapturedMouth:
    """Capture an identity in the frames of a take that close the lips hardest; every third one is held out.

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
    surface = CapturedSurface.under(template, skin, wanted)
    captures = CaptureSynthesizer(source)
    # Only the vertices at the corners are evaluated.
    corners, number = np.unique(surface.corners, return_inverse=True)
    surface = replace(surface, corners=number.reshape(-1, 3))
    needed = torch.as_tensor(corners.astype(np.int64))
    identity = torch.as_tensor(coefficients, dtype=torch.float32)[None]
    displacements = []
    with torch.inference_mode():
        neutral = captures.neutral(identity, needed)
        for expression in expressions:
            weights = torch.as_tensor(expression, dtype=torch.float32)[None]
            moved = (captures.performed(identity, weights, needed) - neutral)[0]
            displacements.append(surface.carry(moved.numpy().astype(np.float64)))
    held_out = np.arange(len(expressions)) % 3 == 2
    return CapturedMouth(expressions, surface.vertices, np.stack(displacements), held_out)
