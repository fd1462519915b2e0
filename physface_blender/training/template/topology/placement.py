"""First places of the layout's vertices on the half surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....anatomy.mesh import Mesh
from ..face_source import FaceSource
from .face_layout import EAR_RINGS, EYE_RINGS, MOUTH_RINGS, NOSTRIL_RINGS, FaceLayout
from .flat_map import disk_map, locate, middle_of_neighbors, spread
from .half_surface import HalfSurface
from .lines import lengths_along, places_along, points_along
from .patch import Patch
from .ring_places import eye_places, mouth_places, nostril_places
from .surface_walk import SurfaceWalk

#: Where the corners of the blocks go, millimeters; those in the middle plane lie on its line.
CORNERS = {
    "middle_chin": (0, -63, 110),
    "middle_lip": (0, -17.5, 115),
    "middle_cheek": (0, 22, 120),
    "middle_brow": (0, 53, 107),
    "middle_crown": (0, 122, 74),
    "back_crown": (0, 122, -61),
    "back_brow": (0, 46, -87),
    "back_lip": (0, -10, -67),
    "back_chin": (0, -42, -58),
    "nose_lip": (17, -16, 105),
    "nose_cheek": (13, 20, 105),
    "nose_brow": (13, 54, 107),
    "nose_chin": (18, -65, 105),
    "pupil_lip": (36, -17, 97),
    "pupil_chin": (34, -59, 93),
    "temple_brow": (57, 56, 83),
    "temple_cheek": (57, 16, 82),
    "temple_lip": (58, -18, 75),
    "temple_chin": (53, -50, 64),
    "ear_chin": (60, -50, 25),
    "nape_chin": (56, -48, -8),
}
#: Places around the ear from its lower front corner counterclockwise, each with its number of columns from the start.
AROUND_EAR = (
    (0, (67, -24, 17)),
    (6, (62, -24, -6)),
    (10, (66, -4, -20)),
    (15, (70, 18, -26)),
    (19, (77, 41, -14)),
    (23, (78, 44, 2)),
    (27, (77, 42, 17)),
    (38, (74, 22, 22)),
    (46, (71.5, 0, 21)),
    (54, (67, -24, 17)),
)
#: Middle of the grid that closes the ear.
CONCHA = (66.5, 9.0, 9.5)
#: What the corners of the nostril's rings and of its inset are nearest to, from the one beside lip and middle,
#: counterclockwise.
NOSTRIL_CORNERS = np.array([(3.6, -9.0, 117.0), (16.2, -11.2, 106.0), (18.0, -1.1, 112.0), (7.5, -3.5, 123.0)])
NOSTRIL_INSET = ((2.5, -11.5, 116.0), (16.5, -11.5, 106.0), (18.0, -1.0, 112.0), (5.0, -2.0, 126.5))
#: How often each vertex moves to the middle of its neighbors, to undo folds where a block's corner was pulled over.
UNFOLDING = 8
#: Distances of the loops next to the edge of the lids and to the rim of the nostril, millimeters.
LID_DISTANCES, NOSTRIL_DISTANCES = (0.6, 1.3, 2.1, 3.1), (0.45,)


@dataclass(frozen=True)
class FirstPlaces:
    """Where the layout's vertices lie before they settle.

    Attributes:
        plane: (V, 2) places of the source's vertices in the plane, nan outside the half.
        index: (N,) triangle of the half under each vertex.
        barycentric: (N, 3) place in that triangle.
        stays: (N,) bool, what has to stay while the face settles: loops, and the pockets behind them.
        face_stays: (N,) bool, what has to stay while the pockets settle.
    """

    plane: np.ndarray
    index: np.ndarray
    barycentric: np.ndarray
    stays: np.ndarray
    face_stays: np.ndarray


def first_places(source: FaceSource, skin: Mesh, layout: FaceLayout, half: HalfSurface) -> FirstPlaces:
    """Place a layout on the half.

    The half is spread on a disk without folds. There the corners of the blocks, the rings of mouth, eye, ear and
    nostril and the boundary get their places, and every other vertex the middle of its neighbors.
    """
    vertices = skin.vertices
    around = np.concatenate([half.middle, half.neck[-2:0:-1]])
    closed = lengths_along(vertices[np.append(around, around[0])])
    flat = disk_map(vertices, half.triangles, around, closed[:-1] / closed[-1])
    count = int(layout.quads.max()) + 1
    known = np.full((count, 2), np.nan)
    outer = np.unique(half.faces)

    def nearest(place) -> int:
        return int(outer[np.linalg.norm(vertices[outer] - place, axis=1).argmin()])

    for name, place in CORNERS.items():
        known[layout.corners[name]] = flat[nearest(place)]
    mouth = mouth_places(source, skin, flat, layout.mouth.shape[1])
    eye = eye_places(source, skin, flat, layout.eye_shape)
    nostril = nostril_places(skin, flat, NOSTRIL_CORNERS, layout.nostril.shape[1])
    stays = np.zeros(count, dtype=bool)
    for chains, (first, count_pinned, _), rings in (
        (layout.mouth, MOUTH_RINGS, mouth),
        (layout.eye, EYE_RINGS, eye),
        (layout.nostril, NOSTRIL_RINGS, nostril),
    ):
        chains = chains[first : first + count_pinned + 1]
        known[chains] = rings.places
        stays[chains] = True
    walk = SurfaceWalk(half.vertices, half.triangles)
    for chains, rings, distances, outward in (
        (layout.eye, EYE_RINGS, LID_DISTANCES, eye.outward),
        (layout.nostril, NOSTRIL_RINGS, NOSTRIL_DISTANCES, nostril.outward),
    ):
        index, barycentric = locate(known[chains[rings[0]]], flat, half.triangles)
        start = walk.places(index, barycentric)
        for row, distance in enumerate(distances, start=1):
            at, inside = walk.toward(start + distance * outward, index)
            known[chains[rings[0] - row]] = np.einsum("pc,pcx->px", inside, flat[half.triangles[at]])
            stays[chains[rings[0] - row]] = True
    for corner, place in enumerate(NOSTRIL_INSET):
        known[layout.nostril[0][corner * layout.nostril.shape[1] // 4]] = flat[nearest(place)]
    columns, places = zip(*AROUND_EAR, strict=True)
    rim = flat[[nearest(place) for place in places]]
    at = np.arange(layout.ear.shape[1])
    known[layout.ear[0]] = np.stack([np.interp(at, columns, rim[:, axis]) for axis in (0, 1)], axis=1)
    known[layout.ear_cap[layout.ear_cap.shape[0] // 2, layout.ear_cap.shape[1] // 2]] = flat[nearest(CONCHA)]
    known[layout.neck] = points_along(
        flat[half.neck], lengths_along(vertices[half.neck]), np.linspace(0, 1, len(layout.neck))
    )
    _fill_middle(known, layout, vertices[half.middle], flat[half.middle])
    known = spread(layout.edges, 1.0 / layout.lengths, known, np.flatnonzero(~np.isnan(known[:, 0])))
    weights = 1.0 / layout.lengths
    held = stays.copy()
    held[layout.middle] = held[layout.neck] = held[layout.ear[0]] = True
    held[layout.nostril[0][:: layout.nostril.shape[1] // 4]] = True
    for _ in range(UNFOLDING):
        known = np.where(held[:, None], known, middle_of_neighbors(known, layout.edges, weights))
    pockets = _pockets(layout)
    ear = np.unique(np.concatenate([layout.ear.ravel(), layout.ear_cap.ravel()]))
    index, barycentric = locate(known, flat, half.triangles)
    plane = Patch(half.vertices, half.triangles, flat)
    inner = np.setdiff1d(ear, layout.ear[0])
    index[inner], barycentric[inner] = plane.evened(known, layout, ear, inner)
    for chains, (first, count_pinned, _), cap, rings in (
        (layout.mouth, MOUTH_RINGS, layout.mouth_cap, mouth),
        (layout.eye, EYE_RINGS, layout.eye_cap, eye),
        (layout.nostril, NOSTRIL_RINGS, layout.nostril_cap, nostril),
    ):
        end = rings.end
        vertices_of = np.unique(np.concatenate([chains[first + count_pinned :].ravel(), cap.ravel()]))
        inner = np.intersect1d(vertices_of, pockets)
        rows = half.beyond(end)
        patch = Patch.of(half.vertices, half.triangles[rows])
        places = np.full((count, 2), np.nan)
        rim = np.setdiff1d(vertices_of, inner)
        places[rim] = patch.on_rim(half.places(index[rim], barycentric[rim]))
        at, barycentric[inner] = patch.evened(places, layout, vertices_of, inner)
        index[inner] = rows[at]
    stays[pockets] = True
    stays[layout.ear[: EAR_RINGS[0]]] = False
    stays[layout.nose_line[4:-4]] = True
    face_stays = np.ones(count, dtype=bool)
    face_stays[np.setdiff1d(pockets, ear)] = False
    return FirstPlaces(flat, index, barycentric, stays, face_stays)


def _pockets(layout: FaceLayout) -> np.ndarray:
    """Return the vertices of ear, throat and the ends of the pockets, whose places follow from their rims alone."""
    parts = [
        layout.ear[1:],
        layout.ear_cap,
        layout.mouth[sum(MOUTH_RINGS[:2]) + 1 :, 1:-1],
        layout.mouth_cap[1:-1, 1:-1],
    ]
    parts += [layout.eye[sum(EYE_RINGS[:2]) + 1 :], layout.eye_cap[1:-1, 1:-1]]
    parts += [layout.nostril[sum(NOSTRIL_RINGS[:2]) + 1 :], layout.nostril_cap[1:-1, 1:-1]]
    return np.unique(np.concatenate([part.ravel() for part in parts]))


def _fill_middle(known: np.ndarray, layout: FaceLayout, line: np.ndarray, flat_line: np.ndarray) -> None:
    """Place, in ``known``, what lies in the middle plane evenly between the vertices that are known there."""
    known[layout.middle[[0, -1]]] = flat_line[[0, -1]]
    steps = np.flatnonzero(~np.isnan(known[layout.middle, 0]))
    at = places_along(flat_line, known[layout.middle[steps]])
    length = lengths_along(line)
    at = np.interp(at, lengths_along(flat_line), length)
    shares = np.interp(np.arange(len(layout.middle)), steps, at) / length[-1]
    known[layout.middle] = points_along(flat_line, length, shares)
