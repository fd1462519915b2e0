"""The soft tissue at one resolution: classified sub-voxels and the hexes made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .embedding import PieceFinder
from .face_region import INNER_REGIONS, depth_below, in_nasal_cavity, outer_skin_samples, region_margin
from .pieces import SplitCells, count_tissue, split_cells
from .template import Template
from .voxels import SubVoxels, Surface, classify

#: Largest edge of a sub-voxel, mm.
SUB_VOXEL_MM = 0.5
#: Parts that tissue cannot be in.
SOLID_PARTS = ("skull", "mandible", "upper_teeth", "lower_teeth")


@dataclass(frozen=True)
class Tissue:
    """The soft tissue of the template, cut into cells.

    Attributes:
        edge: edge of a cell, mm.
        division: sub-voxels along that edge.
        voxels: the classified sub-voxels; their origin is the low corner of cell (0, 0, 0).
        split: the hexes.
        beyond: (cx, cy, cz) bool, cells with tissue outside the region of the simulated face.
        outer_samples: (S, 3) points on the outer skin around the region, about 1 mm apart.
        skin_finder: finds the piece beside a point of the skin.
    """

    edge: float
    division: int
    voxels: SubVoxels
    split: SplitCells
    beyond: np.ndarray
    outer_samples: np.ndarray
    skin_finder: PieceFinder

    @property
    def node_positions(self) -> np.ndarray:
        """(N, 3) float64 canonical mm."""
        return self.voxels.origin + self.split.node_cells * self.edge


def build_tissue(template: Template, edge: float, depth_limit: float) -> Tissue:
    """Find the soft tissue and cut it into cells.

    Args:
        template: the mean face with its bones.
        edge: edge of the cells, mm.
        depth_limit: cells whose center is deeper below the outer skin are left out, mm.

    Raises:
        ValueError: if the template leaves no tissue.
    """
    skin = template.meshes["skin"]
    inner = np.max([template.regions[name] > 0.5 for name in INNER_REGIONS], axis=0)
    division = int(np.ceil(edge / SUB_VOXEL_MM - 1e-9))
    origin, cell_shape = _window(skin.vertices, edge)
    surfaces = [Surface(skin.vertices, skin.triangles, solid=False)]
    for part in SOLID_PARTS:
        surfaces.append(Surface(template.meshes[part].vertices, template.meshes[part].triangles, solid=True))
    voxels = classify(surfaces, origin, edge / division, tuple(int(count) * division for count in cell_shape))

    samples = outer_skin_samples(skin.vertices, skin.triangles, inner, 1.0)
    samples = samples[region_margin(samples) > -depth_limit]
    holds_tissue = count_tissue(voxels, division) > 0
    cells = np.argwhere(holds_tissue)
    centers = origin + (cells + 0.5) * edge
    within = region_margin(centers) > 0
    shallow = within & ~in_nasal_cavity(centers)
    shallow[shallow] = np.isfinite(depth_below(samples, centers[shallow], depth_limit))
    active = np.zeros(holds_tissue.shape, dtype=bool)
    active[tuple(cells[shallow].T)] = True
    beyond = np.zeros_like(active)
    beyond[tuple(cells[~within].T)] = True
    split = split_cells(voxels, division, active)
    finder = PieceFinder(voxels, split, division, skin.vertices, skin.triangles)
    return Tissue(float(edge), division, voxels, split, beyond, samples, finder)


def _window(vertices: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the low corner (3,) and the number of cells (3,) of a window around the region; x = 0 is a cell face."""
    inside = vertices[region_margin(vertices) > -edge]
    low = np.floor(inside.min(axis=0) / edge) - 1
    high = np.ceil(inside.max(axis=0) / edge) + 1
    low[0] = min(low[0], -high[0])
    high[0] = -low[0]
    return low * edge, (high - low).astype(np.int64)
