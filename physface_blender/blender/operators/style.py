# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the styles of a face: add, remove, key, copy from another face, learn an actor's."""

import re

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...backend.errors import StyleError
from ...backend.messages import LearnStyle, StyleLearned
from .. import actor_capture, animation, face_objects, jobs, live, preferences, requests, styles, worker_link
from .base import JobOperator, ReportingOperator, Result, UserError, Work, needs_skin

_NAME = re.compile(r"[^\x00-\x1f<>:\"/\\|?*.][^\x00-\x1f<>:\"/\\|?*]{0,59}")

# Blender does not keep the strings of enumerations that are made while drawing.
_shown_styles: list[tuple[str, str, str]] = []
_shown_faces: list[tuple[str, str, str]] = []


def _addable(_self: bpy.types.OperatorProperties, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    skin = face_objects.skin_of(context.active_object)
    used = {share.name for share in skin.physface.styles} if skin is not None else set()
    try:
        names = styles.available()
    except StyleError:
        names = styles.own_names()
    _shown_styles[:] = [(name, name, "") for name in names if name not in used]
    return _shown_styles


def _other_faces(_self: bpy.types.OperatorProperties, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    skin = face_objects.skin_of(context.active_object)
    others = [face for face in face_objects.skins(context.scene) if face != skin and len(face.physface.styles)]
    _shown_faces[:] = [(face.name, face.name, "") for face in others]
    return _shown_faces


class _StyleOperator(ReportingOperator):
    """An operator on the styles of a character."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character."""
        return needs_skin(cls, context)


class PHYSFACE_OT_add_style(_StyleOperator, bpy.types.Operator):
    """Let the face perform in the manner of an actor, by a weight."""

    bl_idname = "physface.add_style"
    bl_label = "Add Style"
    bl_options = {"REGISTER", "UNDO"}

    style: EnumProperty(name="Style", items=_addable)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character that does not have all of them yet."""
        if not super().poll(context):
            return False
        if not _addable(None, context):
            cls.poll_message_set("The face has all styles there are; learn another from a mesh")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Add it with what the others leave of 1."""
        skin = face_objects.skin_of(context.active_object)
        left = max(0.0, 1.0 - styles.total(skin))
        share = skin.physface.styles.add()
        share.name, share.weight = self.style, left
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_remove_style(_StyleOperator, bpy.types.Operator):
    """Take a style off the face, with its keyframes."""

    bl_idname = "physface.remove_style"
    bl_label = "Remove Style"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(options={"HIDDEN"}, min=0)

    def perform(self, context: bpy.types.Context) -> Result:
        """Remove it."""
        skin = face_objects.skin_of(context.active_object)
        if self.index >= len(skin.physface.styles):
            raise UserError(f"The face has {len(skin.physface.styles)} styles; there is no number {self.index + 1}.")
        styles.remove(skin, self.index)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_key_styles(_StyleOperator, bpy.types.Operator):
    """Insert a keyframe on the weights of all styles at the current frame."""

    bl_idname = "physface.key_styles"
    bl_label = "Key Styles"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character with a style."""
        if not super().poll(context):
            return False
        if not len(face_objects.skin_of(context.active_object).physface.styles):
            cls.poll_message_set("The face has no style; add one first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Insert the keys."""
        skin = face_objects.skin_of(context.active_object)
        count = len(skin.physface.styles)
        for index in range(count):
            skin.keyframe_insert(
                styles.weight_path(index), frame=context.scene.frame_current_final, group=animation.CHANNEL_GROUP
            )
        self.report({"INFO"}, f"Keyed {count} style{'s' if count > 1 else ''}")
        return {"FINISHED"}


class PHYSFACE_OT_copy_styles(_StyleOperator, bpy.types.Operator):
    """Give this face the styles of another, with weights and keyframes, in place of its own."""

    bl_idname = "physface.copy_styles"
    bl_label = "Copy Styles"
    bl_options = {"REGISTER", "UNDO"}

    face: EnumProperty(name="From", items=_other_faces)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character beside another with styles."""
        if not super().poll(context):
            return False
        if not _other_faces(None, context):
            cls.poll_message_set("No other face of this scene has a style")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Copy them."""
        skin = face_objects.skin_of(context.active_object)
        count = styles.copy(context.scene.objects[self.face], skin)
        live.mark(skin)
        self.report({"INFO"}, f"Copied {count} style{'s' if count > 1 else ''} from {self.face}")
        return {"FINISHED"}


class PHYSFACE_OT_learn_style(JobOperator, bpy.types.Operator):
    """Learn the style of an actor from a selected mesh with ARKit shape keys, and add it; takes about two minutes."""

    bl_idname = "physface.learn_style"
    bl_label = "Learn Style"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Learning a Style"

    name: StringProperty(
        name="Name", description="Of the style; one of the same name that was learned before is replaced"
    )
    use_animation: BoolProperty(
        name="Its Animation",
        description="Learn from what the mesh does over the scene's frames, too, and not from its shape keys alone",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a character, with a mesh selected beside it."""
        if not needs_skin(cls, context):
            return False
        if _source(context) is None:
            cls.poll_message_set("Select a mesh that has ARKit shape keys, then the face with Shift")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Ask for the name first; the job follows when it is given."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if not self.name:
            self.name = _source(context).name
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> Result:
        """Run beside the user's other work where there is a window, and to the end elsewhere."""
        if bpy.app.background or context.window is None:
            return super().execute(context)
        return self.run_beside(context)

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Write the capture, have it learned, then add the style."""
        skin, source = face_objects.skin_of(context.active_object), _source(context)
        uid, name = skin.session_uid, self.name.strip() or source.name
        if not _NAME.fullmatch(name):
            raise UserError(f"A style cannot be named '{name}'; use up to 60 letters, digits and spaces.")
        if name in styles.shipped_styles():
            raise UserError(f"{name} is one of the styles that PhysFace brings; choose another name.")
        settings = preferences.backend_settings()
        scene, frames = context.scene, ()
        if self.use_animation:
            frames = range(scene.frame_start, scene.frame_end + 1)
        capture = settings.cache_directory / "actor.npz"
        count = actor_capture.write(source, frames, scene, capture)
        link = worker_link.get(settings)
        ticket = link.ask(
            LearnStyle(
                actor_file=str(capture),
                style_file=str(styles.file_of(name)),
                resolution_mm=requests.preview_resolution(skin),
            )
        )
        if not (yield from self.answered(link, ticket, job)):
            self.report({"INFO"}, "The learning of the style was cancelled")
            return {"CANCELLED"}
        learned = ticket.result(StyleLearned)
        skin = face_objects.find_skin(uid)
        if skin is None:
            raise UserError(
                f"The face was removed meanwhile; the style {name} is learned and can be added to any other."
            )
        if name not in [share.name for share in skin.physface.styles]:
            left = max(0.0, 1.0 - styles.total(skin))
            share = skin.physface.styles.add()
            share.name, share.weight = name, left
        live.mark(skin)
        self.report({"INFO"}, f"Learned the style {name} from {count} shapes in {jobs.time_left(learned.seconds)}")
        return {"FINISHED"}


def _source(context: bpy.types.Context) -> bpy.types.Object | None:
    """The selected mesh that is no part of the active face; None where there is none or several."""
    skin = face_objects.skin_of(context.active_object)
    found = [
        candidate
        for candidate in context.selected_objects
        if candidate.type == "MESH" and face_objects.skin_of(candidate) != skin
    ]
    return found[0] if len(found) == 1 else None


CLASSES = (
    PHYSFACE_OT_add_style,
    PHYSFACE_OT_remove_style,
    PHYSFACE_OT_key_styles,
    PHYSFACE_OT_copy_styles,
    PHYSFACE_OT_learn_style,
)
