# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the bones: sculpt one, let the face take it over, give the person's own back."""

import bpy
from bpy.props import EnumProperty

from ...backend.messages import Posed
from ...performance.arkit import expression
from .. import bones, chin, effects, face_objects, jobs, live, preferences, requests, worker_link
from .base import JobOperator, ReportingOperator, Result, UserError, Work, needs_skin

HANDLES = ("jaw_length", "jaw_width", "jaw_height", "jaw_shift", *chin.HANDLES)


class PHYSFACE_OT_sculpt_bone(ReportingOperator, bpy.types.Operator):
    """Show a bone and sculpt it; press Update Anatomy when it is done."""

    bl_idname = "physface.sculpt_bone"
    bl_label = "Sculpt Bone"
    bl_options = {"REGISTER", "UNDO"}

    bone: EnumProperty(
        name="Bone",
        items=(
            ("mandible", "Mandible", "The lower jaw"),
            ("skull", "Skull", "All of the head's bone but the lower jaw"),
        ),
        default="mandible",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character in Object Mode."""
        if not needs_skin(cls, context):
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first: sculpting starts in Object Mode")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Make the bone visible and active, and enter Sculpt Mode."""
        skin = face_objects.skin_of(context.active_object)
        bone = face_objects.parts_of(skin).get(self.bone)
        if bone is None:
            raise UserError(f"{skin.name} has no {self.bone} any more; bring it back with undo, or add the face again.")
        bone.hide_viewport = False
        bone.hide_set(False)
        bone.show_in_front = True  # or the skin would hide it from the brush
        if not bone.visible_get():
            raise UserError(f"{bone.name} is in a hidden collection; show the collection first.")
        face_objects.select_alone(context, bone)
        bpy.ops.object.mode_set(mode="SCULPT")
        return {"FINISHED"}


class PHYSFACE_OT_update_anatomy(JobOperator, bpy.types.Operator):
    """Let the face take over the sculpted bones; a bone that comes through the skin is refused, with the place."""

    bl_idname = "physface.update_anatomy"
    bl_label = "Update Anatomy"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Updating the Anatomy"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Pose the face at rest with the new bones; only when that goes well they are kept."""
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")  # what was sculpted is in the mesh only then
        skin = face_objects.skin_of(context.active_object)
        uid, displacements = skin.session_uid, bones.sculpted(skin)
        if not displacements:
            raise UserError("No bone was sculpted since the last update; sculpt the mandible or the skull first.")
        acting = effects.settings(skin, context.evaluated_depsgraph_get())
        handles = chin.displacement(skin)
        shaped = dict(displacements)
        if handles is not None:
            shaped["mandible"] = shaped.get("mandible", 0.0) + handles
        acting |= {f"sculpted_{bone}": effects.sculpt_values(moved) for bone, moved in shaped.items()}
        link = worker_link.get(preferences.backend_settings())
        link.character(requests.preview_character(skin))
        job.sentence = "Fitting the tissue to the bones"
        ticket = link.ask(requests.trial_pose(skin, expression(), acting))
        if not (yield from self.answered(link, ticket, job)):
            return {"CANCELLED"}
        ticket.result(Posed)
        skin = face_objects.find_skin(uid)
        if skin is None:
            raise UserError("The face was removed meanwhile, so there is nothing to update.")
        bones.take_over(skin, displacements)
        _show_face_again(skin)
        skin.physface.effects.edited_bones = True
        live.mark(skin)
        return {"FINISHED"}


def _show_face_again(skin: bpy.types.Object) -> None:
    """Hide the bones that were shown to be sculpted, and go on with the face."""
    parts = face_objects.parts_of(skin)
    for bone in (parts[name] for name in bones.SCULPTED_BONES if name in parts):
        if bone.show_in_front:
            bone.show_in_front = False
            bone.select_set(False)
            bone.hide_viewport = True
    if skin.visible_get():
        skin.select_set(True)
        bpy.context.view_layer.objects.active = skin


class PHYSFACE_OT_reset_bones(ReportingOperator, bpy.types.Operator):
    """Give the face its own bones back."""

    bl_idname = "physface.reset_bones"
    bl_label = "Reset Bones"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character whose bones are edited."""
        if not needs_skin(cls, context):
            return False
        skin = face_objects.skin_of(context.active_object)
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first")
            return False
        chosen = skin.physface.effects
        is_moved = any(getattr(chosen, name) != chosen.bl_rna.properties[name].default for name in HANDLES)
        if not (is_moved or bones.taken_over(skin) or bones.sculpted(skin)):
            cls.poll_message_set("The bones are the person's own")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Set all handles back and drop what was sculpted."""
        skin = face_objects.skin_of(context.active_object)
        for name in HANDLES:
            skin.physface.effects.property_unset(name)
        bones.forget(skin)
        live.mark(skin)
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_sculpt_bone, PHYSFACE_OT_update_anatomy, PHYSFACE_OT_reset_bones)
