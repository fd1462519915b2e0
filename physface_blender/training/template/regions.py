"""Skin regions of the source face, found from its topology, its shapes and a few landmarks."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from ...anatomy.mesh import Mesh
from .face_source import FaceSource, mirror_permutation
from .topology.remesh import Remesh

UPPER_LIP_CONTOUR = slice(48, 55)
LOWER_LIP_CONTOUR = slice(55, 60)
MOUTH_CORNERS = [48, 54]
NOSTRIL_WIDTH = 13.0
SIDES = {"left": 1.0, "right": -1.0}


def source_regions(source: FaceSource) -> dict[str, np.ndarray]:
    """Return a (V,) float32 weight 0..1 per skin vertex for every region, symmetric about x = 0."""
    skin = source.skin()
    x, y, z = skin.vertices.T
    ranges = source.ranges
    is_socket = _within(len(x), ranges["mouth_socket"])
    jaw = source.expressions["jawOpen"][: len(x)]
    lowered = np.linalg.norm(jaw, axis=1) > 0.5 * lip_parting_travel(source)
    lips = lip_mask(source, skin, lowered)
    regions = {
        "face": _within(len(x), source.narrow_face),
        "upper_lip": lips & ~lowered,
        "lower_lip": lips & lowered,
        "inner_mouth": is_socket,
        "contact": lips | is_socket,
        "ear": _ears(x, y, z),
        "nostril": _nostrils(skin),
        "forehead": _ramp(y, 58.0, 66.0) * _ramp(-y, -112.0, -98.0) * _ramp(z, 40.0, 60.0),
        "scalp": np.maximum(_ramp(y, 98.0, 114.0), _ramp(y, 5.0, 25.0) * _ramp(-z, -35.0, -15.0)),
        "neck": _ramp(-y, 70.0, 90.0) * _ramp(-z, -95.0, -85.0),
    }
    regions["scalp"] = np.where(regions["ear"], 0.0, regions["scalp"])
    for side, sign in SIDES.items():
        socket = _within(len(x), ranges[f"eye_socket_{side}"])
        regions[f"eye_socket_{side}"] = socket
        upper, lower = _lids(source, skin, socket, side)
        regions[f"upper_lid_{side}"] = upper & (sign * x > 0)
        regions[f"lower_lid_{side}"] = lower & (sign * x > 0)
    return _symmetric({name: np.asarray(mask, dtype=np.float64) for name, mask in regions.items()}, skin)


def carried_regions(remesh: Remesh, regions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the regions on a mesh that lies on the source's skin: masks as masks, ramps as ramps."""
    carried = {}
    for name, weight in regions.items():
        values = remesh.carried(weight.astype(np.float64))
        is_mask = ((weight == 0) | (weight == 1)).all()
        carried[name] = (values > 0.5 if is_mask else np.clip(values, 0.0, 1.0)).astype(np.float32)
    return carried


def lip_parting_travel(source: FaceSource) -> float:
    """Return how far the lower lip's middle travels at jawOpen = 1, in millimeters."""
    return float(np.linalg.norm(source.expressions["jawOpen"][source.landmarks68[66]]))


def lip_mask(source: FaceSource, skin: Mesh, lowered: np.ndarray) -> np.ndarray:
    """Return (V,) True on the lips: from the outer contour of the red inward to the mouth socket.

    The contour is the loop of the mesh, counted from the mouth socket, on which most landmarks of it lie.
    """
    socket = np.flatnonzero(_within(len(skin.vertices), source.ranges["mouth_socket"]))
    pairs = np.concatenate([skin.faces[:, [a, b]] for a in range(4) for b in range(a + 1, 4)])
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(skin.vertices),) * 2).tocsr()
    ring = dijkstra(graph, directed=False, indices=socket, min_only=True, unweighted=True, limit=30)
    outer_upper = np.median(ring[source.landmarks68[UPPER_LIP_CONTOUR]])
    outer_lower = np.median(ring[source.landmarks68[LOWER_LIP_CONTOUR]])
    # Toward the corners the lower contour runs into the upper one.
    corner = np.abs(skin.vertices[source.landmarks68[MOUTH_CORNERS], 0]).mean()
    lower = outer_lower + (outer_upper - outer_lower) * _ramp(np.abs(skin.vertices[:, 0]), 0.7 * corner, corner)
    return (ring >= 1) & (ring <= np.where(lowered, lower, outer_upper))


