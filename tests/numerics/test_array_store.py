"""Files of a cache: whole or not there."""

import numpy as np

from physface_blender.anatomy.array_store import read_arrays, write_arrays

ARRAYS = {"a": np.arange(1000.0).reshape(10, 100), "b": np.array([3, -1], dtype=np.int32)}


def test_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "new" / "arrays.npz"
    assert write_arrays(path, ARRAYS)
    back = read_arrays(path)
    assert set(back) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype
        assert np.array_equal(back[name], array)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_damage_is_noticed(tmp_path):
    path = tmp_path / "arrays.npz"
    assert read_arrays(path) is None
    write_arrays(path, ARRAYS)
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], whole[:-10], _flipped(whole, 2000)):
        path.write_bytes(damaged)
        assert read_arrays(path) is None


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, a=np.array([{"code": 1}], dtype=object))
    assert read_arrays(path) is None


def test_folder_that_cannot_be_made_is_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert not write_arrays(blocked / "arrays.npz", ARRAYS)
    assert blocked.read_text() == "not a folder"


def _flipped(content: bytes, position: int) -> bytes:
    """The same bytes with one of them changed."""
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)
