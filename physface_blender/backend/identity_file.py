# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities in files: what a fit found, to be used again."""

from pathlib import Path

import numpy as np

from ..anatomy.array_store import read_arrays, write_arrays
from .errors import IdentityError
from .identity import Identity

FORMAT_VERSION = 1


def save_identity(path: Path, identity: Identity) -> None:
    """Write an identity to a NumPy archive (docs/formats/identity.md).

    Raises:
        IdentityError: the file cannot be written.
    """
    arrays = {"format_version": np.int32(FORMAT_VERSION), "coefficients": identity.coefficients}
    if identity.residual is not None:
        arrays["residual"] = identity.residual.astype(np.float32)
    if not write_arrays(path, arrays):
        raise IdentityError(f"The identity cannot be written to {path}; choose a folder that can be written to.")


def load_identity(path: Path) -> Identity:
    """Read an identity.

    Raises:
        IdentityError: there is no such file, it is damaged, of another version, or holds no identity.
    """
    arrays = read_arrays(path)
    if arrays is None:
        raise IdentityError(f"There is no identity at {path}, or the file is damaged; fit the face again.")
    version = int(arrays.get("format_version", -1))
    if version != FORMAT_VERSION or "coefficients" not in arrays:
        raise IdentityError(f"{path.name} is no identity of format {FORMAT_VERSION}; fit the face again.")
    return Identity(arrays["coefficients"], arrays.get("residual"))
