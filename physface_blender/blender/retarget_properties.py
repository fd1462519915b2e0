# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a face takes its performance from and what is done to it, stored on the skin: ``physface.retarget``."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..performance.arkit import GROUPS
from . import compat

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


def _is_other_face(settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.physface.part == "skin" and candidate != settings.id_data


def _is_other_mesh(settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH" and candidate != settings.id_data


def _gain(group: str) -> bpy.types.bpy_struct:
    return FloatProperty(
        name=group.title(),
        description=f"What the sliders of the {group} are multiplied with",
        default=1.0,
        min=0.0,
        max=4.0,
        soft_max=2.0,
        step=5,
        options=set(),
        override=_OVERRIDABLE,
    )


class PHYSFACE_PG_retarget(bpy.types.PropertyGroup):
    """Source, timing and gains of a performance."""

    source: EnumProperty(
        name="From",
        description="Where the performance comes from",
        items=(
            ("CAPTURE", "Capture File", "A Live Link Face CSV"),
            ("EXAMPLE", "Example", "Four seconds of a range of motion that come with PhysFace"),
            ("CHARACTER", "Character", "What another physical face does over the scene's frames"),
            ("MESH", "Moving Mesh", "A mesh of the scene that performs: shape keys, bones, Alembic, any topology"),
            ("FILES", "OBJ Files", "A numbered sequence of OBJ, PLY or STL files, one a frame, the first one at rest"),
            ("ACTION", "Action", "Curves of sliders, or of shape keys with ARKit names in any capitalization"),
        ),
        override=_OVERRIDABLE,
    )
    filepath: StringProperty(
        name="File",
        description="The capture, .csv or .csv.gz",
        subtype="FILE_PATH",
        options=compat.BLEND_RELATIVE,
        override=_OVERRIDABLE,
    )
    character: PointerProperty(
        name="Character",
        description="The physical face to copy from",
        type=bpy.types.Object,
        poll=_is_other_face,
        override=_OVERRIDABLE,
    )
    mesh: PointerProperty(
        name="Mesh",
        description="The head that performs over the scene's frames, of any topology",
        type=bpy.types.Object,
        poll=_is_other_mesh,
        override=_OVERRIDABLE,
    )
    rest_frame: IntProperty(
        name="Rest Frame",
        description="Frame in which the mesh shows no expression",
        default=1,
        min=-1048574,
        max=1048574,
        options=set(),
        override=_OVERRIDABLE,
    )
    first_file: StringProperty(
        name="First File",
        description="The first file of the sequence, such as head.0001.obj; it shows the face at rest",
        subtype="FILE_PATH",
        options=compat.BLEND_RELATIVE,
        override=_OVERRIDABLE,
    )
    action: PointerProperty(
        name="Action", description="The action to copy from", type=bpy.types.Action, override=_OVERRIDABLE
    )
    start: IntProperty(
        name="Start Frame",
        description="Frame at which the performance begins",
        default=1,
        min=-1048574,
        max=1048574,
        options=set(),
        override=_OVERRIDABLE,
    )
    extend_scene: BoolProperty(
        name="Extend Scene",
        description="Move the scene's last frame to the end of the performance when it lies before it",
        default=True,
        options=set(),
        override=_OVERRIDABLE,
    )
    speed: FloatProperty(
        name="Speed",
        description="How much faster the performance plays; 0.5 takes twice the time",
        default=1.0,
        min=0.05,
        max=20.0,
        soft_min=0.25,
        soft_max=4.0,
        step=5,
        options=set(),
        override=_OVERRIDABLE,
    )
    smoothing: FloatProperty(
        name="Smoothing s",
        description="Width of the smoothing over time in seconds; it takes jitter away, and too much of it blinks too",
        default=0.0,
        min=0.0,
        max=2.0,
        soft_max=0.2,
        step=1,
        precision=3,
        options=set(),
        override=_OVERRIDABLE,
    )
    summary: StringProperty(
        name="Summary", description="What was retargeted last", options={"HIDDEN"}, override=_OVERRIDABLE
    )


PHYSFACE_PG_retarget.__annotations__.update({f"gain_{group}": _gain(group) for group in GROUPS})
