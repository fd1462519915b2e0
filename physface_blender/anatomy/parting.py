"""The parting coordinate: a smooth scalar that tells the two sides of a slit apart.

Upper and lower lip lie on top of each other in canonical space, so a function of (x, y, z) alone cannot move them
apart. The parting s is a fourth coordinate: +1 on the surfaces above the mouth and above the lid slits, -1 on those
below, and harmonic in the tissue between, so it has no jump anywhere in the material. Towards the corners of a slit,
where both sides join, the prescribed values taper to 0.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import cg, spsolve
from scipy.spatial import cKDTree

from .embedding import trilinear_weights
from .skin_embedding import embed_skin
from .template import Template
from .tissue import Tissue

#: The parting is defined by the solution at this resolution; others take it over.
PARTING_RESOLUTION_MM = 2.0

#: Distance from the corner of the mouth and of the eye over which the prescribed value rises from 0 to 1, mm.
LIP_TAPER_MM = 6.0
LID_TAPER_MM = 5.0
#: A lip is held where the other lip is nearer than this, mm, and its normal has this component up or down.
LIP_SLIT_MM = 5.0
LIP_FACING = 0.3
#: A lid is held along its margin, this far around the line of landmarks, mm.
LID_MARGIN_MM = 3.0
#: How much stiffer than the tissue the prescribed values are held.
HOLD = 50.0


def slit_values(vertices: np.ndarray, normals: np.ndarray, regions: dict, landmarks68: np.ndarray) -> np.ndarray:
    """Prescribe the parting on the skin.

    Args:
        vertices: (V, 3) skin, mm.
        normals: (V, 3) outward unit normals.
        regions: weights (V,) of `upper_lip`, `lower_lip`, `upper_lid_left` and so on.
        landmarks68: (68,) skin vertices.

    Returns:
        (V,) float64: the value in -1..1 on surfaces that face a slit, nan elsewhere.
    """
    values = np.full(len(vertices), np.nan)
    lips = [np.flatnonzero(regions[name] > 0.5) for name in ("upper_lip", "lower_lip")]
    for sign, here, other in ((1.0, lips[0], lips[1]), (-1.0, lips[1], lips[0])):
        near = cKDTree(vertices[other]).query(vertices[here])[0] < LIP_SLIT_MM
        chosen = here[near & (-sign * normals[here, 1] > LIP_FACING)]
        values[chosen] = sign * _taper(vertices[chosen], vertices[landmarks68[[48, 54]]], LIP_TAPER_MM)
    lids = (
        (1.0, "upper_lid_right", (36, 37, 38, 39)),
        (-1.0, "lower_lid_right", (36, 41, 40, 39)),
        (1.0, "upper_lid_left", (42, 43, 44, 45)),
        (-1.0, "lower_lid_left", (42, 47, 46, 45)),
    )
    for sign, name, line in lids:
        here = np.flatnonzero(regions[name] > 0.5)
        margin = vertices[landmarks68[list(line)]]
        chosen = here[_distance_to_line(vertices[here], margin) < LID_MARGIN_MM]
        values[chosen] = sign * _taper(vertices[chosen], margin[[0, -1]], LID_TAPER_MM)
    return values


def _taper(points: np.ndarray, corners: np.ndarray, width: float) -> np.ndarray:
    """Return weights (P,) that rise smoothly from 0 at the two corners (2, 3) and beyond them to 1 a width away.

    A corner is a crease that runs backwards, so only the distance seen from the front counts.
    """
    seen = np.linalg.norm(points[:, None, :2] - corners[None, :, :2], axis=2).min(axis=1)
    across = corners[1, :2] - corners[0, :2]
    along = (points[:, :2] - corners[0, :2]) @ across / (across @ across)
    share = np.clip(np.where((along > 0.0) & (along < 1.0), seen, 0.0) / width, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _distance_to_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the distance (P,) of points (P, 3) from a polyline (L, 3)."""
    start, along = line[:-1], np.diff(line, axis=0)
    offset = points[:, None] - start[None]
    share = np.clip(np.einsum("plx,lx->pl", offset, along) / np.einsum("lx,lx->l", along, along), 0.0, 1.0)
    return np.linalg.norm(offset - share[:, :, None] * along[None], axis=2).min(axis=1)


def solve_parting(template: Template, tissue: Tissue) -> np.ndarray:
    """Solve for the parting at the nodes of the tissue.

    Args:
        template: the face, for the skin around the slits.
        tissue: the hexes, best at `PARTING_RESOLUTION_MM`.

    Returns:
        (N,) float64 in -1..1.
    """
    skin = template.meshes["skin"]
    values = slit_values(skin.vertices, skin.vertex_normals, template.regions, template.landmarks68)
    embedding = embed_skin(skin, tissue)
    held = np.flatnonzero(~np.isnan(values) & embedding.inside)
    return harmonic(
        tissue.split.hexes,
        tissue.split.fill,
        len(tissue.split.node_cells),
        tissue.edge,
        embedding.corners[held],
        embedding.weights[held],
        values[held],
        embedding.areas[held],
    )


