# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the sidebar tab PhysFace."""

from . import bake, bones, capture, character, expression, paralysis, physics

CLASSES = (
    *character.CLASSES,
    *expression.CLASSES,
    *capture.CLASSES,
    *physics.CLASSES,
    *paralysis.CLASSES,
    *bones.CLASSES,
    *bake.CLASSES,
)
