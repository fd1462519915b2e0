# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks on the skin: vertex groups, so that Blender's own weight paint is the brush."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils.kdtree import KDTree
from numpy.typing import NDArray

from ..anatomy.facial_nerve import nerve_regions
from ..anatomy.template import Template
from .face_objects import FaceObjectError

_DECIMALS = 3  # a step of a painted weight; rounder numbers are shorter messages


def read(skin: bpy.types.Object, name: str) -> NDArray[np.float64] | None:
    """The weights (V,) 0..1 of a vertex group; None where there is no such group or nothing is painted."""
    group = skin.vertex_groups.get(name)
    if group is None:
        return None
    wanted = group.index
    values = np.zeros(len(skin.data.vertices))
    for index, vertex in enumerate(skin.data.vertices):
        for element in vertex.groups:
            if element.group == wanted:
                values[index] = element.weight
    values = values.round(_DECIMALS)
    return values if values.any() else None


def write(skin: bpy.types.Object, name: str, values: NDArray) -> None:
    """Set a vertex group to weights (V,) 0..1, making it when there is none; vertices with 0 are taken out of it.

    Raises:
        FaceObjectError: The mesh has another number of vertices.
    """
    count = len(skin.data.vertices)
    if len(values) != count:
        raise FaceObjectError(
            f"{skin.name} has {count} vertices, but the physical face needs the {len(values)} it was made with; "
            "undo the change of its mesh, or use a modifier instead."
        )
    group = ensure(skin, name)
    group.remove(np.flatnonzero(values <= 0.0).tolist())
    for weight in np.unique(values[values > 0.0]):
        group.add(np.flatnonzero(values == weight).tolist(), float(weight), "REPLACE")


def ensure(skin: bpy.types.Object, name: str) -> bpy.types.VertexGroup:
    """The vertex group with a name, made empty when there is none."""
    return skin.vertex_groups.get(name) or skin.vertex_groups.new(name=name)


def of_region(template: Template, region: str) -> NDArray[np.float64]:
    """The mask (V,) 0..1 of a region of the facial nerve, such as ``left`` or ``left.buccal``."""
    return nerve_regions(template)[region].round(_DECIMALS)


def partners(template: Template) -> NDArray[np.intp]:
    """For every skin vertex the one (V,) on the other side of the face; the template's skin is symmetric."""
    vertices = template.meshes["skin"].vertices
    tree = KDTree(len(vertices))
    for index, point in enumerate(vertices):
        tree.insert(point, index)
    tree.balance()
    return np.array([tree.find((-x, y, z))[1] for x, y, z in vertices])
