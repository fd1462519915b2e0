# SPDX-License-Identifier: GPL-3.0-or-later
"""A character of a mesh in the scene, of any topology, pose and unit; and of the landmarks of a photo."""

from pathlib import Path

import bpy
import numpy as np
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from mathutils import Matrix

from ...anatomy.array_store import read_arrays
from ...anatomy.template import load_template
from ...backend.identity import Identity
from ...backend.messages import FitPhoto, FitScan, PhotoFitted, ScanFitted
from .. import (
    bones,
    bound_mesh,
    bridge,
    evaluated_mesh,
    face_objects,
    identities,
    jobs,
    live,
    new_face,
    photo,
    preferences,
    properties,
    surface_file,
    worker_link,
)
from .base import JobOperator, ReportingOperator, Result, UserError, Work

COARSEST_MM = 6.8


class _FittingOperator(JobOperator):
    """Has a face fitted by the backend, then makes its objects, part by part; it works on no face yet."""

    job_title = "Fitting a Face"

    def job_key(self, context: bpy.types.Context) -> int:
        """No face's."""
        return 0

    def asked(self, context: bpy.types.Context) -> FitScan | FitPhoto:
        """What the backend is to fit; remembers what ``finish`` needs."""
        raise NotImplementedError

    def fitted(self, ticket: worker_link.Ticket) -> tuple[ScanFitted | PhotoFitted, Identity, str]:
        """What the backend fitted, who that is, and the name of the face."""
        raise NotImplementedError

    def finish(self, skin: bpy.types.Object, fitted: ScanFitted | PhotoFitted) -> None:
        """Put the new face where it belongs, and say how well it fits."""
        raise NotImplementedError

    def work(self, context: bpy.types.Context, job: jobs.Job) -> Work:
        """Ask, show how far it is, and make the objects."""
        request = self.asked(context)
        link = worker_link.get(preferences.backend_settings())
        job.sentence = "Starting the backend"
        ticket = link.ask(request)
        if not (yield from self.answered(link, ticket, job)):
            self.report({"INFO"}, "Fitting the face was cancelled")
            return {"CANCELLED"}
        fitted, identity, name = self.fitted(ticket)
        template = load_template()
        yield
        with new_face.NewFace(bpy.context.scene, template, fitted.arrays, name) as making:
            for _ in making.make():
                if job.cancel_requested:
                    self.report({"INFO"}, "Fitting the face was cancelled")
                    return {"CANCELLED"}
                yield
            skin = making.place(bpy.context)
            for bone in bones.SCULPTED_BONES:
                bones.remember_rest(face_objects.parts_of(skin)[bone].data)
            identities.write(skin, identity)
            properties.write_expression(skin, np.array(fitted.expression))
            self.finish(skin, fitted)
        live.mark(skin)
        return {"FINISHED"}


class PHYSFACE_OT_fit_scan(_FittingOperator, bpy.types.Operator):
    """Make a physical face of the selected mesh of a head, in its place; takes about half a minute."""

    bl_idname = "physface.fit_scan"
    bl_label = "Fit to Selected Mesh"
    bl_options = {"REGISTER", "UNDO"}

    at_rest: BoolProperty(
        name="At Rest",
        description="The mesh shows no expression; otherwise the sliders are set to the expression that is found",
    )
    mirror: BoolProperty(name="Mirror", description="Fit the mirror image of the mesh")
    bind: BoolProperty(
        name="Bind",
        description="Let the mesh itself ride on the face, and hide the face's own skin; the mesh must show no expression",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On a mesh that is no part of a face."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first: faces are fitted in Object Mode")
            return False
        source = context.active_object
        if source is None or source.type != "MESH" or face_objects.skin_of(source) or source.physface.part:
            cls.poll_message_set("Select the mesh of a head first: a scan, or a character of your own")
            return False
        if jobs.running(0) is not None:
            cls.poll_message_set("A face is being made already")
            return False
        return True

    def asked(self, context: bpy.types.Context) -> FitScan:
        """The mesh, written to a file."""
        source = context.active_object
        if self.bind and source.data.shape_keys is not None and not source.data.shape_keys.use_relative:
            raise UserError(
                f"{source.name} has absolute shape keys, which poses cannot mix with; make them relative first."
            )
        self._source = source.name, source.session_uid, source.matrix_world.copy()
        folder = preferences.backend_settings().cache_directory
        if self.bind:
            surface_file.write(folder / "scan.ply", bound_mesh.rest(source), source.data)
        else:
            evaluated_mesh.write(folder / "scan.ply", source, context.evaluated_depsgraph_get())
        self._identity_file = folder / "fitted.npz"
        return FitScan(
            character="new face",
            path=str(folder / "scan.ply"),
            identity_file=str(self._identity_file),
            at_rest=self.at_rest or self.bind,
            mirror=self.mirror,
            resolution_mm=COARSEST_MM,
        )

    def fitted(self, ticket: worker_link.Ticket) -> tuple[ScanFitted, Identity, str]:
        """With what the coefficients leave over, from its file."""
        fitted = ticket.result(ScanFitted)
        return fitted, _identity(self._identity_file, fitted), f"{self._source[0]} Face"

    def finish(self, skin: bpy.types.Object, fitted: ScanFitted) -> None:
        """Put the face in the place of the mesh, and let the mesh ride on it where that is asked."""
        name, uid, place = self._source
        skin.matrix_world = place @ Matrix(
            _to_scan(fitted.arrays["scan_to_model"], skin.physface.units_per_millimeter, mirror=self.mirror)
        )
        source = next((found for found in bpy.data.objects if found.session_uid == uid), None)
        if self.bind and source is not None:
            bound_mesh.bind(source, skin, np.array(fitted.arrays["scan_to_model"]), mirror=self.mirror)
            for part in face_objects.parts_of(skin).values():
                part.hide_render = True
                part.hide_set(True)
            source.select_set(True)
            bpy.context.view_layer.objects.active = source
        inside_out = "; its faces looked inward, so it may be a mirror image" if fitted.was_inside_out else ""
        self.report(
            {"INFO"},
            f"Fitted {name} within {fitted.mean_distance_mm:.2f} mm on average in {jobs.time_left(fitted.seconds)}"
            f"{inside_out}",
        )


