"""The source face: ICT-FaceKit's mean head, in millimeters and cut into its parts.

Source: ICT-FaceKit light, USC Institute for Creative Technologies, MIT license.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ...anatomy.mesh import Mesh

MILLIMETERS_PER_UNIT = 10.0
SKIN_PARTS = ("face", "head_neck", "mouth_socket", "eye_socket_left", "eye_socket_right")


@dataclass(frozen=True)
class FaceSource:
    """The mean head of the source model.

    Attributes:
        vertices: (V, 3) float64 millimeters.
        faces: (F, 4) int32, -1 as the fourth index of a triangle.
        materials: (F,) material name of each face.
        uv: (U, 2) float64, uv_faces: (F, 4) int32.
        ranges: first and last-plus-one vertex of every named part.
        expressions: ARKit-like name to (V, 3) float64 displacement in millimeters at weight 1.
        landmarks68: (68,) int32 vertices.
        narrow_face: the first and last-plus-one vertex of the frontal face.
    """

    vertices: np.ndarray
    faces: np.ndarray
    materials: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    ranges: dict[str, tuple[int, int]]
    expressions: dict[str, np.ndarray]
    landmarks68: np.ndarray
    narrow_face: tuple[int, int]

    @property
    def skin_count(self) -> int:
        """Number of skin vertices; they come first."""
        return self.ranges[SKIN_PARTS[-1]][1]

    def face_rows(self, first: int, last: int) -> np.ndarray:
        """Return the indices of the faces whose vertices all lie in ``first`` to ``last`` - 1."""
        corners = np.where(self.faces < 0, self.faces[:, :1], self.faces)
        return np.flatnonzero((corners >= first).all(axis=1) & (corners < last).all(axis=1))

    def part(self, name: str) -> Mesh:
        """Return one named part as a mesh of its own."""
        first, last = self.ranges[name]
        faces = self.faces[self.face_rows(first, last)]
        return Mesh(self.vertices[first:last].copy(), np.where(faces < 0, -1, faces - first).astype(np.int32))

    def skin(self) -> Mesh:
        """Return the whole skin: face, head, mouth socket and eye sockets, one mesh of quads."""
        return Mesh(self.vertices[: self.skin_count].copy(), self.faces[self.face_rows(0, self.skin_count)])


def read_face_source(data: Path) -> FaceSource:
    """Read the mean head below the folder of source data and make its skin exactly symmetric."""
    with np.load(data / "ict_facekit" / "ict_facekit.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    ranges = {
        str(name): (int(first), int(last))
        for name, (first, last) in zip(arrays["part_names"], arrays["part_ranges"], strict=True)
    }
    vertices = arrays["neutral"].astype(np.float64) * MILLIMETERS_PER_UNIT
    skin_count = ranges[SKIN_PARTS[-1]][1]
    vertices[:skin_count] = symmetrized(vertices[:skin_count])
    return FaceSource(
        vertices=vertices,
        faces=arrays["faces"].astype(np.int32),
        materials=arrays["material_names"][arrays["material"]],
        uv=arrays["uv"].astype(np.float64),
        uv_faces=arrays["uv_faces"].astype(np.int32),
        ranges=ranges,
        expressions={
            str(name): shape.astype(np.float64) * MILLIMETERS_PER_UNIT
            for name, shape in zip(arrays["expression_names"], arrays["expression"], strict=True)
        },
        landmarks68=arrays["landmarks68"].astype(np.int32),
        narrow_face=tuple(int(value) for value in arrays["narrow_face"]),
    )


def mirror_permutation(vertices: np.ndarray) -> np.ndarray:
    """Return for every vertex (V, 3) the vertex nearest to its mirror image about x = 0.

    Raises:
        ValueError: the pairing is not its own inverse, so the mesh is not symmetric.
    """
    _, partner = cKDTree(vertices).query(vertices * [-1.0, 1.0, 1.0])
    if not np.array_equal(partner[partner], np.arange(len(vertices))):
        raise ValueError("The mesh is not symmetric: mirrored vertices do not pair up.")
    return partner


def symmetrized(vertices: np.ndarray) -> np.ndarray:
    """Return vertices (V, 3) averaged with their mirror images, exactly symmetric."""
    partner = mirror_permutation(vertices)
    mirrored = vertices[partner] * [-1.0, 1.0, 1.0]
    result = (vertices + mirrored) / 2
    result[partner == np.arange(len(vertices)), 0] = 0.0
    return result
