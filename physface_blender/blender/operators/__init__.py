# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, ``physface.*``."""

from . import (
    add_face,
    backend,
    bake,
    bind,
    bones,
    export,
    expression,
    fit,
    identity,
    masks,
    physics,
    presets,
    retarget,
    style,
)

CLASSES = (
    *add_face.CLASSES,
    *fit.CLASSES,
    *bind.CLASSES,
    *identity.CLASSES,
    *expression.CLASSES,
    *presets.CLASSES,
    *style.CLASSES,
    *retarget.CLASSES,
    *physics.CLASSES,
    *bones.CLASSES,
    *masks.CLASSES,
    *bake.CLASSES,
    *export.CLASSES,
    *backend.CLASSES,
)
