# SPDX-License-Identifier: GPL-3.0-or-later
"""In whose manner a face performs, as it is stored on the skin: ``physface.styles``, each style with a weight to key."""

import bpy
from bpy.props import FloatProperty

from . import live

STYLES_PATH = "physface.styles"
"""Data path from a skin object to its styles; a weight is ``physface.styles[0].weight``."""


def _changed(share: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    live.mark(share.id_data)


class PHYSFACE_PG_style(bpy.types.PropertyGroup):
    """One style on a face; ``name`` is that of a shipped style or of a file in the user's folder of styles."""

    weight: FloatProperty(
        name="Weight",
        description="How much of this style; what all of them lack to 1 is the plain performance",
        default=0.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        step=1,
        precision=3,
        override={"LIBRARY_OVERRIDABLE"},
        update=_changed,
    )
