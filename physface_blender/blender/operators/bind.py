# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own mesh on a face: teeth, eyes and lashes that go with it, and how it is let go."""

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import bound_mesh, face_objects, live
from ..properties import BOUND_KINDS
from .base import ReportingOperator, Result, UserError, needs_skin


def _needs_bound(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """``poll`` for operators on a character that carries a mesh and has no bake."""
    if not needs_skin(cls, context):
        return False
    skin = face_objects.skin_of(context.active_object)
    if face_objects.bound_to(skin) is None:
        cls.poll_message_set("No mesh rides on this face")
        return False
    if face_objects.has_bake(skin):
        cls.poll_message_set("The face has a bake; clear it first")
        return False
    return True


class PHYSFACE_OT_bind_parts(ReportingOperator, bpy.types.Operator):
    """Let the other selected objects, your teeth, gums, tongue, eyes, lashes or brows, go with the bound head."""

    bl_idname = "physface.bind_parts"
    bl_label = "Bind Selected Parts"
    bl_options = {"REGISTER", "UNDO"}

    kind: EnumProperty(
        name="Kind",
        description="How the selected objects go with the head",
        items=(("AUTO", "By Place", "By where each object lies on the face"), *BOUND_KINDS),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character that carries a mesh, in Object Mode."""
        if not _needs_bound(cls, context):
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Store how each object lies, and show the face with them."""
        skin = face_objects.skin_of(context.active_object)
        chosen = [
            found for found in context.selected_objects if found.type == "MESH" and face_objects.skin_of(found) is None
        ]
        if not chosen:
            raise UserError("No part is selected; select your teeth, eyes or lashes first, and the head last.")
        context.view_layer.update()
        for target in chosen:
            bound_mesh.check_part(target)
        labels = {identifier: label for identifier, label, _ in BOUND_KINDS}
        told = []
        for target in chosen:
            kind = bound_mesh.bind_part(target, skin, "" if self.kind == "AUTO" else self.kind)
            told.append(f"{target.name} as {labels[kind].lower()}")
        live.bind_anew(skin)
        self.report({"INFO"}, f"Bound {', '.join(told)}")
        return {"FINISHED"}


class PHYSFACE_OT_release_part(ReportingOperator, bpy.types.Operator):
    """Let this object go; it has its own shape again."""

    bl_idname = "physface.release_part"
    bl_label = "Release Part"
    bl_options = {"REGISTER", "UNDO"}

    part: StringProperty(options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character that carries a mesh and has no bake."""
        return _needs_bound(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Forget how it lies."""
        skin = face_objects.skin_of(context.active_object)
        target = bpy.data.objects.get(self.part)
        if target not in face_objects.bound_objects(skin).values() or target == face_objects.bound_to(skin):
            raise UserError(f"{self.part or 'The object'} does not go with this face; choose a part in the panel.")
        if target == context.active_object:
            context.view_layer.objects.active = face_objects.bound_to(skin)
        bound_mesh.release(target)
        live.bind_anew(skin)
        return {"FINISHED"}


class PHYSFACE_OT_release_mesh(ReportingOperator, bpy.types.Operator):
    """Let the mesh that rides on the face go; it has its own shape again, and the face shows its own skin."""

    bl_idname = "physface.release_mesh"
    bl_label = "Release Mesh"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character that carries a mesh and has no bake."""
        return _needs_bound(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Forget how it and its teeth, eyes and lashes lie, and show the face."""
        skin = face_objects.skin_of(context.active_object)
        for target in face_objects.bound_objects(skin).values():
            bound_mesh.release(target)
        for part, target in face_objects.parts_of(skin).items():
            target.hide_set(False)
            target.hide_render = part in face_objects.HIDDEN_PARTS
        context.view_layer.objects.active = skin
        live.mark(skin)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_bind_parts, PHYSFACE_OT_release_part, PHYSFACE_OT_release_mesh)
