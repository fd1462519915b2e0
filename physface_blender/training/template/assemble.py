"""Puts the template together and writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...anatomy.mesh import Mesh
from ...anatomy.template import FORMAT_VERSION, PARTS
from ..manifest import publish_entry
from .bones import clean_bones
from .clearance import cleared_contact
from .cleared_skin import cleared_skin
from .eye_look import measure_eye_look_degrees
from .eyes import EYE_MATERIALS, fit_left_eyeball
from .face_source import read_face_source
from .gums import split_gums
from .lashes import lashes_of
from .outer_skin import outer_skin
from .regions import carried_regions, source_regions
from .teeth import template_teeth
from .topology.remesh import remeshed
from .topology.texture_coordinates import carried_texture_coordinates

MATERIALS = ("skin", "lips", "inner_mouth", "teeth", "gum", *EYE_MATERIALS, "lashes", "bone")
MANIFEST_ENTRY = {
    "model": "mean face: skin, teeth, gums, eyes, lashes, skull, mandible, regions, landmarks",
    "licence": "see NOTICE.md",
    "data": "ICT-FaceKit (MIT), registered bones (CC BY 3.0 YahooJAPAN; ArtiSynth, A. G. Hannam)",
    "command": "python3 build.py template",
}
PART_MATERIAL = {
    "skin": "skin",
    "upper_teeth": "teeth",
    "lower_teeth": "teeth",
    "upper_gum": "gum",
    "lower_gum": "gum",
    "lashes": "lashes",
    "skull": "bone",
    "mandible": "bone",
}


def build_template(data: Path, out: Path, report: Callable[[str], None]) -> None:
    """Make the template from the source data and write it.

    Args:
        data: the folder of source data.
        out: the file to write.
        report: is told each step in a sentence.
    """
    report("Reading the source face.")
    source = read_face_source(data)
    left_eye = fit_left_eyeball(source)
    report("Laying the skin's own topology on the source's.")
    regions_of_source = source_regions(source)
    sockets = {side: regions_of_source[f"eye_socket_{side}"] > 0.5 for side in ("left", "right")}
    remesh = remeshed(source, cleared_skin(source.skin(), sockets, left_eye))
    regions = carried_regions(remesh, regions_of_source)
    # Its quads cut corners where the lids are round, so they are cleared once more.
    sockets = {side: regions[f"eye_socket_{side}"] > 0.5 for side in ("left", "right")}
    skin = cleared_skin(remesh.skin, sockets, left_eye)
    eye_left, eye_materials = left_eye.mesh()
    eye_right, _ = left_eye.mirrored().mesh()
    upper_gum, lower_gum = split_gums(source)
    report("Clearing the resting contact of lips, lining and teeth.")
    upper_teeth, lower_teeth = template_teeth(source)
    vertices = cleared_contact(skin, regions["contact"] > 0.5, [upper_teeth, lower_teeth])
    skin = skin.with_vertices((vertices + vertices[remesh.twin] * [-1.0, 1.0, 1.0]) / 2)
    report("Growing the lashes.")
    lashes, lash_binding = lashes_of(source, skin)
    report("Cleaning skull and mandible.")
    centers = np.stack([left_eye.center, left_eye.mirrored().center])
    skull, mandible = clean_bones(data, outer_skin(skin, regions), centers)
    meshes = {
        "skin": skin,
        "upper_teeth": upper_teeth,
        "lower_teeth": lower_teeth,
        "upper_gum": upper_gum,
        "lower_gum": lower_gum,
        "eye_left": eye_left,
        "eye_right": eye_right,
        "lashes": lashes,
        "skull": skull,
        "mandible": mandible,
    }
    look = measure_eye_look_degrees(data)
    materials = {part: np.full(len(meshes[part].faces), MATERIALS.index(name)) for part, name in PART_MATERIAL.items()}
    materials["skin"] = _skin_materials(skin, regions)
    for part in ("eye_left", "eye_right"):
        materials[part] = eye_materials + MATERIALS.index(EYE_MATERIALS[0])
    uv, uv_faces = carried_texture_coordinates(source, remesh)
    arrays = {
        "format_version": np.int32(FORMAT_VERSION),
        "skin_uv": uv,
        "skin_uv_faces": uv_faces,
        "landmarks68": remesh.nearest_vertices(source.landmarks68),
        "material_names": np.array(MATERIALS),
        "lash_triangles": lash_binding.triangles,
        "lash_barycentric": lash_binding.barycentric.astype(np.float32),
        "lash_offsets": lash_binding.offsets.astype(np.float32),
        "eye_look_names": np.array(list(look)),
        "eye_look_degrees": np.array(list(look.values())),
        "eye_left_center": centers[0],
        "eye_right_center": centers[1],
        **{f"region_{name}": weight for name, weight in regions.items()},
    }
    for part in PARTS:
        arrays[f"{part}_vertices"] = meshes[part].vertices.astype(np.float32)
        arrays[f"{part}_faces"] = meshes[part].faces.astype(np.int32)
        arrays[f"{part}_materials"] = materials[part].astype(np.int16)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, **arrays)
    if (out.parent / "manifest.toml").is_file():
        publish_entry(out.parent, "template", out, MANIFEST_ENTRY)
    report(f"Wrote {out}, {out.stat().st_size / 1e6:.1f} MB, skin of {len(skin.vertices)} vertices.")


def _skin_materials(skin: Mesh, regions: dict[str, np.ndarray]) -> np.ndarray:
    """Return (F,) the material of each skin face: lips and inner mouth where all corners lie in them."""
    lips = np.maximum(regions["upper_lip"], regions["lower_lip"])[skin.faces].min(axis=1) > 0.5
    mouth = regions["inner_mouth"][skin.faces].min(axis=1) > 0.5
    return np.where(mouth, MATERIALS.index("inner_mouth"), np.where(lips, MATERIALS.index("lips"), 0))
