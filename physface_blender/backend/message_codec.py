# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as bytes: JSON without pickles, so that two Pythons, numpys and package names understand each other.

The shell runs as ``bl_ext.<repository>.physface`` and the worker as ``physface_blender``, so classes go by their bare
name. JSON writes floats by their shortest exact form: a float64 comes out bit for bit as it went in.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from . import messages
from .errors import ProtocolError
from .messages import Message

PROTOCOL_VERSION = 1

_TYPES: dict[str, type[Message]] = {
    name: value for name, value in vars(messages).items() if isinstance(value, type) and issubclass(value, Message)
}


def encode(message: Message, arrays_reference: Mapping[str, Any] | None = None) -> bytes:
    """A message as bytes.

    Args:
        message: any request or reply. Its ``arrays`` are not written.
        arrays_reference: where the arrays lie (``shared_arrays``), of plain values.
    """
    values = {entry.name: _plain(getattr(message, entry.name)) for entry in fields(message) if entry.name != "arrays"}
    envelope = {"version": PROTOCOL_VERSION, "type": type(message).__name__, "values": values}
    if arrays_reference is not None:
        envelope["arrays"] = arrays_reference
    return json.dumps(envelope, separators=(",", ":")).encode()


def decode(data: bytes) -> tuple[Message, Mapping[str, Any] | None]:
    """The message in ``data`` and where its arrays lie, if it has any.

    Raises:
        ProtocolError: the bytes are no message of this version.
    """
    try:
        envelope = json.loads(data)
        version, name, values = envelope["version"], envelope["type"], envelope["values"]
    except (ValueError, TypeError, KeyError) as error:
        raise ProtocolError(f"The backend sent bytes that are no message ({error}); restart the backend.") from error
    if version != PROTOCOL_VERSION or not isinstance(name, str) or name not in _TYPES:
        raise ProtocolError(
            f"The backend speaks protocol {version!r} (message {name!r}) and this version {PROTOCOL_VERSION}; "
            "restart Blender so that both sides are of the same version of PhysFace."
        )
    try:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        return _TYPES[name](**values), envelope.get("arrays")
    except (TypeError, AttributeError) as error:
        raise ProtocolError(f"A message {name} does not have the fields it should ({error}).") from error


def with_arrays(message: Message, arrays: Mapping[str, Any]) -> Message:
    """The message with its arrays put back."""
    return replace(message, arrays=arrays)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise TypeError(f"A message cannot hold a {type(value).__name__}.")
