"""What the scripts share: installing and enabling the zip, looking at what is registered, waiting for the worker."""

import os
import sys
import time
from collections.abc import Callable

import bpy

# isort: split
import addon_utils  # Blender's own, found once bpy is there

MODULE = "bl_ext.user_default.physface"


def install() -> None:
    """Install the zip named on the command line into the clean profile's own repository and enable it."""
    result = bpy.ops.extensions.package_install_files(
        filepath=sys.argv[1], repo="user_default", enable_on_install=False
    )
    assert result == {"FINISHED"}, result
    enable()


def enable() -> None:
    """Enable the installed extension; an error in its ``register`` is raised, not printed."""
    errors = []
    module = addon_utils.enable(MODULE, default_set=True, handle_error=errors.append)
    if errors:
        raise errors[0]
    assert module is not None, f"{MODULE} was not enabled"


def disable() -> None:
    """Disable the extension."""
    addon_utils.disable(MODULE, default_set=True)


def registered() -> dict[str, list[str]]:
    """Names in Blender that are ours: types, properties of types, operators, handlers, timers cannot be listed."""
    types = sorted(name for name in dir(bpy.types) if "PHYSFACE" in name.upper())
    properties = sorted(
        f"{owner.__name__}.{entry.identifier}"
        for owner in (bpy.types.Object, bpy.types.Scene, bpy.types.WindowManager, bpy.types.Mesh, bpy.types.Key)
        for entry in owner.bl_rna.properties
        if "physface" in entry.identifier.lower()
    )
    operators = sorted(dir(bpy.ops.physface))
    handlers = sorted(
        f"{kind}: {function.__module__}.{function.__name__}"
        for kind in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, kind), list)
        for function in getattr(bpy.app.handlers, kind)
        if "physface" in getattr(function, "__module__", "")
    )
    return {"types": types, "properties": properties, "operators": operators, "handlers": handlers}


def leave() -> None:
    """End past the destructors of Blender as a module, which sometimes never return; the package's own way of doing so
    is gone with the extension."""
    sys.stdout.flush()
    os._exit(0)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Let time pass until a condition holds; whether it did within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
