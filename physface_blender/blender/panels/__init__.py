# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the sidebar tab PhysFace."""

from . import bake, bones, character, expression, paralysis, physics, retarget, style

CLASSES = (
    *character.CLASSES,
    *expression.CLASSES,
    *style.CLASSES,
    *retarget.CLASSES,
    *physics.CLASSES,
    *paralysis.CLASSES,
    *bones.CLASSES,
    *bake.CLASSES,
)
