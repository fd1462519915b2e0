"""Arrays through shared memory."""

import json
import sys
import threading
import time

import numpy as np
import pytest

from physface_blender.backend.shared_arrays import (
    BLOCK_LIMIT,
    ArrayReader,
    ArrayWriter,
    make_session_directory,
    remove_session_directory,
)


def never():
    return False


@pytest.fixture
def session():
    directory = make_session_directory()
    yield directory
    remove_session_directory(directory)


def some_arrays(seed, count=1000):
    random = np.random.default_rng(seed)
    return {
        "skin": random.standard_normal((count, 3)),
        "weights": random.standard_normal((5, 2)).astype(np.float32),
        "faces": random.integers(0, 99, (7, 4), dtype=np.int32),
        "none": np.zeros((0, 3)),
        "strided": random.standard_normal((6, 8))[::2, 1::3],
        "number": np.array(3.5),
    }


def test_arrays_arrive_bit_for_bit(session):
    writer, reader = ArrayWriter(session), ArrayReader(session)
    sent = some_arrays(0)
    reference = json.loads(json.dumps(writer.write(sent, never)))
    received = reader.read(reference)
    assert set(received) == set(sent)
    for name, array in sent.items():
        np.testing.assert_array_equal(received[name], array)
        assert received[name].dtype == array.dtype
        assert received[name].flags.writeable


def test_what_was_read_is_a_copy(session):
    writer, reader = ArrayWriter(session), ArrayReader(session)
    first = writer.write({"a": np.ones(8)}, never)
    kept = reader.read(first)["a"]
    writer.release(first["block"])
    second = writer.write({"a": np.zeros(8)}, never)
    assert second["block"] == first["block"]
    assert reader.read(second)["a"].sum() == 0.0
    assert kept.sum() == 8.0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has sections without files")
def test_no_file_is_left_once_the_reader_has_the_block(session):
    writer, reader = ArrayWriter(session), ArrayReader(session)
    reference = writer.write(some_arrays(1), never)
    assert [path.name for path in session.iterdir()] == [reference["block"]]
    reader.read(reference)
    assert list(session.iterdir()) == []
    writer.release(reference["block"])
    again = writer.write(some_arrays(2), never)
    np.testing.assert_array_equal(reader.read(again)["skin"], some_arrays(2)["skin"])


def test_growing_arrays_get_new_blocks_and_the_reader_lets_the_old_ones_go(session):
    writer, reader = ArrayWriter(session), ArrayReader(session)
    for count in (10, 1_000, 10_000, 50_000, 100_000, 200_000, 400_000):
        sent = some_arrays(count, count)
        reference = writer.write(sent, never)
        np.testing.assert_array_equal(reader.read(reference)["skin"], sent["skin"])
        writer.release(reference["block"])
        assert len(reader._maps) <= BLOCK_LIMIT


def test_a_fast_writer_waits_for_the_reader(session):
    writer, reader = ArrayWriter(session), ArrayReader(session)
    references = [writer.write({"a": np.full(4, float(i))}, never) for i in range(BLOCK_LIMIT)]
    written = []
    thread = threading.Thread(target=lambda: written.append(writer.write({"a": np.full(4, 9.0)}, never)))
    thread.start()
    time.sleep(0.3)
    assert not written
    assert [reader.read(reference)["a"][0] for reference in references] == [0.0, 1.0, 2.0, 3.0]
    writer.release(references[1]["block"])
    thread.join(5.0)
    assert written[0]["block"] == references[1]["block"]
    assert reader.read(written[0])["a"][0] == 9.0


def test_the_wait_ends_when_the_session_closes(session):
    writer = ArrayWriter(session)
    for _ in range(BLOCK_LIMIT):
        writer.write({"a": np.zeros(4)}, never)
    with pytest.raises(InterruptedError):
        writer.write({"a": np.zeros(4)}, lambda: True)


def test_a_block_that_is_gone_is_an_error(session):
    writer = ArrayWriter(session)
    reference = writer.write({"a": np.zeros(4)}, never)
    remove_session_directory(session)
    with pytest.raises(FileNotFoundError):
        ArrayReader(session).read(reference)
