"""Closed surfaces of known shape, and their hexes, for the tests of the soft tissue's cells."""

import numpy as np

from physface_blender.anatomy.embedding import PieceFinder
from physface_blender.anatomy.mesh import Mesh
from physface_blender.anatomy.pieces import split_cells
from physface_blender.anatomy.tissue import Tissue
from physface_blender.anatomy.voxels import Surface, classify

#: Height of the slot of `slotted_block`: not on the face of a cell.
SLOT_Y = 0.7


def block_surface(planes: tuple[np.ndarray, np.ndarray, np.ndarray], occupied: np.ndarray) -> Mesh:
    """The boundary of the occupied boxes between planes along x, y and z, quads with outward normals."""
    planes = tuple(np.asarray(values, dtype=float) for values in planes)
    shape = tuple(len(values) for values in planes)
    vertices = np.stack(np.meshgrid(*planes, indexing="ij"), axis=3).reshape(-1, 3)
    number = np.arange(len(vertices)).reshape(shape)
    padded = np.pad(occupied.astype(bool), 1)
    faces = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for cell in np.argwhere(occupied):
            for side in (0, 1):
                neighbor = cell + 1
                neighbor[axis] += 2 * side - 1
                if padded[tuple(neighbor)]:
                    continue
                corners = []
                for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)) if side else ((0, 0), (0, 1), (1, 1), (1, 0)):
                    corner = cell.copy()
                    corner[axis] += side
                    corner[u] += du
                    corner[v] += dv
                    corners.append(number[tuple(corner)])
                faces.append(corners)
    faces = np.array(faces, dtype=np.int32)
    used, compact = np.unique(faces, return_inverse=True)
    return Mesh(vertices[used], compact.reshape(-1, 4).astype(np.int32))


def slotted_block(gap: float, length: float = 16.0, slot: float = 10.3, finest: float = 1.0) -> Mesh:
    """A block of length x 8 x 8 mm with a slot in the middle (y = SLOT_Y), open at x = 0, from there to x = slot."""
    xs = np.unique(np.concatenate([np.arange(0.0, length + 1e-9, finest), [slot]]))
    ys = SLOT_Y + np.array([-4.0, -2.0, -gap / 2, gap / 2, 2.0, 4.0])
    zs = np.arange(0.0, 8.0 + 1e-9, finest)
    occupied = np.ones((len(xs) - 1, len(ys) - 1, len(zs) - 1), dtype=bool)
    occupied[:, 2] = (xs[:-1] >= slot - 1e-9)[:, None]
    return block_surface((xs, ys, zs), occupied)


def sphere_surface(radius: float, rings: int = 60, center=(0.0, 0.0, 0.0)) -> Mesh:
    """A sphere of latitude rings, outward normals; its vertices lie on the sphere."""
    theta = np.linspace(0.0, np.pi, rings + 1)[1:-1]
    phi = np.arange(2 * rings) * np.pi / rings
    ring = np.stack(
        [
            np.outer(np.sin(theta), np.cos(phi)),
            np.outer(np.sin(theta), np.sin(phi)),
            np.repeat(np.cos(theta)[:, None], len(phi), axis=1),
        ],
        axis=2,
    )
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]]) * radius + center
    count = len(phi)
    faces = []
    for j in range(count):
        k = (j + 1) % count
        faces.append((len(vertices) - 2, j, k, -1))
        faces.append((len(vertices) - 1, (rings - 2) * count + k, (rings - 2) * count + j, -1))
        faces.extend((i * count + j, (i + 1) * count + j, (i + 1) * count + k, i * count + k) for i in range(rings - 2))
    return Mesh(vertices, np.array(faces, dtype=np.int32))


def tissue_of(body: Mesh, edge: float, division: int, solids: tuple[Mesh, ...] = ()) -> Tissue:
    """The hexes of a body whose cells start at multiples of the edge; no region, no depth limit."""
    low = np.floor(body.vertices.min(axis=0) / edge) - 1
    high = np.ceil(body.vertices.max(axis=0) / edge) + 1
    shape = (high - low).astype(int)
    surfaces = [Surface(body.vertices, body.triangles, solid=False)]
    surfaces += [Surface(solid.vertices, solid.triangles, solid=True) for solid in solids]
    voxels = classify(surfaces, low * edge, edge / division, tuple(int(n) * division for n in shape))
    split = split_cells(voxels, division, np.ones(shape, dtype=bool))
    finder = PieceFinder(voxels, split, division, body.vertices, body.triangles)
    return Tissue(edge, division, voxels, split, np.zeros(shape, dtype=bool), body.vertices, finder)
