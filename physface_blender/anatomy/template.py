"""The template: the mean face with everything a character is made of, read from one file.

The file is a NumPy archive without pickles; docs/formats/template.md describes it. It is made by
``python -m physface_blender.training.template``.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .mesh import Mesh
from .surface_binding import SurfaceBinding

FORMAT_VERSION = 1

PARTS = (
    "skin",
    "upper_teeth",
    "lower_teeth",
    "upper_gum",
    "lower_gum",
    "eye_left",
    "eye_right",
    "lashes",
    "skull",
    "mandible",
)
"""Names of all meshes of a template. The lower gum holds the tongue and moves with the jaw."""

REGIONS = (
    "face",
    "upper_lip",
    "lower_lip",
    "inner_mouth",
    "upper_lid_left",
    "upper_lid_right",
    "lower_lid_left",
    "lower_lid_right",
    "eye_socket_left",
    "eye_socket_right",
    "nostril",
    "ear",
    "scalp",
    "neck",
    "forehead",
    "contact",
)
"""Names of the skin regions that every template has."""


class TemplateError(Exception):
    """The template file is missing, damaged, incomplete or of another version."""


@dataclass(frozen=True)
class Template:
    """The mean face in canonical space. Lengths are millimeters.

    Attributes:
        meshes: a mesh for every name in ``PARTS``. The skin is one manifold of quads with a single
            boundary loop at the neck; mouth and eye sockets are pockets of it.
        skin_uv: (U, 2) float64 texture coordinates.
        skin_uv_faces: (F, 4) int32, for every skin face its corners in ``skin_uv``.
        regions: for every name in ``REGIONS`` a (V,) float32 weight 0..1 per skin vertex.
        landmarks68: (68,) int32 skin vertices at the usual 68 landmarks (iBUG order).
        face_materials: for every part an (F,) int16 index into ``material_names``.
        material_names: names of the materials.
        lash_binding: carries the lashes along with the skin.
        eye_look_degrees: rotation of an eyeball in degrees at weight 1 of each ``eyeLook...`` name of ARKit.
        eye_centers: ``eye_left`` and ``eye_right``, (3,) float64, the centers of rotation.
        content_hash: SHA-256 over all arrays; two templates with equal hashes are equal.
    """

    meshes: dict[str, Mesh]
    skin_uv: np.ndarray
    skin_uv_faces: np.ndarray
    regions: dict[str, np.ndarray]
    landmarks68: np.ndarray
    face_materials: dict[str, np.ndarray]
    material_names: tuple[str, ...]
    lash_binding: SurfaceBinding
    eye_look_degrees: dict[str, float]
    eye_centers: dict[str, np.ndarray]
    content_hash: str


def default_template_path() -> Path:
    """Return where the template lies: ``models`` inside the extension, or else beside the package."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models" / "template.npz"
    return inside if inside.is_file() else package.parent / "models" / "template.npz"


def load_template(path: Path | None = None) -> Template:
    """Read a template.

    Args:
        path: the file; the one that comes with the product when None.

    Raises:
        TemplateError: the file cannot be read or is not a template of this version.
    """
    path = default_template_path() if path is None else Path(path)
    if not path.is_file():
        raise TemplateError(f"There is no template at {path}.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise TemplateError(f"The template {path} is damaged and cannot be read: {error}.") from error
    version = int(arrays.get("format_version", -1))
    if version != FORMAT_VERSION:
        raise TemplateError(
            f"The template {path} has format version {version}, but this program needs {FORMAT_VERSION}."
        )
    try:
        return _from_arrays(arrays)
    except KeyError as error:
        raise TemplateError(f"The template {path} is incomplete: {error.args[0]} is missing.") from error


def _from_arrays(arrays: dict[str, np.ndarray]) -> Template:
    """Arrange the arrays of a file; a missing one raises KeyError with its name."""
    meshes = {
        part: Mesh(
            arrays[f"{part}_vertices"].astype(np.float64),
            np.ascontiguousarray(arrays[f"{part}_faces"], dtype=np.int32),
        )
        for part in PARTS
    }
    return Template(
        meshes=meshes,
        skin_uv=arrays["skin_uv"].astype(np.float64),
        skin_uv_faces=arrays["skin_uv_faces"].astype(np.int32),
        regions={name: arrays[f"region_{name}"].astype(np.float32) for name in REGIONS},
        landmarks68=arrays["landmarks68"].astype(np.int32),
        face_materials={part: arrays[f"{part}_materials"].astype(np.int16) for part in PARTS},
        material_names=tuple(str(name) for name in arrays["material_names"]),
        lash_binding=SurfaceBinding(
            arrays["lash_triangles"].astype(np.int32),
            arrays["lash_barycentric"].astype(np.float64),
            arrays["lash_offsets"].astype(np.float64),
        ),
        eye_look_degrees={
            str(name): float(value)
            for name, value in zip(arrays["eye_look_names"], arrays["eye_look_degrees"], strict=True)
        },
        eye_centers={
            "eye_left": arrays["eye_left_center"].astype(np.float64),
            "eye_right": arrays["eye_right_center"].astype(np.float64),
        },
        content_hash=_hash_arrays(arrays),
    )


def _hash_arrays(arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, shapes, types and contents, independent of the compression."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
