# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of an actor from a capture, of whatever mesh it was taken: placed in the canonical face where it is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..anatomy.mesh import Mesh
from ..anatomy.nearest_surface import nearest_on_surface
from ..fitting.actor_capture import ActorCapture, read_actor
from ..fitting.binding import LEAST_FACING, REACH_MM
from ..fitting.errors import FittingCancelled
from ..fitting.scan import Scan
from ..fitting.scan_to_face import ScanFitter
from ..fitting.style_examples import StyleExamples
from ..fitting.style_fit import StyleFitCancelled, fit_style
from ..networks.style import load_style, save_style
from .assets import FaceAssets
from .character import Progress
from .errors import CharacterCancelled, StyleError

LEAST_PLACED = 100
"""Vertices on the canonical face, fewer of which show no expression."""


def learn_style(
    actor_file: Path,
    style_file: Path,
    assets: FaceAssets,
    skin_parting: npt.NDArray[np.float64],
    progress: Progress,
) -> str:
    """Learn the style in a capture and write it; gives back the actor's name.

    Args:
        actor_file: docs/formats/actor.md; without ``canonical`` the neutral is fitted first, in any unit and pose.
        style_file: is written when all has gone well.
        assets: template and model.
        skin_parting: (V,) of the template's skin.
        progress: told the share done and what is being done; False from it cancels.

    Raises:
        ActorCaptureError: the capture cannot be used.
        FittingError: there is no face in its neutral.
        StyleError: hardly anything of it lies on the face, or the file cannot be written.
        CharacterCancelled: ``progress`` said so.
    """
    actor = read_actor(actor_file)
    try:
        if actor.canonical is None:
            actor = placed(actor, assets, skin_parting, lambda share, text: progress(0.3 * share, text))
        styles = load_style()
        examples = StyleExamples.of(assets.model, actor)
        readout = fit_style(
            assets.model, styles, examples, progress=lambda share, text: progress(0.3 + 0.7 * share, text)
        )
    except (FittingCancelled, StyleFitCancelled) as error:
        raise CharacterCancelled(str(error)) from error
    try:
        save_style(styles, readout, style_file)
    except OSError as error:
        raise StyleError(
            f"The style cannot be written to {style_file} ({error.strerror}); choose another folder."
        ) from error
    return actor.name


def placed(
    actor: ActorCapture, assets: FaceAssets, skin_parting: npt.NDArray[np.float64], progress: Progress
) -> ActorCapture:
    """The capture in the frame of the model, with the canonical points of the vertices that lie on the face.

    Raises:
        FittingError: there is no face in its neutral.
        StyleError: hardly anything of it lies on the face.
        FittingCancelled: ``progress`` said so.
    """
    skin = assets.template.meshes["skin"]
    if actor.neutral.shape == skin.vertices.shape and np.array_equal(actor.faces, skin.faces):
        return replace(actor, canonical=skin.vertices, parting=skin_parting)
    fitter = ScanFitter(assets.template, assets.model, skin_parting)
    triangles = Mesh(actor.neutral, actor.faces).triangles
    fitted = fitter.fit(Scan.checked(actor.neutral, triangles), progress, at_rest=True)
    linear = fitted.to_model[:3, :3]
    neutral = actor.neutral @ linear.T + fitted.to_model[:3, 3]
    surface = Mesh(fitted.skin, skin.faces)
    hits = nearest_on_surface(neutral, surface.vertices, surface.triangles)
    normals = Scan(neutral, triangles[:, ::-1] if fitted.was_inside_out else triangles).normals
    facing = np.einsum("px,px->p", normals, hits.interpolate(surface.vertex_normals, surface.triangles))
    face = hits.interpolate(assets.template.regions["face"], surface.triangles) > 0.5
    kept = np.flatnonzero((hits.distances < REACH_MM) & (facing > LEAST_FACING) & face)
    if len(kept) < LEAST_PLACED:
        raise StyleError(
            f"Only {len(kept)} vertices of {actor.name} lie on the face that was fitted to it; at least {LEAST_PLACED} "
            "are needed. Use a finer mesh of the head."
        )
    index = np.full(len(neutral), -1, dtype=np.int32)
    index[kept] = np.arange(len(kept))
    faces = np.where(actor.faces >= 0, index[actor.faces], -1)
    is_whole = (faces >= 0).sum(axis=1) == (actor.faces >= 0).sum(axis=1)
    return replace(
        actor,
        neutral=neutral[kept],
        faces=faces[is_whole],
        shapes=actor.shapes[:, kept] @ linear.T,
        shape_jaw=None,
        canonical=hits.interpolate(skin.vertices, surface.triangles)[kept],
        parting=hits.interpolate(skin_parting, surface.triangles)[kept],
        identity=fitted.parameters.identity,
        sequences={
            name: replace(sequence, positions=sequence.positions[:, kept] @ linear.T + fitted.to_model[:3, 3], jaw=None)
            for name, sequence in actor.sequences.items()
        },
    )
