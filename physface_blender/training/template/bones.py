"""Skull and mandible of the mean face: the registered scans, cleaned through signed distance fields.

The registered scans still hold their own teeth, reach into the face's large eyeballs and, at the nostril
floor, out of the skin. Every repair is an intersection of fields, so the result is closed and manifold
by construction: bone, and not where teeth were, and outside the eyeball, and deep enough below the skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fast_simplification
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, label

from ...anatomy.mesh import Mesh
from .signed_field import Grid, signed_distance
from .surface_nets import extract_surface, without_ambiguity

MILLIMETERS_PER_UNIT = 10.0


@dataclass(frozen=True)
class BoneSettings:
    """How the bones are repaired. Lengths in millimeters.

    Attributes:
        spacing: edge of the grid cells.
        orbit_radius: bone keeps this distance from the eyeballs' centers.
        skin_depth: least depth of bone below the outer skin.
        nose_depth: the same in the nasal region, where bone is thinly covered.
        joint_gap: least gap of skull and mandible.
        smoothing: standard deviation of the blur of the field.
        wall: bone thinner than this is thickened to it (the scan's webs fold when simplified).
        vertex_count: vertices of each bone after simplification.
    """

    spacing: float = 0.8
    orbit_radius: float = 17.2
    skin_depth: float = 2.2
    nose_depth: float = 1.0
    joint_gap: float = 1.5
    smoothing: float = 0.5
    wall: float = 1.6
    vertex_count: int = 9000


def clean_bones(
    data: Path,
    outer_skin: tuple[np.ndarray, np.ndarray],
    eye_centers: np.ndarray,
    settings: BoneSettings | None = None,
) -> tuple[Mesh, Mesh]:
    """Return skull and mandible as closed manifold triangle meshes.

    Args:
        data: the folder of source data.
        outer_skin: vertices (V, 3) and triangles (T, 3) of the closed outer skin, mouth and lids filled.
        eye_centers: (2, 3) millimeters.
        settings: see :class:`BoneSettings`.
    """
    settings = settings or BoneSettings()
    with np.load(data / "bones" / "registered_mean.npz", allow_pickle=False) as archive:
        scans = {
            name: (archive[f"{name}_V"].astype(np.float64) * MILLIMETERS_PER_UNIT, archive[f"{name}_F"])
            for name in ("skull", "mandible")
        }
    band = 5 * settings.spacing
    grid = Grid.around(np.concatenate([scans["skull"][0], scans["mandible"][0]]), settings.spacing, 2 * band)
    points = grid.points()
    cover = signed_distance(*outer_skin, grid, band)
    nose = (np.abs(points[..., 0]) < 17) & (points[..., 1] > -13) & (points[..., 1] < 30) & (points[..., 2] > 75)
    cover += np.where(nose, settings.nose_depth, settings.skin_depth)
    fields = {}
    for name, scan in scans.items():
        field = signed_distance(*scan, grid, band)
        field = np.maximum(field, -_tooth_space(name, points))
        field = gaussian_filter((field + field[::-1]) / 2, settings.smoothing / settings.spacing)
        fields[name] = _thickened(field, grid.spacing, settings.wall)
    skull = np.maximum(fields["skull"], settings.joint_gap - fields["mandible"])
    for center in eye_centers:
        skull = np.maximum(skull, settings.orbit_radius - np.linalg.norm(points - center, axis=-1))
    return tuple(
        _surface_of(np.maximum(field, cover), grid, settings.vertex_count) for field in (skull, fields["mandible"])
    )


def _tooth_space(name: str, points: np.ndarray) -> np.ndarray:
    """Return a field that is negative where a scan has teeth: beyond the alveolar crest of its bone.

    The lower crest is flat along the tooth row and rises in front of the ramus, which stays.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    if name == "skull":
        return np.maximum.reduce([y + 26.0, np.abs(x) - 40.0, 40.0 - z])
    crest = -41.0 + 0.9 * np.clip(62.0 - z, 0.0, None)
    return np.maximum.reduce([crest - y, np.abs(x) - 34.0, 42.0 - z])


def _thickened(field: np.ndarray, spacing: float, wall: float) -> np.ndarray:
    """Return the field with thin walls made at least ``wall`` millimeters thick."""
    radius = wall / spacing
    body = field < 0
    opened = distance_transform_edt(distance_transform_edt(body) <= radius) <= radius
    distance = distance_transform_edt(~(body & ~opened)) * spacing
    return gaussian_filter(np.minimum(field, distance - wall / 2), 0.7)


def _surface_of(field: np.ndarray, grid: Grid, vertex_count: int) -> Mesh:
    """Return the largest body of a field as a simplified closed mesh."""
    field = without_ambiguity(field, grid.spacing)
    bodies, _ = label(field < 0)
    sizes = np.bincount(bodies.ravel())
    sizes[0] = 0
    field = np.where((bodies == sizes.argmax()) | (field >= 0), field, grid.spacing)
    outside, _ = label(field >= 0)
    field = np.where((outside == outside[0, 0, 0]) | (field < 0), field, -grid.spacing)
    vertices, triangles = extract_surface(field, grid)
    for attempt in range(10):
        # Simplification may fold a thin wall onto itself; another target takes another order of collapses.
        target = vertex_count + 100 * attempt
        points, corners = fast_simplification.simplify(
            vertices.astype(np.float32), triangles, target_reduction=1 - target / len(vertices), agg=6
        )
        mesh = Mesh(points.astype(np.float64), np.column_stack([corners, np.full(len(corners), -1)]).astype(np.int32))
        if _is_closed_manifold(mesh):
            return mesh
    raise ValueError("The bone did not stay a closed manifold when it was simplified.")


def _is_closed_manifold(mesh: Mesh) -> bool:
    """Tell whether every edge has exactly two faces that run along it in opposite directions."""
    sides = mesh.directed_edges
    return (
        len(np.unique(sides, axis=0)) == len(sides)
        and len(mesh.edges) * 2 == len(sides)
        and (len(mesh.boundary_edges) == 0)
    )
