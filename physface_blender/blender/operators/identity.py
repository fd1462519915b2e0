# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on whose face it is: at random, between two faces."""

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty

from ...backend.identity import Identity
from .. import face_objects, identities, live
from .base import ReportingOperator, Result, needs_skin

_shown_faces: list[tuple[str, str, str]] = []  # Blender does not keep the strings of such enumerations


def _faces(_self: bpy.types.OperatorProperties, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    skin = face_objects.skin_of(context.active_object)
    _shown_faces[:] = [(face.name, face.name, "") for face in face_objects.skins(context.scene) if face != skin]
    return _shown_faces


class _IdentityOperator(ReportingOperator):
    """An operator that makes a character another person."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character without a bake, which would go on showing somebody else."""
        if not needs_skin(cls, context):
            return False
        if face_objects.has_bake(face_objects.skin_of(context.active_object)):
            cls.poll_message_set("The face has a bake, which is of the person it is; clear it first")
            return False
        return True


class PHYSFACE_OT_random_identity(_IdentityOperator, bpy.types.Operator):
    """Make the face another person, drawn at random; sliders and animation stay."""

    bl_idname = "physface.random_identity"
    bl_label = "Random Identity"
    bl_options = {"REGISTER", "UNDO"}

    seed: IntProperty(name="Seed", description="Another number is another person", default=1, min=0)
    strength: FloatProperty(
        name="Strength",
        description="How far from the average face: 0 is the average, 1 as different as people are",
        default=0.8,
        min=0.0,
        max=1.6,
        step=5,
    )

    def perform(self, context: bpy.types.Context) -> Result:
        """Draw and write it."""
        skin = face_objects.skin_of(context.active_object)
        identities.write(skin, Identity.from_seed(self.seed, self.strength))
        skin.physface.seed = self.seed
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_blend_identity(_IdentityOperator, bpy.types.Operator):
    """Make the face a person between itself and another face of the scene."""

    bl_idname = "physface.blend_identity"
    bl_label = "Blend Identity"
    bl_options = {"REGISTER", "UNDO"}

    other: EnumProperty(name="Toward", items=_faces)
    share: FloatProperty(
        name="Share",
        description="How far on the way: 0 is the face as it is, 1 the other one",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character beside another."""
        if not super().poll(context):
            return False
        if not _faces(None, context):
            cls.poll_message_set("There is no other face in this scene; add one first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the person between."""
        skin = face_objects.skin_of(context.active_object)
        other = context.scene.objects[self.other]
        identities.write(skin, identities.of(skin).between(identities.of(other), self.share))
        live.mark(skin)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_random_identity, PHYSFACE_OT_blend_identity)
