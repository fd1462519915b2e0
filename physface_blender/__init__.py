"""PhysFace: a physical face in Blender.

The package has three rings, and imports go inward only: the numerics (``anatomy``, ``networks``, ``simulation``,
``fitting``, ``performance``, ``training``) and the ``backend`` never import ``bpy``; only ``blender`` does. This module
therefore imports nothing at module level, so that the numerics can be used in a plain Python interpreter.
"""


def register() -> None:
    """Register everything PhysFace adds to Blender."""
    from . import blender

    blender.register()


def unregister() -> None:
    """Take everything PhysFace added to Blender away again."""
    from . import blender

    blender.unregister()
