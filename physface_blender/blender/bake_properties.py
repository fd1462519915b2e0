# SPDX-License-Identifier: GPL-3.0-or-later
"""How a face is baked, as it is stored on the skin: ``physface.bake``. What has been baked is read off the objects."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from . import compat, live

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
_FARTHEST_FRAME = 1048574


def _frame(name: str, description: str, default: int) -> bpy.types.bpy_struct:
    return IntProperty(
        name=name,
        description=description,
        default=default,
        min=-_FARTHEST_FRAME,
        max=_FARTHEST_FRAME,
        override=_OVERRIDABLE,
    )


def _resolution_changed(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """The preview may take the cells of the bake."""
    live.mark(settings.id_data)


class PHYSFACE_PG_bake(bpy.types.PropertyGroup):
    """Which frames are baked, how finely, and what they are written to."""

    format: EnumProperty(
        name="Format",
        description="What the finished frames are written to",
        items=(
            (
                "ABSOLUTE",
                "Key per Frame",
                "An absolute shape key for every frame: exact, plays fast, mixes with nothing",
            ),
            ("COMPACT", "Compact Keys", "A few relative shape keys with curves, within a tolerance: mixes and exports"),
            ("CACHE", "Point Cache", "A PC2 file beside the .blend and a Mesh Cache modifier: for long shots"),
        ),
        override=_OVERRIDABLE,
    )
    tolerance: FloatProperty(
        name="Tolerance mm",
        description="Largest distance of any vertex in any frame from where it was simulated, in millimeters",
        default=0.1,
        min=0.001,
        max=5.0,
        precision=3,
        step=1,
        override=_OVERRIDABLE,
    )
    folder: StringProperty(
        name="Folder",
        description="Folder of the point caches; // is the folder of the .blend file",
        default="//physface_cache",
        subtype="DIR_PATH",
        options=compat.BLEND_RELATIVE,
        override=_OVERRIDABLE,
    )
    range: EnumProperty(
        name="Range",
        description="Which frames to bake",
        items=(
            ("SCENE", "Scene", "From the first to the last frame of the scene"),
            ("CUSTOM", "Custom", "From Start to End below"),
        ),
        override=_OVERRIDABLE,
    )
    start: _frame("Start", "First frame to bake", 1)
    end: _frame("End", "Last frame to bake", 48)
    step: IntProperty(
        name="Step",
        description="Bake every so many frames; between them the face moves in a straight line",
        default=1,
        min=1,
        soft_max=4,
        max=100,
        override=_OVERRIDABLE,
    )
    part_start: _frame("Part Start", "First frame to bake again", 1)
    part_end: _frame("Part End", "Last frame to bake again", 1)
    physics: BoolProperty(
        name="Physics in Bake",
        description="Simulate the soft tissue in every baked frame, instead of baking the network's face alone",
        default=True,
        override=_OVERRIDABLE,
    )
    resolution: FloatProperty(
        name="Bake Resolution",
        description="Size of a cell of the tissue in millimeters for the bake; smaller is finer and slower",
        default=4.0,
        min=2.5,
        max=8.0,
        step=10,
        precision=1,
        override=_OVERRIDABLE,
        update=_resolution_changed,
    )
