# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, ``physface.*``."""

from . import add_face, backend, bake, expression, import_capture, masks, physics

CLASSES = (
    *add_face.CLASSES,
    *expression.CLASSES,
    *import_capture.CLASSES,
    *physics.CLASSES,
    *masks.CLASSES,
    *bake.CLASSES,
    *backend.CLASSES,
)
