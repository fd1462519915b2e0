# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview: faces follow their sliders without Blender ever waiting.

Whatever may have changed a pose (a slider, the timeline, undo, a loaded file) only *marks* the face. A timer then asks the
backend for the pose that the object's own sliders say at that moment, and writes the newest answer to the mesh. So the
shown pose follows from the object alone (with physics by the steps of the solver, each from where the last one has got
to, until it has settled), and there is nothing here that undo or a second character could contradict: a
face is known by its ``session_uid`` and forgotten when it is gone. What no slider tells of, such as a head that turns, a
brush or a driver, is *looked at* after Blender has evaluated the scene, and marks the face when it has changed.

Meshes are written from the timer only: never from a handler, and never while Blender renders.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend.errors import IdentityError
from ..backend.messages import UNDER_WAY, Failed, Posed
from . import (
    bones,
    bound_mesh,
    effects,
    face_objects,
    jobs,
    preferences,
    properties,
    requests,
    styles,
    worker_link,
)
from .face_objects import FaceObjectError
from .worker_link import LinkError, Ticket

BUSY_SECONDS = 0.015
PATIENT_SECONDS = 0.25
SPEAKING_SECONDS = 0.5
KEPT_CHARACTERS = 3
"""Preview characters that the backend keeps; the one unused for the longest is dropped."""


@dataclass
class _Face:
    """What is under way for one face.

    Attributes:
        character: The making of the character.
        bindings: Of the artist's meshes to it.
        is_bound: These are all that there are.
        shown: The character whose rigid parts are shown.
        wanted: (52,) expression that the newest pose is on the way to.
        effects: What acted on the face in the newest pose.
        style: In whose manner it performed in the newest pose.
        poses: Poses without their last reply, oldest first.
        pose: What was written to the mesh last.
        sentence: For the panel.
        said: When it changed last.
        last_used: When the last pose was asked for.
    """

    character: Ticket | None = None
    bindings: list[Ticket] = field(default_factory=list)
    is_bound: bool = False
    shown: Ticket | None = None
    wanted: NDArray[np.float64] | None = None
    effects: dict[str, Any] = field(default_factory=dict)
    style: Mapping[str, float] = field(default_factory=dict)
    poses: list[Ticket] = field(default_factory=list)
    pose: Posed | None = None
    sentence: str = ""
    said: float = 0.0
    last_used: float = 0.0


_FIGURE = re.compile(r"\d+")

_marked: set[int] = set()
_looked_at: set[int] = set()
_faces: dict[int, _Face] = {}


def is_live(skin: bpy.types.Object) -> bool:
    """Whether a face follows its sliders: preview on, and no bake on the mesh."""
    return skin.physface.live and not face_objects.has_bake(skin)


def mark(skin: bpy.types.Object) -> None:
    """Note that a face may have another pose now."""
    if not face_objects.is_skin(skin) or not is_live(skin):
        return
    _marked.add(skin.session_uid)
    ensure_timer()


def mark_scene(scene: bpy.types.Scene, *, only_animated: bool = False) -> None:
    """Mark all faces of a scene.

    Args:
        scene: The scene.
        only_animated: Leave out faces that nothing animates.
    """
    for skin in face_objects.skins(scene):
        if not only_animated or skin.animation_data is not None:
            mark(skin)


def bind_anew(skin: bpy.types.Object) -> None:
    """Note that other meshes of the artist's ride on a face than before."""
    if skin.session_uid in _faces:
        _faces[skin.session_uid].is_bound = False
    mark(skin)


def look(skin: bpy.types.Object) -> None:
    """Note that something outside the sliders may move a face; whether it does is seen by the timer."""
    if is_live(skin) and effects.follow_scene(skin):
        _looked_at.add(skin.session_uid)
        ensure_timer()


def ensure_timer() -> None:
    """Let the timer run; it stops by itself when nothing is under way."""
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=BUSY_SECONDS)


def stop() -> None:
    """Forget everything and stop the timer."""
    _marked.clear()
    _looked_at.clear()
    _faces.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def sentence(skin: bpy.types.Object) -> str:
    """What the live preview has to say about a face; empty when there is nothing."""
    face = _faces.get(skin.session_uid)
    return face.sentence if face is not None else ""


def is_pending(skin: bpy.types.Object) -> bool:
    """Whether the shown pose is not yet what the sliders say."""
    face = _faces.get(skin.session_uid)
    return skin.session_uid in _marked or (face is not None and bool(face.poses))


def tick() -> float | None:
    """Move all marked faces one step on; the timer's function.

    Returns:
        Seconds until the next call, None when there is nothing more to do.
    """
    if bpy.app.is_job_running("RENDER"):
        return PATIENT_SECONDS
    link = worker_link.current()
    if link is not None:
        link.pump()
    waiting: set[int] = set()
    for uid in [*_faces, *(_marked - _faces.keys())]:
        skin = face_objects.find_skin(uid)
        if skin is None:
            _forget(uid)
        elif not _may_be_written(skin) or jobs.running(uid) is not None:
            waiting.add(uid)
        else:
            if uid in _looked_at and _has_changed(skin, _faces[uid]):
                _marked.add(uid)
            _looked_at.discard(uid)
            _step(skin)
    _looked_at.intersection_update(waiting)
    if any(face.poses for face in _faces.values()) or _marked - waiting:
        return BUSY_SECONDS
    return PATIENT_SECONDS if _marked or _looked_at else None


