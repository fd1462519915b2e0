# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a process that has Blender as a Python module."""

import atexit
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process with a return code, without the destructors of the libraries inside ``bpy``.

    One of them (in the wheel of 4.5.15) destroys a condition variable on which a thread of its own may still wait,
    and then the process stays for ever, its work long done. What Python itself has to do at the end is done before.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