def harmonic(hexes, fill, node_count, edge, corners, weights, values, areas) -> np.ndarray:
    """Return the nodal values of the harmonic field that is held at points and natural elsewhere.

    The trilinear Laplacian of a cube has no positive entry off its diagonal, and the points hold their nodes one by one
    (lumped), so the maximum principle is exact: the field stays within the held values.

    Args:
        hexes: (E, 8) nodes.
        fill: (E,) share of material.
        node_count: N.
        edge: edge of a cell, mm.
        corners: (P, 8) nodes of the held points.
        weights: (P, 8) their trilinear weights; negative ones do not hold.
        values: (P,) held values.
        areas: (P,) mm^2 of surface that each point stands for.

    Returns:
        (N,) float64.

    Raises:
        ArithmeticError: if the system cannot be solved.
    """
    strength = HOLD / edge * areas[:, None] * np.clip(weights, 0.0, 1.0)
    hold = np.bincount(corners.ravel(), weights=strength.ravel(), minlength=node_count)
    right = np.bincount(corners.ravel(), weights=(strength * values[:, None]).ravel(), minlength=node_count)
    system = laplacian(hexes, fill, node_count, edge) + diags(hold)
    solution, failed = cg(system, right, rtol=1e-8, atol=0.0, maxiter=5000, M=diags(1.0 / system.diagonal()))
    if failed:
        raise ArithmeticError("The parting coordinate did not converge; the tissue may be cut into separate bodies.")
    return np.clip(solution, -1.0, 1.0)


def transfer_parting(reference: Tissue, nodal: np.ndarray, tissue: Tissue) -> np.ndarray:
    """Carry the parting to another resolution, so that it is the same function of the material at every resolution.

    A node takes the value of the reference at the nearest bit of its own material (a coarse node may lie in the air, or
    within the other lip). Where the reference has no material the field continues harmonically.

    Args:
        reference: the tissue at which the parting was solved.
        nodal: (N_reference,) its values.
        tissue: the other tissue.

    Returns:
        (N,) float64 in -1..1.
    """
    places = nearest_material(tissue)
    hexes = reference.skin_finder.find(places, np.zeros_like(places), 1.0)
    known = hexes >= 0
    origin = reference.voxels.origin
    local = (places[known] - origin) / reference.edge - reference.split.cells[hexes[known]]
    values = np.einsum(
        "pk,pk->p", trilinear_weights(np.clip(local, 0.0, 1.0)), nodal[reference.split.hexes[hexes[known]]]
    )
    parting = np.zeros(len(known))
    parting[known] = values
    if not known.all():
        matrix = laplacian(tissue.split.hexes, tissue.split.fill, len(known), tissue.edge)
        parting[~known] = spsolve(matrix[~known][:, ~known].tocsc(), -matrix[~known][:, known] @ values)
    return np.clip(parting, -1.0, 1.0)


def nearest_material(tissue: Tissue) -> np.ndarray:
    """Return for every node the center (N, 3) of the nearest sub-voxel of the pieces that share the node, mm."""
    split = tissue.split
    nearest = _nearest_sub_voxels(
        split.labels, split.first_piece, split.piece_hexes, split.hexes, tissue.division, len(split.node_cells)
    )
    return tissue.voxels.centers(nearest)


@numba.njit(cache=True)
def _nearest_sub_voxels(labels, first_piece, piece_hexes, hexes, division, node_count):
    """See `nearest_material`; returns indices (N, 3)."""
    best = np.full(node_count, 1 << 60, dtype=np.int64)
    index = np.zeros((node_count, 3), dtype=np.int64)
    for cx in range(first_piece.shape[0]):
        for cy in range(first_piece.shape[1]):
            for cz in range(first_piece.shape[2]):
                first = first_piece[cx, cy, cz]
                if first < 0:
                    continue
                for i in range(division):
                    for j in range(division):
                        for k in range(division):
                            x, y, z = cx * division + i, cy * division + j, cz * division + k
                            label = labels[x, y, z]
                            if label == 0 or piece_hexes[first + label - 1] < 0:
                                continue
                            nodes = hexes[piece_hexes[first + label - 1]]
                            for corner in range(8):
                                dx = 2 * i + 1 - 2 * division * (corner & 1)
                                dy = 2 * j + 1 - 2 * division * (corner >> 1 & 1)
                                dz = 2 * k + 1 - 2 * division * (corner >> 2 & 1)
                                distance = dx * dx + dy * dy + dz * dz
                                if distance < best[nodes[corner]]:
                                    best[nodes[corner]] = distance
                                    index[nodes[corner], 0] = x
                                    index[nodes[corner], 1] = y
                                    index[nodes[corner], 2] = z
    return index


def laplacian(hexes: np.ndarray, fill: np.ndarray, node_count: int, edge: float) -> csr_matrix:
    """Return the (N, N) finite-element Laplacian of trilinear cubes, weighted by fill; unit: mm."""
    # Cube of edge h: diagonal h/3, edge neighbors 0, across a face or the body -h/12.
    differing = np.array([[bin(i ^ j).count("1") for j in range(8)] for i in range(8)])
    element = edge * np.array([1.0 / 3.0, 0.0, -1.0 / 12.0, -1.0 / 12.0])[differing]
    rows = np.repeat(hexes, 8, axis=1).ravel()
    columns = np.tile(hexes, (1, 8)).ravel()
    values = (fill[:, None] * element.ravel()[None]).ravel()
    return csr_matrix((values, (rows, columns)), shape=(node_count, node_count))
