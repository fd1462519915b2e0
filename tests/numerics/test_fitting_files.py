"""Scans from files and what is refused of them, with one sentence each."""

import json

import numpy as np
import pytest

from physface_blender.anatomy.template import load_template
from physface_blender.demo.errors import DemoError
from physface_blender.demo.fit_output import read_landmarks
from physface_blender.fitting.errors import ScanError
from physface_blender.fitting.scan import Scan
from physface_blender.fitting.scan_file import read_scan, read_surface

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float64)
HALVES = np.array([[0, 1, 2], [0, 2, 3]])

PLY_HEADER = (
    "ply\nformat {format} 1.0\ncomment one square\nelement vertex 4\nproperty float x\nproperty float y\n"
    "property float z\nproperty uchar red\nelement face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
)


def _ply_text() -> bytes:
    rows = "".join(f"{x:g} {y:g} {z:g} 7\n" for x, y, z in SQUARE)
    return (PLY_HEADER.format(format="ascii", faces=1) + rows + "4 0 1 2 3\n").encode()


def _ply_binary(order: str, faces: list[list[int]]) -> bytes:
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    layout = np.dtype([("place", order + "f4", 3), ("red", "u1")])
    rows = np.zeros(4, layout)
    rows["place"] = SQUARE
    lists = b"".join(bytes([len(face)]) + np.array(face, order + "i4").tobytes() for face in faces)
    return PLY_HEADER.format(format=name, faces=len(faces)).encode() + rows.tobytes() + lists


def _stl_binary() -> bytes:
    layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows = np.zeros(2, layout)
    rows["corners"] = SQUARE[HALVES]
    return b"\0" * 80 + (2).to_bytes(4, "little") + rows.tobytes()


def _stl_text() -> bytes:
    facets = ""
    for triangle in SQUARE[HALVES]:
        corners = "".join(f"vertex {x:g} {y:g} {z:g}\n" for x, y, z in triangle)
        facets += f"facet normal 0 0 1\nouter loop\n{corners}endloop\nendfacet\n"
    return f"solid square\n{facets}endsolid\n".encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("quad.obj", b"# a square\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1 4/1\n"),
        ("relative.obj", b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4 -3 -2\nf -4//1 -2//1 -1//1\n"),
        ("text.ply", _ply_text()),
        ("little.ply", _ply_binary("<", [[0, 1, 2, 3]])),
        ("big.ply", _ply_binary(">", [[0, 1, 2], [0, 2, 3]])),
        ("mixed.ply", _ply_binary("<", [[0, 1, 2], [0, 2, 3, 0]])),
        ("binary.stl", _stl_binary()),
        ("text.stl", _stl_text()),
    ],
)
def test_a_square_is_read_from_every_kind_of_file(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    vertices, triangles = read_surface(tmp_path / name)
    corners = vertices[triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0) / 2.0
    np.testing.assert_array_equal(area, [0.0, 0.0, 1.0])
    assert len(vertices) == 4


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.fbx", b"x", "unknown kind"),
        ("empty.obj", b"", "is empty"),
        ("comment.obj", b"# nothing\n", "holds no vertices"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\n", "points but no faces"),
        ("words.obj", b"v a b c\nf 1 2 3\n", "damaged"),
        ("index.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "name vertices that are not there"),
        ("nan.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite numbers"),
        ("one.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "at least 100"),
        ("header.ply", b"solid", "no PLY header"),
        ("cut.ply", _ply_binary("<", [[0, 1, 2, 3]])[:-3], "damaged"),
        ("cut.stl", _stl_binary()[:-3], "damaged"),
    ],
)
def test_a_file_that_is_no_surface_gets_one_sentence(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScanError, match=sentence) as error:
        read_scan(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_gets_one_sentence(tmp_path):
    with pytest.raises(ScanError, match="There is no scan"):
        read_scan(tmp_path / "none.obj")


def test_rim_and_normals_and_mirror_image():
    skin = load_template().meshes["skin"]
    scan = Scan.checked(skin.vertices, skin.triangles)
    assert scan.rim.sum() == len(np.unique(skin.boundary_edges))
    turned = np.einsum("px,px->p", scan.normals, skin.vertex_normals)
    assert turned.min() > 0.5  # area and angle weights differ, most of all at the corners of the eyes
    mirrored = scan.mirrored()
    np.testing.assert_allclose(mirrored.normals, scan.normals * [-1.0, 1.0, 1.0], atol=1e-12)


def test_landmarks_with_unknown_ones(tmp_path):
    points = [[float(i), 0.0, 1.0] for i in range(68)]
    points[5] = None
    (tmp_path / "points.json").write_text(json.dumps(points))
    landmarks = read_landmarks(tmp_path / "points.json", 3)
    assert np.isnan(landmarks[5]).all()
    assert np.isfinite(np.delete(landmarks, 5, axis=0)).all()


@pytest.mark.parametrize("text", ["no", "[[1, 2]]", '{"a": 1}', "[1, 2, 3]", "[[1, 2, 3], [1, 2]]"])
def test_landmarks_of_another_form_get_one_sentence(text, tmp_path):
    (tmp_path / "points.json").write_text(text)
    with pytest.raises(DemoError, match="68 points"):
        read_landmarks(tmp_path / "points.json", 3)
