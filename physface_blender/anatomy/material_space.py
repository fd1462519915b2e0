"""The material space: the soft tissue of the template as hexes, with everything that is embedded in them.

It is built once per resolution in canonical space and shared by all characters: a character's rest nodes are the
canonical nodes taken through the identity's map, so topology, embedding weights and orderings never change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from .array_store import read_kept_arrays, write_arrays
from .bone_contact import bone_attachment
from .embedding import Embedding, trilinear_gradients, trilinear_weights
from .face_region import depth_below
from .parting import PARTING_RESOLUTION_MM, solve_parting, transfer_parting
from .pieces import CORNER_OFFSETS
from .skin_embedding import embed_skin
from .template import Template
from .tissue import Tissue, build_tissue

#: Resolutions that make sense, mm.
RESOLUTION_RANGE_MM = (1.0, 10.0)
#: The files whose text decides what a space looks like; a cached space of another text is not used.
SOURCES = (
    "bone_contact.py",
    "embedding.py",
    "face_region.py",
    "material_space.py",
    "mesh.py",
    "parting.py",
    "pieces.py",
    "skin_embedding.py",
    "tissue.py",
    "voxels.py",
)
DEPTH_LIMIT_MM = 25.0


@dataclass(frozen=True)
class MaterialSpace:
    """Hexes of the soft tissue in canonical space.

    Attributes:
        resolution_mm: edge h of the cells.
        origin: (3,) mm, low corner of cell (0, 0, 0).
        node_positions: (N, 3) float64 canonical mm.
        hexes: (E, 8) int32 nodes; corner i has the offset (i & 1, i >> 1 & 1, i >> 2 & 1).
        cells: (E, 3) int32 grid index of the low corner.
        fill: (E,) float64, share of the cell that is tissue of this piece, 0..1.
        node_parting: (N,) float64 in -1..1.
        skin: embedding of all skin vertices; hex -1 where outside the tissue.
        skull_attachment: points on the skull where it touches tissue, with their areas.
        mandible_attachment: the same on the mandible.
        border_nodes: (K,) int32 nodes on the cut faces towards neck, ears and scalp that lie near the skin.
        content_hash: hexadecimal, of everything above.
    """

    resolution_mm: float
    origin: np.ndarray
    node_positions: np.ndarray
    hexes: np.ndarray
    cells: np.ndarray
    fill: np.ndarray
    node_parting: np.ndarray
    skin: Embedding
    skull_attachment: Embedding
    mandible_attachment: Embedding
    border_nodes: np.ndarray
    content_hash: str


def build_material_space(
    template: Template,
    resolution_mm: float,
    *,
    depth_limit_mm: float = DEPTH_LIMIT_MM,
    progress: Callable[[float, str], None] | None = None,
) -> MaterialSpace:
    """Build the material space of a template.

    Args:
        template: the mean face with its bones.
        resolution_mm: edge of the cells, 1 to 10 mm.
        depth_limit_mm: cells deeper than this below the outer skin are left out.
        progress: called with the share done, 0..1, and a short text.

    Returns:
        The material space.

    Raises:
        ValueError: if the resolution is out of range or the template leaves no tissue.
    """
    low, high = RESOLUTION_RANGE_MM
    if not low <= resolution_mm <= high:
        raise ValueError(f"The resolution must lie between {low:g} and {high:g} mm, not {resolution_mm:g}.")
    tell = progress or (lambda share, text: None)
    tell(0.0, "Finding the soft tissue")
    skin = template.meshes["skin"]
    tissue = build_tissue(template, resolution_mm, depth_limit_mm)
    split = tissue.split

    tell(0.4, "Embedding skin and bones")
    skin_embedding = embed_skin(skin, tissue)
    attachments = [bone_attachment(template.meshes[part], tissue) for part in ("skull", "mandible")]

    tell(0.6, "Solving for the parting coordinate")
    if resolution_mm == PARTING_RESOLUTION_MM:
        parting = solve_parting(template, tissue)
    else:
        reference = build_tissue(template, PARTING_RESOLUTION_MM, depth_limit_mm)
        parting = transfer_parting(reference, solve_parting(template, reference), tissue)
    arrays = {
        "origin": tissue.voxels.origin,
        "node_positions": tissue.node_positions,
        "hexes": split.hexes,
        "cells": split.cells,
        "fill": split.fill,
        "node_parting": parting,
        "border_nodes": _border_nodes(tissue, depth_limit_mm),
        **_embedding_arrays("skin", skin_embedding),
        **_embedding_arrays("skull_attachment", attachments[0]),
        **_embedding_arrays("mandible_attachment", attachments[1]),
    }
    tell(1.0, "Done")
    return _space_from_arrays(resolution_mm, arrays)


def load_or_build(
    template: Template,
    resolution_mm: float,
    cache_directory: Path | None = None,
    *,
    progress: Callable[[float, str], None] | None = None,
) -> MaterialSpace:
    """Read the material space from a cache folder, or build it and keep it there.

    A file that is missing, truncated, damaged or made by another version of this code is built anew. A folder that
    cannot be written to is no error: the space is then simply not kept.

    Args:
        template: the mean face with its bones.
        resolution_mm: edge of the cells, 1 to 10 mm.
        cache_directory: where spaces are kept; None to keep nothing.
        progress: as for `build_material_space`.
    """
    if cache_directory is None:
        return build_material_space(template, resolution_mm, progress=progress)
    path = Path(cache_directory) / f"space_{_cache_key(template, resolution_mm)}.npz"
    arrays = read_kept_arrays(path)
    if arrays is not None:
        return _space_from_arrays(resolution_mm, arrays)
    space = build_material_space(template, resolution_mm, progress=progress)
    arrays = {
        name: getattr(space, name)
        for name in ("origin", "node_positions", "hexes", "cells", "fill", "node_parting", "border_nodes")
    }
    for name in ("skin", "skull_attachment", "mandible_attachment"):
        arrays.update(_embedding_arrays(name, getattr(space, name)))
    write_arrays(path, arrays)
    return space


def _cache_key(template: Template, resolution_mm: float) -> str:
    """Return what a cached space depends on as a hexadecimal digest."""
    digest = hashlib.sha256(f"{template.content_hash} {float(resolution_mm)!r}".encode())
    for name in SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:32]


def _embedding_arrays(name: str, embedding: Embedding) -> dict[str, np.ndarray]:
    """Return the arrays of an embedding by their names in a file."""
    return {f"{name}_{field.name}": getattr(embedding, field.name) for field in fields(Embedding)}


def _space_from_arrays(resolution_mm: float, arrays: dict[str, np.ndarray]) -> MaterialSpace:
    """Put a space together; its hash is that of all arrays."""
    digest = hashlib.sha256(repr(float(resolution_mm)).encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    embeddings = {
        name: Embedding(**{field.name: arrays[f"{name}_{field.name}"] for field in fields(Embedding)})
        for name in ("skin", "skull_attachment", "mandible_attachment")
    }
    plain = ("origin", "node_positions", "hexes", "cells", "fill", "node_parting", "border_nodes")
    return MaterialSpace(
        resolution_mm=float(resolution_mm),
        **{name: arrays[name] for name in plain},
        **embeddings,
        content_hash=digest.hexdigest(),
    )


def parting_at(space: MaterialSpace, hexes: np.ndarray, local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate the parting inside hexes.

    Args:
        space: the material space.
        hexes: (P,) hexes.
        local: (P, 3) coordinates in the hex, 0..1.

    Returns:
        Values (P,) and gradients (P, 3) per canonical mm.
    """
    nodal = space.node_parting[space.hexes[hexes]]
    values = np.einsum("pk,pk->p", trilinear_weights(local), nodal)
    gradients = np.einsum("pkx,pk->px", trilinear_gradients(local), nodal) / space.resolution_mm
    return values, gradients


def _border_nodes(tissue: Tissue, depth_limit: float) -> np.ndarray:
    """Return the nodes (K,) on faces towards cells beyond the region, no deeper than half the depth limit."""
    split, beyond = tissue.split, tissue.beyond
    chosen = []
    for axis in range(3):
        for side in (0, 1):
            neighbor = split.cells.copy()
            neighbor[:, axis] += 2 * side - 1
            inside = ((neighbor >= 0) & (neighbor < beyond.shape)).all(axis=1)
            cut = np.zeros(len(neighbor), dtype=bool)
            cut[inside] = beyond[tuple(neighbor[inside].T)]
            chosen.append(split.hexes[cut][:, CORNER_OFFSETS[:, axis] == side].ravel())
    border = np.unique(np.concatenate(chosen))
    shallow = np.isfinite(depth_below(tissue.outer_samples, tissue.node_positions[border], depth_limit / 2.0))
    return border[shallow].astype(np.int32)
