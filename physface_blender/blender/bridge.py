# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays to meshes and back: the only place that knows the axes and the unit of a Blender scene.

The numerics use millimeters, x to the character's left, y up, z forward. In Blender the character stands upright (z up)
and looks toward -y, so that (x, y, z) becomes (x, -z, y): a rotation, so faces keep their winding. A length of one
Blender unit is ``scene.unit_settings.scale_length`` meters when a character is made; the factor is then stored on the
character, because a mesh does not change when the scene's unit does.
"""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

AXES: NDArray[np.float64] = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""(3, 3) rotation from the numerics' axes to Blender's, acting on column vectors."""
AXES.setflags(write=False)


def units_per_millimeter(scene: bpy.types.Scene) -> float:
    """Blender units in a millimeter, by the scene's unit scale."""
    return 0.001 / scene.unit_settings.scale_length


def to_blender(points: NDArray, scale: float) -> NDArray[np.float32]:
    """Points in the numerics' space as Blender coordinates.

    Args:
        points: (..., 3) millimeters.
        scale: Blender units per millimeter.

    Returns:
        (..., 3) float32, contiguous, as ``foreach_set`` wants them.
    """
    points = np.asarray(points)
    converted = np.empty(points.shape, dtype=np.float32)
    converted[..., 0] = points[..., 0]
    converted[..., 1] = -points[..., 2]
    converted[..., 2] = points[..., 1]
    converted *= np.float32(scale)
    return converted


def to_millimeters(coordinates: NDArray, scale: float) -> NDArray[np.float64]:
    """Blender coordinates as points in the numerics' space, the inverse of ``to_blender``.

    Args:
        coordinates: (..., 3) Blender units.
        scale: Blender units per millimeter.
    """
    return (np.asarray(coordinates, dtype=np.float64) / scale) @ AXES


def rigid_to_blender(transform: NDArray, scale: float) -> NDArray[np.float64]:
    """A rigid transform of the numerics' space as the same motion of Blender coordinates.

    Args:
        transform: (..., 4, 4) acting on column vectors in millimeters.
        scale: Blender units per millimeter.
    """
    transform = np.asarray(transform, dtype=np.float64)
    converted = np.zeros_like(transform)
    converted[..., :3, :3] = AXES @ transform[..., :3, :3] @ AXES.T
    converted[..., :3, 3] = scale * (transform[..., :3, 3] @ AXES.T)
    converted[..., 3, 3] = 1.0
    return converted


def rigid_to_millimeters(transform: NDArray, scale: float) -> NDArray[np.float64]:
    """A rigid motion of Blender coordinates as a transform (..., 4, 4) of the numerics' space; see ``rigid_to_blender``."""
    transform = np.asarray(transform, dtype=np.float64)
    converted = np.zeros_like(transform)
    converted[..., :3, :3] = AXES.T @ transform[..., :3, :3] @ AXES
    converted[..., :3, 3] = transform[..., :3, 3] @ AXES / scale
    converted[..., 3, 3] = 1.0
    return converted


def quaternions(rotations: NDArray) -> NDArray[np.float64]:
    """Unit quaternions (w, x, y, z) of rotation matrices, each on the same side as the one before it.

    Neighbors lie in the same hemisphere, so that component-wise interpolation between them takes the short way.

    Args:
        rotations: (T, 3, 3).
    """
    result = np.array([Matrix(rotation).to_quaternion()[:] for rotation in rotations]).reshape(-1, 4)
    for index in range(1, len(result)):
        if result[index] @ result[index - 1] < 0.0:
            result[index] *= -1.0
    return result