def _lids(source: FaceSource, skin: Mesh, socket: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the masks of the upper and the lower lid: skin within reach of the lid edge, by height."""
    is_edge = np.zeros(len(socket), dtype=bool)
    ends = skin.edges[socket[skin.edges].any(axis=1) & ~socket[skin.edges].all(axis=1)]
    is_edge[ends[~socket[ends]]] = True
    distance = dijkstra(
        _graph(skin, keep=~socket), directed=False, indices=np.flatnonzero(is_edge), min_only=True, limit=12.0
    )
    first, second = (36, 39) if side == "right" else (42, 45)
    corners = skin.vertices[source.landmarks68[[first, second]]]
    corners = corners[np.argsort(corners[:, 0])]
    level = np.interp(skin.vertices[:, 0], corners[:, 0], corners[:, 1])
    height = skin.vertices[:, 1] - level
    blink = source.expressions["eyeBlink_L" if side == "left" else "eyeBlink_R"][: len(socket), 1]
    sinking = np.where(blink < -0.3, 1.0, np.where(blink > 0.1, -1.0, np.sign(height)))
    return (distance < 9.0) & (sinking > 0), (distance < 7.0) & (sinking < 0)


def _nostrils(skin: Mesh) -> np.ndarray:
    """Return the mask of the nostrils' insides: skin within the nose that looks at other skin.

    A vertex is inside when other skin near it looks back at it across less than ``NOSTRIL_WIDTH``.
    """
    points, normals = skin.vertices, skin.vertex_normals
    rows = np.flatnonzero(
        (np.abs(points[:, 0]) > 2.5)
        & (np.abs(points[:, 0]) < 17.0)
        & (points[:, 1] > -8.5)
        & (points[:, 1] < 12.0)
        & (points[:, 2] > 88.0)
        & (points[:, 2] < 121.0)
    )
    apart = points[rows][None] - points[rows][:, None]
    distance = np.linalg.norm(apart, axis=2) + 1e-9
    toward = np.einsum("pqx,px->pq", apart, normals[rows]) / distance
    back = -np.einsum("pqx,qx->pq", apart, normals[rows]) / distance
    seen = ((distance < NOSTRIL_WIDTH) & (toward > 0.5) & (back > 0.5)).sum(axis=1)
    inside = np.zeros(len(points), dtype=bool)
    inside[rows[seen > 4]] = True
    return inside


def _ears(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the mask of the ears: what stands out at the side of the head behind the jaw joint."""
    return (np.abs(x) > 65.0) & (y > -19.0) & (y < 46.0) & (z < 20.0 + 0.25 * y) & (z > -30.0)


def _graph(skin: Mesh, keep: np.ndarray) -> coo_matrix:
    """Return the (V, V) graph of edge lengths in millimeters among the vertices to keep."""
    edges = skin.edges[keep[skin.edges].all(axis=1)]
    length = np.linalg.norm(skin.vertices[edges[:, 0]] - skin.vertices[edges[:, 1]], axis=1)
    return coo_matrix((length, edges.T), shape=(len(keep),) * 2).tocsr()


def _within(count: int, limits: tuple[int, int]) -> np.ndarray:
    """Return (count,) True from the first to the last-plus-one index."""
    index = np.arange(count)
    return (index >= limits[0]) & (index < limits[1])


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below ``low``, 1 above ``high`` and a smooth step between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _symmetric(regions: dict[str, np.ndarray], skin: Mesh) -> dict[str, np.ndarray]:
    """Return the regions with each side equal to its mirror image; masks take what either side has."""
    partner = mirror_permutation(skin.vertices)
    result = {}
    for name, weight in regions.items():
        twin = name.replace("left", "@").replace("right", "left").replace("@", "right")
        result[name] = np.maximum(weight, regions[twin][partner]).astype(np.float32)
    return result
