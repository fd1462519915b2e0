"""Messages as bytes."""

import dataclasses
import json
import math

import numpy as np
import pytest

from physface_blender.backend import messages
from physface_blender.backend.errors import ProtocolError
from physface_blender.backend.message_codec import decode, encode

CREATE = messages.CreateCharacter(
    serial=7,
    character="Face",
    identity=(0.1, -1 / 3),
    resolution_mm=2.5,
    simulation={"contact": False, "max_iterations": 9},
)


def test_every_message_survives_with_its_defaults():
    for name, kind in vars(messages).items():
        if not (isinstance(kind, type) and issubclass(kind, messages.Message)):
            continue
        required = [f for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
        samples = {
            "str": "text",
            "int": 3,
            "float": 0.25,
            "bool": True,
            "int | None": None,
            "Mapping[str, str]": {"a": "b"},
        }
        values = {f.name: samples.get(_type_name(f.type), (1.0, 2.0)) for f in required}
        message = kind(serial=5, **values)
        assert decode(encode(message))[0] == message, name


def _type_name(kind):
    return getattr(kind, "__name__", str(kind)) if not hasattr(kind, "__args__") else _generic_name(kind)


def _generic_name(kind):
    return str(kind).replace("collections.abc.", "")


def test_floats_are_exact():
    values = tuple(np.random.default_rng(0).standard_normal(1000))
    sent = messages.PoseLive(character="Face", expression=values)
    received, _ = decode(encode(sent))
    assert received.expression == values


def test_numpy_scalars_become_plain_numbers():
    sent = messages.PoseLive(character="Face", expression=tuple(np.float32([0.1, 0.2])))
    assert decode(encode(sent))[0].expression == (float(np.float32(0.1)), float(np.float32(0.2)))


def test_infinity_and_nested_values_survive():
    posed = messages.Posed(character="Face", frame=None, status="network", sentence="ß…")
    received, _ = decode(encode(posed))
    assert math.isinf(received.minimum_distance_mm)
    assert received.frame is None
    assert received.sentence == "ß…"
    assert decode(encode(CREATE))[0] == CREATE


def test_the_place_of_arrays_travels_along_and_arrays_do_not():
    posed = messages.Posed(character="Face", frame=3, status="network", sentence="", arrays={"skin": np.zeros((4, 3))})
    data = encode(posed, {"block": "b", "layout": {}})
    received, reference = decode(data)
    assert received.arrays == {}
    assert reference == {"block": "b", "layout": {}}
    assert len(data) < 400


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80\x04pickle", b"[]", b"{}", encode(CREATE)[:-5]],
    ids=["nothing", "not text", "no envelope", "empty envelope", "truncated"],
)
def test_other_bytes_are_refused(data):
    with pytest.raises(ProtocolError, match="no message"):
        decode(data)


def test_another_version_and_unknown_types_are_refused():
    envelope = json.loads(encode(CREATE))
    for change in ({"version": 99}, {"type": "Popen"}, {"type": ["Ping"]}):
        with pytest.raises(ProtocolError):
            decode(json.dumps(envelope | change).encode())


def test_fields_that_do_not_fit_are_refused():
    envelope = json.loads(encode(CREATE))
    envelope["values"]["surprise"] = 1
    with pytest.raises(ProtocolError, match="fields"):
        decode(json.dumps(envelope).encode())
