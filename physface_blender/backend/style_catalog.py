# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the shipped styles, read from the header of their file: panels ask for them before any worker runs."""

import json
import struct
from pathlib import Path

from .errors import StyleError

STYLE_SUFFIX = ".safetensors"
_LONGEST_HEADER = 10_000_000


def shipped_styles(path: Path | None = None) -> tuple[str, ...]:
    """The shipped styles in their order.

    A safetensors file begins with the length of its header (uint64, little endian) and the header as JSON.

    Args:
        path: Another file than the shipped one.

    Raises:
        StyleError: The file is missing or damaged.
    """
    file = path or _shipped_file()
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            names = json.loads(stream.read(length))["__metadata__"]["styles"]
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise StyleError(f"The styles in {file} cannot be read ({error}); reinstall PhysFace.") from error
    return tuple(name for name in names.split(",") if name)


def _shipped_file() -> Path:
    package = Path(__file__).resolve().parent.parent
    inside = package / "models" / f"style{STYLE_SUFFIX}"
    return inside if inside.is_file() else package.parent / "models" / inside.name
