"""Small blocks of soft tissue to test the simulation on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EMPTY = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class PointEmbedding:
    """Points in hexahedra; has the attributes and methods of the embeddings of a material space."""

    hexes: np.ndarray
    weights: np.ndarray
    corners: np.ndarray
    areas: np.ndarray | None = None

    def apply(self, nodes: np.ndarray) -> np.ndarray:
        """Return the (P, 3) positions of the points."""
        return np.einsum("pc,pcd->pd", self.weights, nodes[self.corners])

    def matrix(self, node_count: int):
        """Return the sparse (P, N) matrix of weights."""
        from scipy.sparse import csr_matrix

        count = len(self.hexes)
        rows = np.repeat(np.arange(count), 8)
        return csr_matrix((self.weights.ravel(), (rows, self.corners.ravel())), shape=(count, node_count))


@dataclass(frozen=True)
class BlockSpace:
    """A box of hexahedra with the attributes of a material space that the simulator reads."""

    resolution_mm: float
    node_positions: np.ndarray
    hexes: np.ndarray
    cells: np.ndarray
    fill: np.ndarray
    skin: PointEmbedding
    skull_attachment: PointEmbedding
    mandible_attachment: PointEmbedding
    border_nodes: np.ndarray


def block_mesh(counts: tuple[int, int, int], edge: float = 4.0, origin=(0.0, 0.0, 0.0)):
    """Return nodes (N, 3), hexes (E, 8) and cells (E, 3) of a box of cubes of the given edge in millimeters."""
    _, ny, nz = counts
    grid = np.stack(np.meshgrid(*[np.arange(k + 1) for k in counts], indexing="ij"), axis=-1).reshape(-1, 3)
    cells = np.stack(np.meshgrid(*[np.arange(k) for k in counts], indexing="ij"), axis=-1).reshape(-1, 3)
    corners = []
    for corner in range(8):
        i, j, k = (cells + np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])).T
        corners.append((i * (ny + 1) + j) * (nz + 1) + k)
    return (
        grid * edge + np.asarray(origin, dtype=np.float64),
        np.stack(corners, axis=1).astype(np.int32),
        cells.astype(np.int32),
    )


def embed(points: np.ndarray, nodes: np.ndarray, hexes: np.ndarray, edge: float) -> PointEmbedding:
    """Embed points (P, 3) in axis-aligned cubes; the nearest cube where a point is in none."""
    from physface_blender.simulation.hexahedron import shape_values

    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    if not len(points):
        return PointEmbedding(EMPTY, np.zeros((0, 8)), np.zeros((0, 8), dtype=np.int32))
    centers = nodes[hexes].mean(axis=1)
    nearest = np.array([np.argmin(np.abs(p - centers).max(axis=1)) for p in points], dtype=np.int32)
    local = (points - nodes[hexes[nearest, 0]]) / edge
    return PointEmbedding(nearest, shape_values(local), hexes[nearest])


def rotation(axis, degrees: float) -> np.ndarray:
    """Return the (3, 3) rotation about an axis."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def jittered(nodes: np.ndarray, amount: float, seed: int) -> np.ndarray:
    """Return nodes moved by normal noise of the given standard deviation in millimeters."""
    return nodes + np.random.default_rng(seed).normal(scale=amount, size=nodes.shape)


def surface_grid(corner, first, second, counts: tuple[int, int]):
    """Return vertices and triangles of a flat patch: corner plus multiples of two edge vectors, each in so many parts."""
    corner, first, second = (np.asarray(v, dtype=np.float64) for v in (corner, first, second))
    m, n = counts
    steps = np.stack(np.meshgrid(np.arange(m + 1) / m, np.arange(n + 1) / n, indexing="ij"), axis=-1).reshape(-1, 2)
    vertices = corner + steps[:, :1] * first + steps[:, 1:] * second
    i, j = np.stack(np.meshgrid(np.arange(m), np.arange(n), indexing="ij"), axis=-1).reshape(-1, 2).T
    a, b, c, d = i * (n + 1) + j, (i + 1) * (n + 1) + j, (i + 1) * (n + 1) + j + 1, i * (n + 1) + j + 1
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return vertices, triangles.astype(np.int32)


def box_surface(low, high):
    """Return vertices (8, 3) and outward triangles (12, 3) of an axis-aligned box."""
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    bits = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return low + bits * (high - low), np.array(triangles, dtype=np.int32)


def collision_patch(patches, nodes, hexes, edge, upper=None, lower=None, diameter=150.0):
    """Return a collision geometry of surface patches embedded in cubes, with optional teeth (vertices, triangles)."""
    from physface_blender.simulation.collision_geometry import CollisionGeometry
    from physface_blender.simulation.obstacle import Carrier, Obstacle

    vertices = np.concatenate([v for v, _ in patches])
    offsets = np.cumsum([0, *(len(v) for v, _ in patches[:-1])])
    triangles = np.concatenate([t + o for (_, t), o in zip(patches, offsets, strict=True)])
    held = embed(vertices, nodes, hexes, edge)
    teeth = ((upper, Carrier.SKULL), (lower, Carrier.MANDIBLE))
    return CollisionGeometry(
        skin_vertices=np.arange(len(vertices)),
        triangles=triangles.astype(np.int32),
        corners=held.corners,
        weights=held.weights,
        detail=vertices - held.apply(nodes),
        obstacles=tuple(Obstacle(*surface, carrier) for surface, carrier in teeth if surface is not None),
        diameter_mm=diameter,
    )


def lips(edge: float = 2.0, gap: float = 1.0):
    """Return two slabs that face each other across a gap, as (space, patches): the lower hangs on the mandible, the
    upper on the skull, 24 x 16 x 8 mm each."""
    counts = (int(24 / edge), int(8 / edge), int(16 / edge))
    lower_nodes, lower_hexes, lower_cells = block_mesh(counts, edge, (0.0, -8.0 - gap, 0.0))
    upper_nodes, upper_hexes, upper_cells = block_mesh(counts, edge, (0.0, 0.0, 0.0))
    nodes = np.concatenate([lower_nodes, upper_nodes])
    hexes = np.concatenate([lower_hexes, upper_hexes + len(lower_nodes)])
    cells = np.concatenate([lower_cells - [0, 2 * counts[1], 0], upper_cells])
    bottom, top = lower_nodes[lower_nodes[:, 1] == -8.0 - gap], upper_nodes[upper_nodes[:, 1] == 8.0]
    patches = [
        surface_grid((0.0, -gap, 0.0), (0, 0, 16), (24, 0, 0), (11, 17)),
        surface_grid((0.0, 0.0, 0.0), (24, 0, 0), (0, 0, 16), (15, 10)),
    ]
    skin = embed(np.concatenate([v for v, _ in patches]), nodes, hexes, edge)
    space = BlockSpace(
        edge, nodes, hexes, cells, np.ones(len(hexes)), skin,
        embed(top, nodes, hexes, edge), embed(bottom, nodes, hexes, edge), EMPTY,
    )  # fmt: skip
    return space, patches
