"""Everything PhysFace needs to be built, shown, tested and packaged: run ``python3 build.py --help``.

This file stays readable for old interpreters, so that they can say which one is wanted.
"""

import sys

if sys.version_info[:2] != (3, 11):
    sys.exit(
        "build.py needs Python 3.11, which is Blender's own version, and this is Python "
        + sys.version.split()[0]
        + ": run it with python3.11."
    )

from builder.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
