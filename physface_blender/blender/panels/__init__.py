# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the sidebar tab PhysFace."""

from . import bake, capture, character, expression, physics

CLASSES = (*character.CLASSES, *expression.CLASSES, *capture.CLASSES, *physics.CLASSES, *bake.CLASSES)