def new_mesh(name: str, coordinates: NDArray[np.float32], faces: NDArray[np.int32]) -> bpy.types.Mesh:
    """A smooth-shaded mesh of quads and triangles.

    Args:
        name: Name of the mesh data-block.
        coordinates: (V, 3) Blender units.
        faces: (F, 4) vertex indices; -1 as the fourth index of a triangle.
    """
    mesh = bpy.data.meshes.new(name)
    is_corner = faces >= 0
    sides = is_corner.sum(axis=1)
    starts = np.concatenate(([0], np.cumsum(sides)[:-1])).astype(np.int32)
    mesh.vertices.add(len(coordinates))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(coordinates, dtype=np.float32).ravel())
    mesh.loops.add(int(sides.sum()))
    mesh.loops.foreach_set("vertex_index", faces[is_corner].astype(np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", starts)
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), dtype=bool))
    return mesh


def set_texture_coordinates(
    mesh: bpy.types.Mesh, coordinates: NDArray, corner_indices: NDArray[np.int32], faces: NDArray[np.int32]
) -> None:
    """Add a UV map to a mesh that ``new_mesh`` made.

    Args:
        mesh: The mesh.
        coordinates: (U, 2) texture coordinates.
        corner_indices: (F, 4) for every corner of a face its row in ``coordinates``.
        faces: (F, 4) the faces that the mesh was made of.
    """
    layer = mesh.uv_layers.new(name="UVMap")
    corners = coordinates[corner_indices[faces >= 0]].astype(np.float32)
    layer.uv.foreach_set("vector", np.ascontiguousarray(corners).ravel())


def set_point_attribute(mesh: bpy.types.Mesh, name: str, values: NDArray[np.float32]) -> None:
    """Add a number per vertex, (V,) float32, which materials can read by its name."""
    attribute = mesh.attributes.new(name, "FLOAT", "POINT")
    attribute.data.foreach_set("value", np.ascontiguousarray(values, dtype=np.float32))


def set_point_vectors(mesh: bpy.types.Mesh, name: str, vectors: NDArray) -> None:
    """Set an attribute of three numbers per vertex, (V, 3) float32, making it when there is none."""
    attribute = mesh.attributes.get(name) or mesh.attributes.new(name, "FLOAT_VECTOR", "POINT")
    attribute.data.foreach_set("vector", np.ascontiguousarray(vectors, dtype=np.float32).ravel())


def get_point_vectors(mesh: bpy.types.Mesh, name: str) -> NDArray[np.float32] | None:
    """An attribute of three numbers per vertex, (V, 3); None where there is no such attribute."""
    attribute = mesh.attributes.get(name)
    if attribute is None or attribute.data_type != "FLOAT_VECTOR" or len(attribute.data) != len(mesh.vertices):
        return None
    vectors = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    attribute.data.foreach_get("vector", vectors)
    return vectors.reshape(-1, 3)


def set_coordinates(mesh: bpy.types.Mesh, coordinates: NDArray[np.float32]) -> None:
    """Move all vertices of a mesh without shape keys.

    Args:
        mesh: The mesh.
        coordinates: (V, 3) Blender units.

    Raises:
        ValueError: Another number of vertices than the mesh has.
    """
    _check_count(mesh.name, len(mesh.vertices), coordinates)
    mesh.vertices.foreach_set("co", np.ascontiguousarray(coordinates, dtype=np.float32).ravel())
    mesh.update()


def set_key_coordinates(key: bpy.types.ShapeKey, coordinates: NDArray[np.float32]) -> None:
    """Set a shape key's points, (V, 3) Blender units; see ``set_coordinates``."""
    _check_count(key.name, len(key.points), coordinates)
    key.points.foreach_set("co", np.ascontiguousarray(coordinates, dtype=np.float32).ravel())


def get_coordinates(mesh: bpy.types.Mesh) -> NDArray[np.float32]:
    """Vertices of a mesh, (V, 3) Blender units."""
    coordinates = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3)


def get_key_coordinates(key: bpy.types.ShapeKey) -> NDArray[np.float32]:
    """Points of a shape key, (V, 3) Blender units."""
    coordinates = np.empty(len(key.points) * 3, dtype=np.float32)
    key.points.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3)


def _check_count(name: str, count: int, coordinates: NDArray[np.float32]) -> None:
    if coordinates.shape != (count, 3):
        raise ValueError(f"{name} has {count} vertices, but got coordinates of shape {coordinates.shape}.")
