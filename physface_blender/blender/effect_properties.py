# SPDX-License-Identifier: GPL-3.0-or-later
"""What acts on a face besides its expression, as it is stored on the skin: ``physface.effects``.

Numbers that can be keyed are keyed under ``physface.effects.NAME``. Masks are vertex groups, named here; ``effects`` turns
all of it into what the backend takes.
"""

import math

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from ..backend.effects import JAW_SCALE_RANGE, JAW_SHIFT_RANGE_MM, STIFFNESS_RANGE
from . import live

EFFECTS_PATH = "physface.effects"
"""Data path from a skin object to its effects."""

PARALYSIS_GROUP = "PF Paralysis"
STIFFNESS_GROUP = "PF Stiffness"

CHIN_RANGE_MM = (-8.0, 8.0)
"""As far as surgeons move a chin."""

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


def _changed(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    live.mark(settings.id_data)


def _jaw_scale(name: str, description: str) -> bpy.types.bpy_struct:
    low, high = JAW_SCALE_RANGE
    return FloatProperty(
        name=name,
        description=f"{description}, about the joints, which stay where they are; 1 is the person's own",
        default=1.0,
        min=low,
        max=high,
        step=1,
        precision=3,
        options=set(),  # a bake has one mandible
        override=_OVERRIDABLE,
        update=_changed,
    )


def _millimeters(name: str, description: str, bounds: tuple[float, float]) -> bpy.types.bpy_struct:
    return FloatProperty(
        name=name,
        description=description,
        default=0.0,
        min=bounds[0],
        max=bounds[1],
        step=10,
        precision=1,
        options=set(),  # a bake has one mandible
        override=_OVERRIDABLE,
        update=_changed,
    )


def _chin_handle(name: str, direction: str) -> bpy.types.bpy_struct:
    moved = f"Millimeters that the bone of the chin is moved {direction}; teeth and joint stay where they are"
    return _millimeters(name, moved, CHIN_RANGE_MM)


class PHYSFACE_PG_effects(bpy.types.PropertyGroup):
    """Friction, gravity, painted stiffness, paralysis and the edited mandible of one character."""

    friction: FloatProperty(
        name="Friction",
        description="Coefficient where lips, teeth and lids touch; it holds from one frame to the next, not in a still pose",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        override=_OVERRIDABLE,
        update=_changed,
    )
    gravity: BoolProperty(
        name="Gravity",
        description="Let the tissue hang as it does on a turned head; faces are made upright, so upright changes nothing",
        default=False,
        override=_OVERRIDABLE,
        update=_changed,
    )
    gravity_source: EnumProperty(
        name="Head From",
        description="What says how the head is turned",
        items=(
            ("FACE", "Face", "The face object's own orientation in the world"),
            ("TARGET", "Object or Bone", "How another object, or a bone from its rest, is turned in the world"),
            ("ANGLES", "Angles", "Two angles, which can be keyed"),
        ),
        override=_OVERRIDABLE,
        update=_changed,
    )
    gravity_target: PointerProperty(
        name="Object",
        description="Object whose orientation is the head's; unturned it stands for an upright head that looks toward -Y",
        type=bpy.types.Object,
        override=_OVERRIDABLE,
        update=_changed,
    )
    gravity_bone: StringProperty(
        name="Bone",
        description="Bone of the armature whose turn from its rest is the head's; empty for the armature itself",
        override=_OVERRIDABLE,
        update=_changed,
    )
    head_pitch: FloatProperty(
        name="Pitch",
        description="How far the head nods: 90 degrees is face down, -90 degrees lies on the back",
        subtype="ANGLE",
        min=-math.pi / 2,
        max=math.pi / 2,
        override=_OVERRIDABLE,
        update=_changed,
    )
    head_roll: FloatProperty(
        name="Roll",
        description="How far the head leans, to the character's right when positive",
        subtype="ANGLE",
        min=-math.pi,
        max=math.pi,
        override=_OVERRIDABLE,
        update=_changed,
    )
    stiffness_factor: FloatProperty(
        name="Where Painted",
        description="How many times stiffer the tissue is where its mask is painted full",
        default=3.0,
        min=STIFFNESS_RANGE[0],
        max=STIFFNESS_RANGE[1],
        step=10,
        precision=1,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )
    paralysis: FloatProperty(
        name="Strength",
        description="Share of the muscles' action that is lost where the mask is painted full",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        override=_OVERRIDABLE,
        update=_changed,
    )
    edited_bones: BoolProperty(
        name="Edited Bones",
        description="Show the face with the edited mandible; off shows it before the operation",
        default=True,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )
    jaw_length: _jaw_scale("Length", "Length of the mandible from the joints to the chin")
    jaw_width: _jaw_scale("Width", "Width of the mandible between its two sides")
    jaw_height: _jaw_scale("Height", "Height of the mandible")
    jaw_shift: _millimeters(
        "Shift",
        "Millimeters that the mandible with chin and lower teeth is moved to the character's left, to the right when "
        "negative; the joints stay where they are",
        JAW_SHIFT_RANGE_MM,
    )
    chin_forward: _chin_handle("Chin Forward", "forward; back when negative")
    chin_down: _chin_handle("Chin Down", "downward; up when negative")
