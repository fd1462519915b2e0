"""Command line: ``python -m physface_blender.training.template``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .assemble import build_template


def main() -> int:
    """Parse the arguments and make the template."""
    parser = argparse.ArgumentParser(description="Make models/template.npz from the source data.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of source data")
    parser.add_argument("--out", type=Path, default=Path("models/template.npz"), help="file to write")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"There is no source data at {arguments.data}.")
    build_template(arguments.data, arguments.out, lambda line: sys.stdout.write(line + "\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
