# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes that go with their lid around the eyeball."""

import numpy as np
import numpy.typing as npt

from ..anatomy.surface_binding import SurfaceBinding

Vertices = npt.NDArray[np.float64]


def pose_lashes(
    binding: SurfaceBinding,
    rest_lashes: Vertices,
    rest_skin: Vertices,
    skin: Vertices,
    eye_centers: dict[str, Vertices],
) -> Vertices:
    """The lashes (L, 3) on a posed skin.

    The edge of a lid slides around the eyeball without turning much in itself, while a real lid turns as a whole: closed
    lashes point down. So each vertex keeps its offset from its hair's root, turned as the root turned about the middle of
    its eye (the smallest rotation from where it was seen to where it is seen from there).

    Args:
        binding: the roots on the skin.
        rest_lashes: (L, 3) mm.
        rest_skin: (V, 3) mm.
        skin: (V, 3) mm, posed.
        eye_centers: (3,) of ``eye_left`` and ``eye_right``, mm.
    """
    before = np.einsum("lc,lcx->lx", binding.barycentric, rest_skin[binding.triangles])
    after = np.einsum("lc,lcx->lx", binding.barycentric, skin[binding.triangles])
    # x is the character's left.
    is_left = (before[:, 0] > 0.0)[:, None]
    center = np.where(is_left, eye_centers["eye_left"], eye_centers["eye_right"])
    first, second = _directions(before - center), _directions(after - center)
    axis = np.cross(first, second)
    cosine = np.einsum("lx,lx->l", first, second)[:, None]
    offset = rest_lashes - before
    along = np.einsum("lx,lx->l", axis, offset)[:, None]
    return after + cosine * offset + np.cross(axis, offset) + axis * (along / (1.0 + cosine))


def _directions(vectors: Vertices) -> Vertices:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