def _identity(path: Path, fitted: ScanFitted) -> Identity:
    arrays = read_arrays(path) or {}
    residual = arrays.get("residual")
    return Identity(fitted.identity, None if residual is None else residual * fitted.residual_share)


def _to_scan(scan_to_model: np.ndarray, scale: float, *, mirror: bool) -> np.ndarray:
    """The transform (4, 4) from a face's own coordinates to those of the scan."""
    to_millimeters = np.eye(4)
    to_millimeters[:3, :3] = bridge.AXES.T / scale
    sides = np.diag([-1.0, 1.0, 1.0, 1.0]) if mirror else np.eye(4)
    return sides @ np.linalg.inv(scan_to_model) @ to_millimeters


class PHYSFACE_OT_place_landmarks(ReportingOperator, bpy.types.Operator, ImportHelper):
    """Show a photo of a face with 68 points before it, to be moved onto its brows, eyes, nose, mouth and contour."""

    bl_idname = "physface.place_landmarks"
    bl_label = "Place Landmarks"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default="*.png;*.jpg;*.jpeg;*.tif;*.tiff;*.bmp;*.webp", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in Object Mode."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the current mode first: a photo is placed in Object Mode")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> Result:
        """Load the picture and make the points."""
        if not self.filepath:
            raise UserError("No file was named; choose a photo of a face.")
        try:
            image = bpy.data.images.load(self.filepath, check_existing=True)
        except RuntimeError:
            raise UserError(
                f"The picture {self.filepath} cannot be read; choose a PNG, JPEG or another picture."
            ) from None
        photo.place(context, image, load_template())
        self.report({"INFO"}, "Press Tab, move the points onto the face and hide (H) those that are not to be seen")
        return {"FINISHED"}


class PHYSFACE_OT_fit_photo(_FittingOperator, bpy.types.Operator):
    """Make a physical face of the landmarks before a photo, beside it."""

    bl_idname = "physface.fit_photo"
    bl_label = "Fit to Landmarks"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """On the landmarks of a photo."""
        source = context.active_object
        if source is None or source.physface.part != photo.LANDMARKS_PART:
            cls.poll_message_set("Select the landmarks of a photo first; Place Landmarks makes them")
            return False
        if context.mode not in ("OBJECT", "EDIT_MESH"):
            cls.poll_message_set("Leave the current mode first")
            return False
        if jobs.running(0) is not None:
            cls.poll_message_set("A face is being made already")
            return False
        return True

    def asked(self, context: bpy.types.Context) -> FitPhoto:
        """The landmarks."""
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")  # moved points are in the mesh only then
        source = context.active_object
        landmarks, size = photo.read(source)
        self._place, self._aside = source.matrix_world.translation.copy(), source.parent.empty_display_size
        return FitPhoto(character="new face", landmarks=landmarks, size=size, resolution_mm=COARSEST_MM)

    def fitted(self, ticket: worker_link.Ticket) -> tuple[PhotoFitted, Identity, str]:
        """Coefficients say all."""
        fitted = ticket.result(PhotoFitted)
        return fitted, Identity(fitted.identity), "Photo Face"

    def finish(self, skin: bpy.types.Object, fitted: PhotoFitted) -> None:
        """Put the face beside the photo."""
        skin.location = self._place
        skin.location.x += self._aside
        self.report(
            {"INFO"},
            f"Fitted the face; its landmarks are {fitted.error_pixels:.1f} pixels from those of the photo on average",
        )


CLASSES = (PHYSFACE_OT_fit_scan, PHYSFACE_OT_place_landmarks, PHYSFACE_OT_fit_photo)
