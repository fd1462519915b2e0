# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose face it is, read from and written to its skin: 100 coefficients, and what a fit has added to them.

The residual of a fit, millimeters in the numerics' axes, is an attribute of the skin's mesh: it is saved, copied and undone
with it, and a file of the cache can be made from it at any time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import bpy
import numpy as np

from ..backend.cache_folder import note_use
from ..backend.errors import IdentityError
from ..backend.identity import Identity
from ..backend.identity_file import save_identity
from . import bridge, preferences, properties
from .face_objects import KEY_PREFIX

_RESIDUAL = KEY_PREFIX + "Residual"


def of(skin: bpy.types.Object) -> Identity:
    """The identity of a face.

    Raises:
        IdentityError: What is stored is none.
    """
    return Identity(properties.read_identity(skin), bridge.get_point_vectors(skin.data, _RESIDUAL))


def write(skin: bpy.types.Object, identity: Identity) -> None:
    """Make a face another person; its shape follows with the next pose."""
    attribute = skin.data.attributes.get(_RESIDUAL)
    if identity.residual is not None:
        if len(identity.residual) != len(skin.data.vertices):
            raise IdentityError("The identity was fitted with another template; fit it again.")
        bridge.set_point_vectors(skin.data, _RESIDUAL, identity.residual)
    elif attribute is not None:
        skin.data.attributes.remove(attribute)
    properties.write_identity(skin, identity.coefficients)


def file_of(skin: bpy.types.Object) -> str:
    """The path of a file with a fitted identity, made when it is not there; empty where coefficients say all.

    Raises:
        IdentityError: It cannot be written.
    """
    if skin.data.attributes.get(_RESIDUAL) is None:
        return ""
    identity = of(skin)
    if identity.residual is None:
        return ""
    digest = hashlib.sha256(identity.coefficients.tobytes() + identity.residual.astype(np.float32).tobytes())
    path: Path = preferences.backend_settings().cache_directory / f"identity-{digest.hexdigest()[:16]}.npz"
    if not path.is_file():
        save_identity(path, identity)
    note_use(path)
    return str(path)
