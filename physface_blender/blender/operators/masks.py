# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks on the skin: fill them with a region, mirror, paint, clear."""

import bpy
import numpy as np
from bpy.props import EnumProperty

from ...anatomy.facial_nerve import BRANCHES, SIDES
from ...anatomy.template import load_template
from .. import compat, face_objects, live, masks
from ..effect_properties import PARALYSIS_GROUP, STIFFNESS_GROUP
from .base import ReportingOperator, Result, UserError, needs_skin

GROUPS = {"PARALYSIS": PARALYSIS_GROUP, "STIFFNESS": STIFFNESS_GROUP}


def _mask_choice() -> bpy.types.bpy_struct:
    return EnumProperty(
        name="Mask",
        items=(
            ("PARALYSIS", "Paralysis", "Where muscles do not contract"),
            ("STIFFNESS", "Stiffness", "Where the tissue has another stiffness"),
        ),
        default="PARALYSIS",
    )


class _MaskOperator(ReportingOperator):
    """What the operators on a mask share."""

    mask: _mask_choice()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character whose skin is not linked."""
        if not needs_skin(cls, context):
            return False
        skin = face_objects.skin_of(context.active_object)
        if skin.mode not in ("OBJECT", "WEIGHT_PAINT"):
            cls.poll_message_set("Leave the current mode first: masks are changed in Object or Weight Paint Mode")
            return False
        if not skin.data.is_editable:
            cls.poll_message_set("The skin's mesh is linked from another file; masks belong to that file")
            return False
        return True

    def skin(self, context: bpy.types.Context) -> bpy.types.Object:
        """The character's skin."""
        return face_objects.skin_of(context.active_object)

    def current(self, skin: bpy.types.Object) -> np.ndarray:
        """What is painted, (V,)."""
        values = masks.read(skin, GROUPS[self.mask])
        return np.zeros(len(skin.data.vertices)) if values is None else values


class PHYSFACE_OT_fill_mask(_MaskOperator, bpy.types.Operator):
    """Fill the mask with one half of the face, or with a branch of the facial nerve on one side."""

    bl_idname = "physface.fill_mask"
    bl_label = "Fill Mask"
    bl_options = {"REGISTER", "UNDO"}

    region: EnumProperty(
        name="Region",
        items=(
            ("left", "Left Half", "The character's left half"),
            ("right", "Right Half", "The character's right half"),
            *(
                (
                    f"{side}.{branch}",
                    f"{side.title()} {branch.title()}",
                    f"The {branch} branch on the character's {side}",
                )
                for side in SIDES
                for branch in BRANCHES
            ),
        ),
        default="left",
    )
    operation: EnumProperty(
        name="Operation",
        items=(
            ("SET", "Set", "The region alone"),
            ("ADD", "Add", "The region besides what is painted"),
            ("SUBTRACT", "Subtract", "What is painted without the region"),
        ),
        default="SET",
    )

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the region into the vertex group."""
        skin = self.skin(context)
        region = masks.of_region(load_template(), self.region)
        face_objects.check_vertex_count(skin, len(region))
        before = self.current(skin)
        filled = {
            "SET": region,
            "ADD": np.minimum(before + region, 1.0),
            "SUBTRACT": np.maximum(before - region, 0.0),
        }[self.operation]
        masks.write(skin, GROUPS[self.mask], filled)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_mirror_mask(_MaskOperator, bpy.types.Operator):
    """Mirror the mask between the sides of the face."""

    bl_idname = "physface.mirror_mask"
    bl_label = "Mirror Mask"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(
        name="Direction",
        items=(
            ("SWAP", "Swap Sides", "Exchange left and right"),
            ("LEFT_TO_RIGHT", "Left to Right", "Copy the character's left to the right"),
            ("RIGHT_TO_LEFT", "Right to Left", "Copy the character's right to the left"),
        ),
        default="SWAP",
    )

    def perform(self, context: bpy.types.Context) -> Result:
        """Write the mirrored mask."""
        skin, template = self.skin(context), load_template()
        partners = masks.partners(template)
        face_objects.check_vertex_count(skin, len(partners))
        before = self.current(skin)
        if not before.any():
            raise UserError("Nothing is painted in this mask; paint it or fill it with a region first.")
        mirrored = before[partners]
        if self.direction != "SWAP":
            left = template.meshes["skin"].vertices[:, 0] * (1.0 if self.direction == "LEFT_TO_RIGHT" else -1.0)
            mirrored = np.where(left >= 0.0, before, mirrored)
        masks.write(skin, GROUPS[self.mask], mirrored)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_clear_mask(_MaskOperator, bpy.types.Operator):
    """Remove the mask."""

    bl_idname = "physface.clear_mask"
    bl_label = "Clear Mask"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> Result:
        """Remove the vertex group."""
        skin = self.skin(context)
        group = skin.vertex_groups.get(GROUPS[self.mask])
        if group is None:
            raise UserError("There is no such mask on this face, so nothing is to be cleared.")
        skin.vertex_groups.remove(group)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_paint_mask(_MaskOperator, bpy.types.Operator):
    """Paint the mask on the skin with Blender's weight paint brush; the preview shows what it does after every stroke."""

    bl_idname = "physface.paint_mask"
    bl_label = "Paint Mask"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character that can be seen and is not linked."""
        if not super().poll(context):
            return False
        if not face_objects.skin_of(context.active_object).visible_get():
            cls.poll_message_set("The skin is hidden; show it before painting")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Make the skin active, choose mask and brush, and enter Weight Paint Mode."""
        skin = self.skin(context)
        if context.mode not in ("OBJECT", "PAINT_WEIGHT"):
            raise UserError("Leave the current mode first: painting starts in Object Mode.")
        face_objects.select_alone(context, skin)
        group = masks.ensure(skin, GROUPS[self.mask])
        skin.vertex_groups.active_index = group.index
        if not face_objects.has_bake(skin):
            skin.physface.live = skin.physface.live_physics = True
        if skin.mode != "WEIGHT_PAINT":
            bpy.ops.object.mode_set(mode="WEIGHT_PAINT")
        skin.data.use_mirror_x = False  # a palsy has one side
        compat.set_weight_brush(context.tool_settings, weight=1.0, radius=40)
        return {"FINISHED"}


class PHYSFACE_OT_finish_painting(_MaskOperator, bpy.types.Operator):
    """Leave Weight Paint Mode."""

    bl_idname = "physface.finish_painting"
    bl_label = "Finish Painting"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """In Weight Paint Mode."""
        if context.mode != "PAINT_WEIGHT":
            cls.poll_message_set("Nothing is being painted")
            return False
        return super().poll(context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Go back to Object Mode."""
        bpy.ops.object.mode_set(mode="OBJECT")
        live.mark(self.skin(context))
        return {"FINISHED"}


CLASSES = (
    PHYSFACE_OT_fill_mask,
    PHYSFACE_OT_mirror_mask,
    PHYSFACE_OT_clear_mask,
    PHYSFACE_OT_paint_mask,
    PHYSFACE_OT_finish_painting,
)
