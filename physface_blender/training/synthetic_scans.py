"""Synthetic scans: captures of the generator as a scanner would give them, in another topology, with noise and holes."""

from __future__ import annotations

from dataclasses import dataclass

import fast_simplification
import numpy as np
import torch

from .captures import CaptureSource, CaptureSynthesizer


@dataclass(frozen=True, eq=False)
class SyntheticScan:
    """A scan and what is true of it.

    Attributes:
        vertices: (V, 3) mm, in the frame of the captures.
        triangles: (T, 3).
        skin: (S, 3) mm: the skin of the capture, in the vertex order of the source.
        neutral: (S, 3) mm: the same at rest.
        jaw: (4, 4) true motion of the mandible.
        expression: (52,) true weights.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    skin: np.ndarray
    neutral: np.ndarray
    jaw: np.ndarray
    expression: np.ndarray


def outer_triangles(source: CaptureSource, head_vertices: int) -> np.ndarray:
    """Triangles (T, 3) of the skin without mouth and eye sockets; the first ``head_vertices`` vertices are outside."""
    faces = source.skin_faces[source.skin_faces.max(axis=1) < head_vertices]
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]]).astype(np.int64)


def synthesize_scan(
    source: CaptureSource,
    captures: CaptureSynthesizer,
    identity: np.ndarray,
    expression: np.ndarray,
    triangles: np.ndarray,
    seed: int,
    *,
    noise_mm: float = 0.15,
    holes: int = 3,
    triangle_count: int = 24_000,
) -> SyntheticScan:
    """Make a scan.

    Args:
        source: the shapes.
        captures: evaluates them.
        identity: (100,).
        expression: (52,).
        triangles: of the outer skin, see ``outer_triangles``.
        seed: of noise and holes.
        noise_mm: standard deviation, along all axes.
        holes: how many, of 6 to 14 mm radius.
        triangle_count: about how many are left of the source's after its edges are collapsed.
    """
    generator = np.random.default_rng(seed)
    skin = torch.arange(*source.parts["skin"])
    identities = torch.as_tensor(identity, dtype=torch.float32)[None]
    weights = torch.as_tensor(expression, dtype=torch.float32)[None]
    with torch.inference_mode():
        performed = captures.performed(identities, weights, skin)[0].numpy().astype(np.float64)
        neutral = captures.neutral(identities, skin)[0].numpy().astype(np.float64)
        jaw = captures.jaw(identities, weights)[0].numpy().astype(np.float64)
    used, compact = np.unique(triangles, return_inverse=True)
    vertices, faces = fast_simplification.simplify(
        performed[used].astype(np.float32),
        compact.reshape(-1, 3).astype(np.int32),
        target_count=min(triangle_count, len(triangles) - 1),
    )
    vertices = vertices.astype(np.float64) + noise_mm * generator.standard_normal(vertices.shape)
    frontal = np.flatnonzero(vertices[:, 2] > np.median(vertices[:, 2]))
    keep = np.ones(len(faces), dtype=bool)
    for _ in range(holes):
        center = vertices[generator.choice(frontal)]
        near = np.linalg.norm(vertices - center, axis=1) < generator.uniform(6.0, 14.0)
        keep &= ~near[faces].any(axis=1)
    return SyntheticScan(vertices, faces[keep].astype(np.int64), performed, neutral, jaw, np.asarray(expression))