def _may_be_written(skin: bpy.types.Object) -> bool:
    """Whether nobody works on the mesh: in Object Mode, and in Weight Paint Mode between two strokes."""
    if skin.mode == "WEIGHT_PAINT":
        windows = bpy.context.window_manager.windows
        return not any(
            running.bl_idname.startswith("PAINT_OT") for window in windows for running in window.modal_operators
        )
    return skin.mode == "OBJECT"


def _has_changed(skin: bpy.types.Object, face: _Face) -> bool:
    """Whether sliders, styles or effects are others than in the newest pose; masks change under the brush alone."""
    if face.wanted is None or not np.array_equal(face.wanted, properties.shown_expression(skin)):
        return True
    if face.style != styles.of(skin):
        return True
    if not skin.physface.live_physics:
        return False
    depsgraph = bpy.context.evaluated_depsgraph_get()
    if skin.mode == "WEIGHT_PAINT":
        return effects.of(skin, depsgraph) != face.effects
    now, before = effects.settings(skin, depsgraph), face.effects
    return any(before.get(name) != now.get(name) for name in effects.SETTINGS)


def _step(skin: bpy.types.Object) -> None:
    face = _faces.setdefault(skin.session_uid, _Face())
    try:
        if skin.session_uid in _marked:
            _marked.discard(skin.session_uid)
            if is_live(skin):
                _ask(skin, face)
        _show(skin, face)
    except (LinkError, FaceObjectError, IdentityError) as error:
        face.poses.clear()
        _say(face, str(error))


def _ask(skin: bpy.types.Object, face: _Face) -> None:
    """Ask for what the sliders say."""
    link = worker_link.get(preferences.backend_settings())
    wanted = requests.preview_character(skin)
    if face.character is not None and not face.character.is_done and face.character.request != wanted:
        _marked.add(skin.session_uid)  # identities that a slider passes meanwhile are never made
        return
    character = link.character(wanted)
    if character is not face.character:
        face.character, face.is_bound = character, False
    if not face.is_bound:
        face.is_bound = True
        face.bindings = [link.ask(binding) for binding in bound_mesh.requests(skin, wanted.character)]
    face.wanted = properties.shown_expression(skin)
    face.effects = {}
    if skin.physface.live_physics:
        face.effects = effects.of(skin, bpy.context.evaluated_depsgraph_get())
    request = requests.live_pose(skin, face.wanted, face.effects)
    face.style = request.style
    face.poses.append(link.ask(request))
    face.last_used = time.monotonic()
    if not face.character.is_done:
        _say(face, "Preparing the face...")
    kept = sorted(_faces, key=lambda uid: _faces[uid].last_used, reverse=True)
    for uid in kept[KEPT_CHARACTERS:]:
        if not _faces[uid].poses:
            _forget(uid)


def _show(skin: bpy.types.Object, face: _Face) -> None:
    """Write the newest pose that came, and drop what is finished."""
    if face.character is not None and isinstance(face.character.last, Failed):
        failed, face.character = face.character.last, None
        raise LinkError(failed.sentence)
    for ticket in face.bindings:
        if isinstance(ticket.last, Failed):
            face.bindings = []
            raise LinkError(ticket.last.sentence)
    newest = None
    for ticket in face.poses:
        newest = ticket.last if isinstance(ticket.last, Posed | Failed) else ticket.under_way or newest
    finished = [index for index, ticket in enumerate(face.poses) if ticket.is_done]
    if finished:
        face.poses = face.poses[finished[-1] + 1 :]
    if isinstance(newest, Failed):
        raise LinkError(newest.sentence)
    if newest is None:
        for ticket in (face.character, *face.poses):
            if ticket is not None and not ticket.is_done and ticket.progress is not None:
                _say(face, ticket.progress.sentence)
                break
        return
    if newest is face.pose or not is_live(skin) or face.character.last is None:  # another person is being made
        return
    face.pose = newest
    if face.shown is not face.character:
        face_objects.show_rest(skin, face.character.last.arrays)
        face.shown = face.character
    face_objects.pose(skin, newest.arrays)
    bones.show(skin, newest.arrays, face.character.last.arrays)
    doubt = {"not_converged": ", not converged", UNDER_WAY: ", under way"}.get(newest.status, "")
    _say(face, f"{'Network' if newest.status == 'network' else 'Physics'}: {newest.seconds * 1000:.0f} ms{doubt}")


def _say(face: _Face, text: str) -> None:
    """Note what the panel is to say; figures that change with every pose draw it anew twice a second at most."""
    now = time.monotonic()
    is_figure = _FIGURE.sub("", face.sentence) == _FIGURE.sub("", text)
    if face.sentence != text and (not is_figure or now - face.said > SPEAKING_SECONDS):
        face.sentence, face.said = text, now
        jobs.redraw_panels()


def _forget(uid: int) -> None:
    _marked.discard(uid)
    face = _faces.pop(uid, None)
    link = worker_link.current()
    if face is not None and face.character is not None and link is not None:
        link.drop(face.character.request.character)
