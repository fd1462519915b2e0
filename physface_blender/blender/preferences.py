# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences, and the backend's settings that follow from them."""

from pathlib import Path

import bpy
from bpy.props import IntProperty, StringProperty

from ..backend import cache_folder
from ..backend.settings import BackendSettings

ROOT_PACKAGE = __package__.rpartition(".")[0]
"""``bl_ext.<repository>.physface`` when installed, ``physface_blender`` from a checkout."""


class PHYSFACE_preferences(bpy.types.AddonPreferences):
    """Which Python computes, with how many threads, and where it keeps what it can make again."""

    bl_idname = ROOT_PACKAGE

    python: StringProperty(
        name="Backend Python",
        description="Python that runs the backend; empty for Blender's own. Another one can bring a CUDA build of torch",
        subtype="FILE_PATH",
    )
    cache_directory: StringProperty(
        name="Cache Folder",
        description="Where prepared anatomy, compiled code and the backend's log are kept; empty for the usual place",
        subtype="DIR_PATH",
    )
    cache_megabytes: IntProperty(
        name="Cache Limit MB",
        description="What the cache may take; beyond it, files that were not used for the longest are removed, never one "
        "in use. 0 for no limit",
        default=1000,
        min=0,
        soft_max=10000,
    )
    threads: IntProperty(
        name="Threads",
        description="Threads of the backend; 0 for one per processor, up to eight",
        default=0,
        min=0,
        max=64,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "python")
        layout.prop(self, "cache_directory")
        layout.prop(self, "cache_megabytes")
        layout.prop(self, "threads")
        folder = backend_settings().cache_directory
        layout.label(text=f"The cache takes {cache_folder.size_megabytes(folder):.1f} MB in {folder}")
        row = layout.row(align=True)
        row.operator("physface.restart_backend")
        row.operator("physface.clear_cache")


def backend_settings() -> BackendSettings:
    """The backend's settings by the preferences; the defaults when the package is not enabled as an add-on."""
    chosen = {}
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    preferences = addon.preferences if addon is not None else None
    if preferences is not None and preferences.python:
        chosen["python"] = Path(bpy.path.abspath(preferences.python))
    if preferences is not None and preferences.threads > 0:
        chosen["thread_count"] = preferences.threads
    if preferences is not None:
        chosen["cache_megabytes"] = preferences.cache_megabytes
    if preferences is not None and preferences.cache_directory:
        chosen["cache_directory"] = Path(bpy.path.abspath(preferences.cache_directory))
    elif ROOT_PACKAGE.startswith("bl_ext."):
        chosen["cache_directory"] = Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="cache", create=True))
    return BackendSettings(**chosen)


def user_folder(name: str) -> Path:
    """A folder for what the user keeps, made when it is not there; the extension's own once it is installed."""
    if ROOT_PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path=name, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path=f"physface/{name}", create=True))


CLASSES = (PHYSFACE_preferences,)
