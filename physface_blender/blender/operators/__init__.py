# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, ``physface.*``."""

from . import add_face, backend, bake, export, expression, masks, physics, presets, retarget

CLASSES = (
    *add_face.CLASSES,
    *expression.CLASSES,
    *presets.CLASSES,
    *retarget.CLASSES,
    *physics.CLASSES,
    *masks.CLASSES,
    *bake.CLASSES,
    *export.CLASSES,
    *backend.CLASSES,
)
