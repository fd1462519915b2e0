# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender tells us: a new frame, undo, another file. Handlers only take notes; the live preview's timer acts on them.

Writing meshes from within undo or render handlers crashes Blender, so nothing here touches data.
"""

import bpy
from bpy.app.handlers import persistent

from . import face_objects, live


def _is_rendering() -> bool:
    return bpy.app.is_job_running("RENDER")


@persistent
def frame_changed(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    """Animated faces may have another expression now."""
    if not _is_rendering():
        live.mark_scene(scene, only_animated=True)


@persistent
def history_changed(scene: bpy.types.Scene, *_arguments: object) -> None:
    """Undo or redo brought back other sliders, and perhaps an older state of the meshes."""
    if not _is_rendering():
        live.mark_scene(bpy.context.scene)


@persistent
def render_ended(scene: bpy.types.Scene, *_arguments: object) -> None:
    """The timeline may stand elsewhere than when the render began."""
    live.mark_scene(scene, only_animated=True)


@persistent
def file_will_change(*_arguments: object) -> None:
    """Another file comes: forget the faces of this one."""
    live.stop()


@persistent
def scene_evaluated(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    """A head may have turned, a driver may have moved a slider, a brush may have painted."""
    if not _is_rendering():
        for skin in face_objects.skins(scene):
            live.look(skin)


_HANDLERS = (
    ("depsgraph_update_post", scene_evaluated),
    ("frame_change_post", frame_changed),
    ("undo_post", history_changed),
    ("redo_post", history_changed),
    ("render_complete", render_ended),
    ("render_cancel", render_ended),
    ("load_pre", file_will_change),
)


def register() -> None:
    """Append the handlers."""
    for name, function in _HANDLERS:
        getattr(bpy.app.handlers, name).append(function)


def unregister() -> None:
    """Remove the handlers."""
    for name, function in _HANDLERS:
        registered = getattr(bpy.app.handlers, name)
        if function in registered:
            registered.remove(function)
