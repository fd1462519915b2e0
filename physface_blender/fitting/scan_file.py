"""Scans from files: Wavefront OBJ, Stanford PLY and STL, text or binary, read without another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import ScanError
from .scan import Scan

SUFFIXES = (".obj", ".ply", ".stl")
LARGEST_FILE = 2_000_000_000

_PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip


def read_scan(path: Path) -> Scan:
    """Read a surface; polygons are cut into fans of triangles.

    Args:
        path: a file that ends in .obj, .ply or .stl.

    Raises:
        ScanError: there is no such file, it is of another kind, damaged, or not a surface (see ``Scan.checked``).
    """
    return Scan.checked(*read_surface(path))


def read_surface(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (T, 3) of a file, in the file's order and unchecked.

    Raises:
        ScanError: the file cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise ScanError(f"There is no scan at {path}.")
    readers = {".obj": _read_obj, ".ply": _read_ply, ".stl": _read_stl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ScanError(f"{path.name} is of an unknown kind; a scan is an {', '.join(SUFFIXES)} file.")
    if path.stat().st_size > LARGEST_FILE:
        raise ScanError(f"{path.name} is larger than {LARGEST_FILE / 1e9:g} GB; reduce the scan first.")
    content = path.read_bytes()
    if not content:
        raise ScanError(f"The scan {path.name} is empty.")
    try:
        return reader(content)
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise ScanError(f"The scan {path.name} is damaged and cannot be read: {error}.") from error


def _read_obj(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    vertices: list[list[bytes]] = []
    polygons: list[list[int]] = []
    for line in content.replace(b"\\\n", b" ").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == b"v":
            if len(words) < 4:
                raise ValueError(f"a vertex has {len(words) - 1} coordinates")
            vertices.append(words[1:4])
        elif words[0] == b"f":
            corners = [int(word.split(b"/")[0]) for word in words[1:]]
            polygons.append([corner - 1 if corner > 0 else len(vertices) + corner for corner in corners])
    return np.array(vertices, dtype=np.float64).reshape(-1, 3), _fans(polygons)


def _fans(polygons: list[list[int]]) -> np.ndarray:
    """Triangles (T, 3) of polygons."""
    triangles: list[np.ndarray] = []
    sizes = np.array([len(polygon) for polygon in polygons], dtype=np.int64)
    for size in np.unique(sizes[sizes >= 3]):
        same = np.array([polygons[index] for index in np.flatnonzero(sizes == size)], dtype=np.int64)
        triangles += [same[:, [0, corner, corner + 1]] for corner in range(1, size - 1)]
    return np.concatenate(triangles) if triangles else np.empty((0, 3), dtype=np.int64)


def _read_stl(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    count = int.from_bytes(content[80:84], "little") if len(content) >= 84 else -1
    if len(content) == 84 + 50 * count:
        layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.frombuffer(content, layout, count, 84)["corners"].reshape(-1, 3).astype(np.float64)
    elif content.lstrip()[:5].lower() == b"solid":
        lines = [line.split() for line in content.splitlines()]
        words = [line[1:4] for line in lines if line and line[0].lower() == b"vertex"]
        corners = np.array(words, dtype=np.float64).reshape(-1, 3)
    else:
        raise ValueError("its length does not match its number of triangles")
    if len(corners) % 3:
        raise ValueError("a triangle lacks corners")
    vertices, corner_of = np.unique(corners, axis=0, return_inverse=True)
    return vertices, corner_of.reshape(-1, 3)


def _read_ply(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    end = content.find(b"end_header")
    if not content.startswith(b"ply") or end < 0:
        raise ValueError("it has no PLY header")
    start = content.index(b"\n", end) + 1
    kind, elements = _ply_header(content[:end].decode("ascii", errors="replace").splitlines())
    vertices, faces = np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    tokens = content[start:].split() if kind == "ascii" else None
    offset = 0
    for name, count, properties in elements:
        if tokens is not None:
            rows, offset = _ply_text(tokens, offset, count, properties)
        else:
            order = "<" if kind == "binary_little_endian" else ">"
            rows, offset = _ply_binary(content, start + offset, count, properties, order, offset)
        if name == "vertex":
            vertices = np.stack([rows[axis] for axis in "xyz"], axis=1).astype(np.float64)
        elif name == "face":
            faces = rows["vertex_indices"] if "vertex_indices" in rows else rows["vertex_index"]
    return vertices, faces


_Property = tuple[str, str, str]
"""Name, type of the value, type of the count of a list or an empty text."""


def _ply_header(lines: list[str]) -> tuple[str, list[tuple[str, int, list[_Property]]]]:
    kind, elements = "", []
    for words in (line.split() for line in lines):
        if words[:1] == ["format"]:
            kind = words[1]
        elif words[:1] == ["element"]:
            elements.append((words[1], int(words[2]), []))
        elif words[:2] == ["property", "list"]:
            elements[-1][2].append((words[4], _PLY_TYPES[words[3]], _PLY_TYPES[words[2]]))
        elif words[:1] == ["property"]:
            elements[-1][2].append((words[2], _PLY_TYPES[words[1]], ""))
    if kind not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise ValueError(f"its format is {kind or 'not given'}")
    return kind, elements


def _ply_text(tokens: list[bytes], offset: int, count: int, properties: list[_Property]):
    """Columns of one element by property name (lists as triangles), and where the next element begins."""
    if not any(size for _, _, size in properties):
        width = len(properties)
        table = np.array(tokens[offset : offset + count * width], dtype=np.float64).reshape(count, width)
        return {name: table[:, i] for i, (name, _, _) in enumerate(properties)}, offset + count * width
    polygons: dict[str, list[list[int]]] = {name: [] for name, _, size in properties if size}
    for _ in range(count):
        for name, _, size in properties:
            length = int(tokens[offset]) if size else 0
            if size:
                polygons[name].append([int(float(token)) for token in tokens[offset + 1 : offset + 1 + length]])
                if len(polygons[name][-1]) != length:
                    raise ValueError("it ends within a face")
            offset += 1 + length
    return {name: _fans(rows) for name, rows in polygons.items()}, offset


def _ply_binary(content: bytes, start: int, count: int, properties: list[_Property], order: str, offset: int):
    """As ``_ply_text`` for binary rows that begin at ``start``."""
    begin = start - offset
    if not any(size for _, _, size in properties):
        layout = np.dtype([(name, order + kind) for name, kind, _ in properties])
        rows = np.frombuffer(content, layout, count, start)
        return {name: rows[name] for name in layout.names}, offset + count * layout.itemsize
    # Rows with lists: as long as all faces have the corners of the first, they are a table.
    layout = _uniform_layout(content, start, properties, order) if count else None
    if layout is not None and start + count * layout.itemsize <= len(content):
        rows = np.frombuffer(content, layout, count, start)
        if all((rows[f"count {name}"] == rows[f"count {name}"][0]).all() for name, _, size in properties if size):
            lists = {name: rows[name] for name, _, size in properties if size}
            fans = {name: _table_fans(table.astype(np.int64)) for name, table in lists.items()}
            return fans, offset + count * layout.itemsize
    polygons: dict[str, list[list[int]]] = {name: [] for name, _, size in properties if size}
    at = start
    for _ in range(count):
        for name, kind, size in properties:
            length = 1
            if size:
                length = int(np.frombuffer(content, order + size, 1, at)[0])
                at += np.dtype(size).itemsize
                polygons[name].append(np.frombuffer(content, order + kind, length, at).astype(np.int64).tolist())
            at += length * np.dtype(kind).itemsize
    return {name: _fans(rows) for name, rows in polygons.items()}, at - begin


def _uniform_layout(content: bytes, start: int, properties: list[_Property], order: str) -> np.dtype:
    """The layout of the first row, whose lists have the lengths they have there."""
    fields, at = [], start
    for name, kind, size in properties:
        if size:
            length = int(np.frombuffer(content, order + size, 1, at)[0])
            fields += [(f"count {name}", order + size), (name, order + kind, (length,))]
            at += np.dtype(size).itemsize + length * np.dtype(kind).itemsize
        else:
            fields.append((name, order + kind))
            at += np.dtype(kind).itemsize
    return np.dtype(fields)


def _table_fans(table: np.ndarray) -> np.ndarray:
    """Triangles of polygons (M, corners) of one size."""
    if table.ndim < 2 or table.shape[1] < 3:
        return np.empty((0, 3), dtype=np.int64)
    return np.concatenate([table[:, [0, i, i + 1]] for i in range(1, table.shape[1] - 1)])
