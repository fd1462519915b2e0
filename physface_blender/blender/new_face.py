# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a new character, made part by part so that no step holds the window, and placed all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import bpy
import numpy as np
from numpy.typing import NDArray

from ..anatomy.template import Template
from . import bridge, hair, materials
from .face_objects import HIDDEN_PARTS, LABELS, FaceObjectError, select_alone


class NewFace:
    """A character in the making; a context, after which nothing of it stays unless it was placed.

    Its meshes belong to no object until they are placed, so a half-made face is neither seen nor saved. Blender's data may
    change between two steps, so nothing of it is held on to: meshes are found again by their ``session_uid``.
    """

    def __init__(
        self, scene: bpy.types.Scene, template: Template, rest: Mapping[str, NDArray], name: str = "Face"
    ) -> None:
        """Nothing is made yet.

        Args:
            scene: Whose unit it is made in.
            template: Faces, texture coordinates, regions and materials.
            rest: Rest vertices (V, 3) in millimeters by part, and ``eye_left_center`` and ``eye_right_center`` (3,).
            name: Of the character; the skin gets it.
        """
        self._template, self._rest, self._name = template, rest, name
        self._scale = bridge.units_per_millimeter(scene)
        self._meshes: dict[str, int] = {}
        self._materials: set[int] = set()
        self._collection: bpy.types.Collection | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take away what was made of a face that was given up or that failed."""
        if self._collection is not None and kind is None:
            return
        made = set(self._meshes.values())
        for mesh in [found for found in bpy.data.meshes if found.session_uid in made]:
            bpy.data.meshes.remove(mesh)  # with the objects that show it
        for material in [found for found in bpy.data.materials if found.session_uid in self._materials]:
            if material.users == 0:
                bpy.data.materials.remove(material)
        if self._collection is not None:
            bpy.data.collections.remove(self._collection)

    def make(self) -> Iterator[None]:
        """Make materials and meshes, one in every step."""
        known = {found.session_uid for found in bpy.data.materials}
        materials.ensure(self._template.material_names)
        self._materials = {found.session_uid for found in bpy.data.materials} - known
        yield
        for part in LABELS:
            mesh = self._mesh(part)
            self._meshes[part] = mesh.session_uid
            _assign_materials(
                mesh,
                list(materials.ensure(self._template.material_names).values()),
                self._template.face_materials[part],
            )
            yield

    def place(self, context: bpy.types.Context, *, render_subdivision: int = 1) -> bpy.types.Object:
        """Make the objects of what was made at the 3D cursor, in a collection of their own.

        Args:
            context: Where to make them.
            render_subdivision: Levels of subdivision when rendering; 0 adds no modifier.

        Returns:
            The skin object, selected and active.

        Raises:
            FaceObjectError: Object Mode was left, or the meshes were undone, since they were made.
        """
        if context.mode != "OBJECT":
            raise FaceObjectError(
                "The face was not made because Object Mode was left meanwhile; make it again in Object Mode."
            )
        by_uid = {found.session_uid: found for found in bpy.data.meshes}
        if not set(self._meshes.values()) <= by_uid.keys():
            raise FaceObjectError("The face was not made because something was undone meanwhile; make it again.")
        self._collection = bpy.data.collections.new(self._name)
        context.collection.children.link(self._collection)
        skin = None
        for part, label in LABELS.items():
            name = self._name if part == "skin" else f"{self._name} {label}"
            created = bpy.data.objects.new(name, by_uid[self._meshes[part]])
            self._collection.objects.link(created)
            created.physface.part = part
            created.physface.pivot = self._pivot(part)
            if part == "skin":
                skin = created
                skin.location = context.scene.cursor.location
                skin.physface.units_per_millimeter = self._scale
            else:
                created.parent = skin
                created.rotation_mode = "QUATERNION"
                created.location = bridge.to_blender(self._pivot(part), self._scale)
            if part in HIDDEN_PARTS:
                created.hide_render = True
                created.hide_viewport = True
            if render_subdivision > 0 and part not in HIDDEN_PARTS and part != "lashes":
                modifier = created.modifiers.new("Subdivision", "SUBSURF")
                modifier.levels = 0
                modifier.render_levels = render_subdivision
        select_alone(context, skin)
        return skin

    def _pivot(self, part: str) -> NDArray[np.float64]:
        return np.asarray(self._rest.get(f"{part}_center", np.zeros(3)), dtype=np.float64)

    def _mesh(self, part: str) -> bpy.types.Mesh:
        template, faces = self._template, self._template.meshes[part].faces
        coordinates = bridge.to_blender(self._rest[part] - self._pivot(part), self._scale)
        mesh = bridge.new_mesh(f"{self._name} {LABELS[part]}", coordinates, faces)
        if part == "skin":
            bridge.set_texture_coordinates(mesh, template.skin_uv, template.skin_uv_faces, faces)
            for attribute, regions in materials.REGION_ATTRIBUTES.items():
                values = np.maximum.reduce([template.regions[region] for region in regions])
                bridge.set_point_attribute(mesh, attribute, values)
        for attribute, values in hair.attributes(template, part).items():
            bridge.set_point_attribute(mesh, attribute, values)
        if part in template.eye_centers:
            bridge.set_point_attribute(mesh, materials.EYE_ATTRIBUTE, _degrees_from_optical_axis(template, part))
        return mesh


def create(
    context: bpy.types.Context, template: Template, rest: Mapping[str, NDArray], *, name: str = "Face"
) -> bpy.types.Object:
    """Make a character at once; see ``NewFace``."""
    with NewFace(context.scene, template, rest, name) as making:
        for _ in making.make():
            pass
        return making.place(context)


def _degrees_from_optical_axis(template: Template, part: str) -> NDArray[np.float64]:
    """(V,) angle of every vertex of an eye, seen from its center; the axis leads through the middle of the pupil."""
    arms = template.meshes[part].vertices - template.eye_centers[part]
    arms = arms / np.maximum(np.linalg.norm(arms, axis=1, keepdims=True), 1e-9)
    pupil = template.face_materials[part] == template.material_names.index("pupil")
    corners = np.unique(template.meshes[part].faces[pupil])
    axis = arms[corners[corners >= 0]].mean(axis=0)
    return np.degrees(np.arccos(np.clip(arms @ (axis / np.linalg.norm(axis)), -1.0, 1.0)))


def _assign_materials(mesh: bpy.types.Mesh, available: list[bpy.types.Material], indices: NDArray[np.int16]) -> None:
    """Give a mesh the materials that its faces use; several indices may mean the same material."""
    slots: dict[str, int] = {}
    slot_of_index = np.zeros(len(available), dtype=np.int32)
    for index in np.unique(indices):
        material = available[index]
        if material.name not in slots:
            slots[material.name] = len(slots)
            mesh.materials.append(material)
        slot_of_index[index] = slots[material.name]
    mesh.polygons.foreach_set("material_index", slot_of_index[indices])
