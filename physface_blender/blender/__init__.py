# SPDX-License-Identifier: GPL-3.0-or-later
"""The only bpy code: bridge, properties, panels, operators, handlers.

It translates and nothing else: what is stored on the objects becomes requests to the backend, and the arrays that come
back become meshes and keyframes.
"""

import atexit

import bpy

from . import handlers, live, operators, panels, preferences, properties, worker_link
from .operators import add_face

_CLASSES = (*preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    """Register everything PhysFace adds to Blender."""
    properties.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.VIEW3D_MT_mesh_add.append(add_face.draw_menu)
    handlers.register()
    atexit.register(unregister)  # bpy as a module hangs at exit when classes are still registered


def unregister() -> None:
    """Take it all away again and end the backend."""
    atexit.unregister(unregister)
    live.stop()
    worker_link.close()
    handlers.unregister()
    bpy.types.VIEW3D_MT_mesh_add.remove(add_face.draw_menu)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    properties.unregister()
