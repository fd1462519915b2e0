"""``python -m physface_blender.blender.picture_process FILE ARRAY``: a picture of any kind that Blender reads, as an array.

A process of its own, because Blender and torch never share one. The array is (H, W, 3) uint8, rows from the top.
"""

from __future__ import annotations

import sys

import bpy
import numpy as np

from .module_exit import leave


def main() -> int:
    """Read the picture and write the array; 1 where Blender cannot read it."""
    source, target = sys.argv[1:3]
    try:
        image = bpy.data.images.load(source)
        width, height = image.size
    except RuntimeError:
        return 1
    if not width * height:
        return 1
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, image.channels)[::-1]
    colors = pixels[:, :, :3] if image.channels >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)
    np.save(target, (255.0 * np.clip(colors, 0.0, 1.0) + 0.5).astype(np.uint8))
    return 0


if __name__ == "__main__":
    leave(main())
