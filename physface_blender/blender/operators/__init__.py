# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, ``physface.*``."""

from . import add_face, backend, bake, expression, import_capture

CLASSES = (*add_face.CLASSES, *expression.CLASSES, *import_capture.CLASSES, *bake.CLASSES, *backend.CLASSES)
