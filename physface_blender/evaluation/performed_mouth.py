"""What the style model is fitted to through contact: frames of an actor whose lips pass through each other most."""

from __future__ import annotations

import numpy as np

from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from ..fitting.actor_capture import ActorCapture
from .captured_mouth import CapturedMouth, CapturedSurface, first_apart
from .lip_crossings import crossing_count, lip_triangles

SPACING = 10
"""Frames, two thirds of a second, that lie at least between two of the chosen ones of a performance."""


def performed_mouth(template: Template, actor: ActorCapture, count: int, wanted: np.ndarray) -> CapturedMouth:
    """Take the frames of an actor's performances whose captured lips pass through each other most.

    Two thirds of them are of performances that the style model learns, the others of its held-out ones.

    Args:
        template: the mean face, whose skin the captures are carried over to.
        actor: with canonical points, and performances called ``training...`` and ``held_out...``.
        count: T, at least three.
        wanted: (V,) vertices of the template's skin that are wanted.
    """
    surface = CapturedSurface.under(template, Mesh(actor.canonical, actor.faces), wanted)
    triangles = lip_triangles(template, surface.vertices)
    held = count // 3
    frames = []
    for kind, share in (("training", count - held), ("held_out", held)):
        positions = np.concatenate([s.positions for name, s in actor.sequences.items() if name.startswith(kind)])
        crossings = np.array([crossing_count(surface.carry(frame), triangles) for frame in positions])
        frames.append(positions[first_apart(np.argsort(-crossings, kind="stable"), SPACING, share)])
    positions = np.concatenate(frames)
    return CapturedMouth(
        actor.blendweights(positions),
        surface.vertices,
        np.stack([surface.carry(frame - actor.neutral) for frame in positions]),
        np.arange(count) >= count - held,
    )
