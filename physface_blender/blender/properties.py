# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored on the objects of a character: the truth from which everything else is made again.

``Object.physface`` exists on every object. On a skin it holds the identity, the settings and, under ``expression``, the
52 sliders; on the other parts only ``part`` says what they are. All of it is saved with the file, undone and overridden
by Blender itself; the state of a running job is not here (see ``jobs``).
"""

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from numpy.typing import NDArray

from ..backend.identity import COEFFICIENT_BOUND
from ..performance.arkit import ARKIT_NAMES, GROUPS
from . import face_objects, live
from .bake_properties import PHYSFACE_PG_bake
from .effect_properties import PHYSFACE_PG_effects
from .retarget_properties import PHYSFACE_PG_retarget
from .style_properties import PHYSFACE_PG_style

EXPRESSION_PATH = "physface.expression"
"""Data path from a skin object to its sliders; a slider is ``physface.expression.jawOpen``."""

_IDENTITY_SLICE = 25  # Blender's vectors end at 32 components, so 100 coefficients lie in four of them
_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


def _pose_changed(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Ask for a new live pose; nothing of Blender is written here."""
    live.mark(settings.id_data)


def _kind_changed(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Let the artist's object go with the head in another way."""
    skin = face_objects.skin_of(settings.id_data)
    if skin is not None:
        live.bind_anew(skin)


BOUND_KINDS = (
    ("TEETH", "Teeth", "Teeth, gums or tongue: goes with the skull and the jaw"),
    ("EYE_LEFT", "Left Eye", "An eyeball: turns with the character's left eye"),
    ("EYE_RIGHT", "Right Eye", "An eyeball: turns with the character's right eye"),
    ("LASHES", "Lashes", "Lashes, brows or a beard: goes with the skin that it lies on"),
)

_WITHOUT_EFFECT = {"tongueOut": "; kept for captures, as the tongue of this model does not stick out"}


def _slider(name: str) -> bpy.types.bpy_struct:
    side = "the character's left" if name.endswith("Left") else "the character's right"
    where = f" ({side})" if name.endswith(("Left", "Right")) else ""
    return FloatProperty(
        name=name,
        description=f"Weight of the ARKit expression {name}{where}{_WITHOUT_EFFECT.get(name, '')}",
        min=0.0,
        max=1.0,
        soft_min=0.0,
        soft_max=1.0,
        step=1,
        precision=3,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )


PHYSFACE_PG_expression = type(
    "PHYSFACE_PG_expression",
    (bpy.types.PropertyGroup,),
    {
        "__doc__": "The 52 ARKit weights of one character, each under its exact name.",
        "__module__": __name__,
        "__annotations__": {name: _slider(name) for name in ARKIT_NAMES},
    },
)


def _identity_slice(part: int) -> bpy.types.bpy_struct:
    first = part * _IDENTITY_SLICE
    return FloatVectorProperty(
        name="Mode",
        description=(
            f"Coefficients {first + 1} to {first + _IDENTITY_SLICE} of the identity, in standard deviations. They are the "
            "principal directions in which faces differ, the first ones most; no one of them is a single feature"
        ),
        size=_IDENTITY_SLICE,
        min=-COEFFICIENT_BOUND,
        max=COEFFICIENT_BOUND,
        soft_min=-3.0,
        soft_max=3.0,
        step=5,
        precision=2,
        options=set(),  # a performance is one person's
        override=_OVERRIDABLE,
        update=_pose_changed,
    )


class PHYSFACE_PG_character(bpy.types.PropertyGroup):
    """Everything that makes one character, on its skin object."""

    part: StringProperty(
        name="Part",
        description="Which part of a physical face this object is; empty on any other object",
        options={"HIDDEN"},
    )
    expression: PointerProperty(type=PHYSFACE_PG_expression, override=_OVERRIDABLE)
    effects: PointerProperty(type=PHYSFACE_PG_effects, override=_OVERRIDABLE)
    styles: CollectionProperty(type=PHYSFACE_PG_style, override=_OVERRIDABLE | {"USE_INSERTION"})

    seed: IntProperty(name="Seed", description="Number from which the identity was drawn", options={"HIDDEN"})
    identity_0: _identity_slice(0)
    identity_1: _identity_slice(1)
    identity_2: _identity_slice(2)
    identity_3: _identity_slice(3)
    units_per_millimeter: FloatProperty(default=0.001, options={"HIDDEN"}, precision=6)
    bound_face: PointerProperty(
        name="Face",
        description="On a mesh of the artist's: the physical face that it rides on",
        type=bpy.types.Object,
        options={"HIDDEN"},
    )
    bound_with: PointerProperty(
        name="Head",
        description="On teeth, eyes or lashes of the artist's: the mesh on a face that they go with",
        type=bpy.types.Object,
        options={"HIDDEN"},
    )
    bound_kind: EnumProperty(
        name="Kind",
        description="How this object goes with the head",
        items=BOUND_KINDS,
        update=_kind_changed,
    )
    bound_matrix: FloatVectorProperty(size=16, options={"HIDDEN"}, precision=6)
    bound_mirror: BoolProperty(options={"HIDDEN"})
    pivot: FloatVectorProperty(
        name="Pivot",
        description="On an eye: the center it turns about, in millimeters in the space of the numerics",
        size=3,
        options={"HIDDEN"},
    )

    live: BoolProperty(
        name="Live Preview",
        description="Let the face follow the sliders and the timeline; a baked face plays its bake instead",
        default=True,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    live_physics: BoolProperty(
        name="Physics in Preview",
        description="Simulate the soft tissue for every change, instead of showing the network's face alone",
        default=False,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    contact: BoolProperty(
        name="Contact",
        description="Keep lips and teeth from passing through each other",
        default=True,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    preview_as_bake: BoolProperty(
        name="Preview as Bake",
        description="Show live what a bake will show: the same person and tissue in cells of the bake's size, and slower",
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    preview_resolution: FloatProperty(
        name="Preview Resolution",
        description="Size of a cell of the tissue in millimeters for the live preview; larger is faster",
        default=6.8,
        min=2.5,
        max=8.0,
        step=10,
        precision=1,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    stiffness: FloatProperty(
        name="Stiffness",
        description="Young's modulus of the tissue in kilopascals; it shows in what gravity, paralysis and bones do",
        default=5.0,
        min=0.5,
        max=50.0,
        step=10,
        precision=1,
        options=set(),  # another stiffness is another simulator
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    poisson_ratio: FloatProperty(
        name="Poisson Ratio",
        description="How much the tissue keeps its volume when it is pressed; 0.5 would be all of it",
        default=0.47,
        min=0.0,
        max=0.49,
        step=1,
        precision=3,
        override=_OVERRIDABLE,
        update=_pose_changed,
    )

    solo: EnumProperty(
        name="Solo",
        description="Let the preview show one group of sliders alone; animation and bake keep them all",
        items=(
            ("ALL", "All", "All sliders are shown"),
            *((group, group.title(), f"Only the sliders of the {group} are shown") for group in GROUPS),
        ),
        options=set(),
        override=_OVERRIDABLE,
        update=_pose_changed,
    )
    retarget: PointerProperty(type=PHYSFACE_PG_retarget, override=_OVERRIDABLE)
    bake: PointerProperty(type=PHYSFACE_PG_bake, override=_OVERRIDABLE)


def read_expression(owner: bpy.types.Object) -> NDArray[np.float64]:
    """The (52,) slider values of a skin object, in the order of ``ARKIT_NAMES``."""
    sliders = owner.physface.expression
    return np.array([getattr(sliders, name) for name in ARKIT_NAMES])


def shown_expression(owner: bpy.types.Object) -> NDArray[np.float64]:
    """The (52,) slider values that the preview shows: those of one group alone when it is on solo."""
    weights = read_expression(owner)
    if owner.physface.solo == "ALL":
        return weights
    return np.where([name in GROUPS[owner.physface.solo] for name in ARKIT_NAMES], weights, 0.0)


def write_expression(owner: bpy.types.Object, weights: NDArray) -> None:
    """Set the sliders of a skin object to (52,) weights."""
    sliders = owner.physface.expression
    for name, weight in zip(ARKIT_NAMES, weights, strict=True):
        if getattr(sliders, name) != weight:
            setattr(sliders, name, float(weight))


def read_identity(owner: bpy.types.Object) -> NDArray[np.float64]:
    """The (100,) identity coefficients of a skin object."""
    settings = owner.physface
    return np.concatenate([getattr(settings, f"identity_{part}") for part in range(4)]).astype(np.float64)


def write_identity(owner: bpy.types.Object, coefficients: NDArray) -> None:
    """Store (100,) identity coefficients on a skin object."""
    for part, values in enumerate(np.asarray(coefficients, dtype=np.float64).reshape(4, _IDENTITY_SLICE)):
        setattr(owner.physface, f"identity_{part}", values)


CLASSES = (
    PHYSFACE_PG_expression,
    PHYSFACE_PG_effects,
    PHYSFACE_PG_style,
    PHYSFACE_PG_retarget,
    PHYSFACE_PG_bake,
    PHYSFACE_PG_character,
)


_DECLARED = {cls: cls.__annotations__ for cls in CLASSES}


def register() -> None:
    """Register the property groups and put them on every object."""
    for cls in CLASSES:
        cls.__annotations__ = _DECLARED[cls]
        bpy.utils.register_class(cls)
    bpy.types.Object.physface = PointerProperty(type=PHYSFACE_PG_character, override=_OVERRIDABLE)
    bpy.types.WindowManager.physface_search = StringProperty(
        name="Search", description="Show the sliders whose names hold this", options={"TEXTEDIT_UPDATE"}
    )


def unregister() -> None:
    """Take the properties off the objects again."""
    del bpy.types.WindowManager.physface_search
    del bpy.types.Object.physface
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
        # Blender keeps the class, and with it what its properties call; 4.2 as a Python module then crashes at exit.
        cls.__annotations__ = {}
