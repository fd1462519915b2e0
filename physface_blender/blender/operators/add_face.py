# SPDX-License-Identifier: GPL-3.0-or-later
"""*Add > Mesh > Physical Face*: a new character at the 3D cursor."""

import bpy
import numpy as np
from bpy.props import FloatProperty, IntProperty

from ...anatomy.template import load_template
from ...backend.identity import COEFFICIENT_BOUND, Identity
from ...backend.messages import CharacterReady, CreateCharacter
from .. import bones, face_objects, jobs, live, new_face, preferences, properties, worker_link
from .base import JobOperator, Work

SHAPE_COUNT = 6
COARSEST_MM = 6.8
"""Only the rest shape is needed here, so the tissue may be as coarse as the preview."""


def _shape_slider(number: int) -> bpy.types.bpy_struct:
    return FloatProperty(
        name=f"Shape {number}",
        description=f"Added to coefficient {number} of the identity, in standard deviations; the first ones change most",
        default=0.0,
        soft_min=-3.0,
        soft_max=3.0,
        min=-COEFFICIENT_BOUND,
        max=COEFFICIENT_BOUND,
        step=10,
    )


class PHYSFACE_OT_add_face(JobOperator, bpy.types.Operator):
    """Add a physical face: skin, teeth, eyes and bones, ready to animate."""

    bl_idname = "physface.add_face"
    bl_label = "Physical Face"
    bl_options = {"REGISTER", "UNDO"}
    job_title = "Adding a Face"

    seed: IntProperty(name="Seed", description="Another number is another person", default=0, min=0)
    strength: FloatProperty(
        name="Strength",
        description="How far from the average face the person is: 0 is the average, 1 as different as people are",
        default=0.6,
        min=0.0,
        max=1.6,
        step=5,
    )
    shape_1: _shape_slider(1)
    shape_2: _shape_slider(2)
    shape_3: _shape_slider(3)
    shape_4: _shape_slider(4)
    shape_5: _shape_slider(5)
    shape_6: _shape_slider(6)
    render_subdivision: IntProperty(
        name="Render Subdivision",
        description="Levels of subdivision when rendering; 0 adds no modifier",
        default=1,
        min=0,
        max=3,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in Object Mode, and one at a time."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first: faces are added in Object Mode")
            return False
        if jobs.running(0) is not None:
            cls.poll_message_set("A face is being added already")
            return False
        return True

    def job_key(self, context: bpy.types.Context) -> int:
        """It works on no face yet."""
        return 0

    def identity(self) -> Identity:
        """The identity that the operator's properties say.

        Raises:
            IdentityError: Seed, strength and sliders lead too far from the average.
        """
        coefficients = Identity.from_seed(self.seed, self.strength).coefficients.copy()
        for index in range(SHAPE_COUNT):
            coefficients[index] += getattr(self, f"shape_{index + 1}")
        return Identity(np.clip(coefficients, -COEFFICIENT_BOUND, COEFFICIENT_BOUND))

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Have the backend make the character, then make its objects."""
        job.sentence = "Starting the backend"
        identity = self.identity()
        template = load_template()
        yield
        link = worker_link.get(preferences.backend_settings())
        request = CreateCharacter(
            character="new face", identity=tuple(identity.coefficients.tolist()), resolution_mm=COARSEST_MM
        )
        ticket = link.character(request)
        if not (yield from self.answered(link, ticket, job)):
            self.report({"INFO"}, "Adding the face was cancelled")
            return {"CANCELLED"}
        ready = ticket.result(CharacterReady)
        with new_face.NewFace(bpy.context.scene, template, ready.arrays) as making:
            for _ in making.make():
                if job.cancel_requested:
                    self.report({"INFO"}, "Adding the face was cancelled")
                    return {"CANCELLED"}
                yield
            skin = making.place(bpy.context, render_subdivision=self.render_subdivision)
            for bone in bones.SCULPTED_BONES:
                bones.remember_rest(face_objects.parts_of(skin)[bone].data)
            skin.physface.seed = self.seed
            properties.write_identity(skin, identity.coefficients)
        live.mark(skin)
        return {"FINISHED"}


def draw_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """The entry in *Add > Mesh*."""
    self.layout.separator()
    self.layout.operator(PHYSFACE_OT_add_face.bl_idname, icon="USER")


CLASSES = (PHYSFACE_OT_add_face,)
