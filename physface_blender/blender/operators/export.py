# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished shot for other programs: glTF with the compact shape keys, and ARKit curves."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from ...performance.live_link_face_writer import write_live_link_face
from .. import face_objects, performances
from .base import ReportingOperator, Result, UserError, needs_skin


class PHYSFACE_OT_export_gltf(ReportingOperator, bpy.types.Operator, ExportHelper):
    """Export the face with its compact bake to glTF: shape keys with curves, teeth and eyes with theirs."""

    bl_idname = "physface.export_gltf"
    bl_label = "Export glTF"
    bl_options = {"REGISTER"}

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character with a compact bake."""
        if not needs_skin(cls, context):
            return False
        if face_objects.bake_format(face_objects.skin_of(context.active_object)) != "COMPACT":
            cls.poll_message_set("glTF has relative shape keys only: bake, or convert the bake, to Compact Keys first")
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first")
            return False
        if not hasattr(bpy.types, "EXPORT_SCENE_OT_gltf"):
            cls.poll_message_set("Enable Blender's add-on glTF 2.0 Format in the preferences first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Export what belongs to the face and leave the selection as it was."""
        skin = face_objects.skin_of(context.active_object)
        selected, active = context.selected_objects, context.view_layer.objects.active
        for chosen in selected:
            chosen.select_set(False)
        for part in face_objects.parts_of(skin).values():
            if part.visible_get():
                part.select_set(True)
        try:
            bpy.ops.export_scene.gltf(
                filepath=self.filepath,
                export_format="GLB",
                use_selection=True,
                export_animations=True,
                export_animation_mode="ACTIVE_ACTIONS",
                export_force_sampling=False,
                export_morph=True,
                export_morph_animation=True,
                export_apply=False,  # with modifiers applied there would be no shape keys
                export_try_sparse_sk=False,
            )
        except RuntimeError as error:
            raise UserError(f"Blender could not export the face: {error}") from None
        finally:
            for chosen in context.selected_objects:
                chosen.select_set(False)
            for chosen in selected:
                chosen.select_set(True)
            context.view_layer.objects.active = active
        self.report({"INFO"}, f"Exported {skin.name} to {Path(self.filepath).name}")
        return {"FINISHED"}


class PHYSFACE_OT_export_curves(ReportingOperator, bpy.types.Operator, ExportHelper):
    """Export the sliders over the scene's frames as a Live Link Face CSV, which engines and other programs read."""

    bl_idname = "physface.export_curves"
    bl_label = "Export ARKit Curves"
    bl_options = {"REGISTER"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)

    def perform(self, context: bpy.types.Context) -> Result:
        """Sample the sliders and write the file."""
        skin, scene = face_objects.skin_of(context.active_object), context.scene
        performance = performances.from_face(scene, skin, scene.frame_start, scene.frame_end)
        write_live_link_face(performance, Path(bpy.path.abspath(self.filepath)))
        self.report({"INFO"}, f"Exported {performance.frame_count} frames to {Path(self.filepath).name}")
        return {"FINISHED"}


CLASSES = (PHYSFACE_OT_export_gltf, PHYSFACE_OT_export_curves)
