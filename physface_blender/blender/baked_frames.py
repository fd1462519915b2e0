# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of a bake in memory, whatever they are written to or read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from . import bridge
from .face_objects import BOUND_PREFIX, DEFORMED_PARTS, JAW_PARTS, RIGID_MOTION


@dataclass
class BakedFrames:
    """Finished frames, in the order of time.

    Attributes:
        rest: (V, 3) millimeters of each deformed part at rest; may hold other parts.
        frames: F frame numbers of the scene, increasing.
        coordinates: for each deformed part F arrays (V, 3) float32 in Blender units.
        transforms: for ``jaw``, ``eye_left`` and ``eye_right`` F arrays (4, 4) in millimeters.
        jaw_shape: (V, 3) millimeters of the parts of an edited mandible at rest, by part; one for all frames.
    """

    rest: Mapping[str, NDArray]
    frames: list[int] = field(default_factory=list)
    coordinates: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    transforms: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    jaw_shape: dict[str, NDArray] = field(default_factory=dict)

    def append(self, frame: int, arrays: Mapping[str, NDArray], scale: float) -> None:
        """Add a frame from the arrays of a ``Posed`` reply.

        Args:
            frame: Frame number of the scene, larger than the last one.
            arrays: See ``face_objects.pose`` and ``bones.show``.
            scale: Blender units per millimeter.
        """
        for part in DEFORMED_PARTS:
            self.coordinates.setdefault(part, []).append(bridge.to_blender(arrays[part], scale))
        for part in arrays:
            if part.startswith(BOUND_PREFIX):
                self.coordinates.setdefault(part, []).append(np.array(arrays[part], dtype=np.float32))
        for motion in set(RIGID_MOTION.values()):
            self.transforms.setdefault(motion, []).append(np.array(arrays[motion], dtype=np.float64))
        for part in JAW_PARTS:
            if f"rest_{part}" in arrays:
                self.jaw_shape[part] = arrays[f"rest_{part}"]
        self.frames.append(frame)

    def over(self, older: BakedFrames) -> BakedFrames:
        """These frames with those of an older bake where they have none."""
        kept = [index for index, frame in enumerate(older.frames) if frame not in set(self.frames)]
        frames = [*self.frames, *(older.frames[index] for index in kept)]
        order = np.argsort(frames)

        def merged(new: dict[str, list], old: dict[str, list]) -> dict[str, list]:
            both = {name: [*new[name], *(old[name][index] for index in kept)] for name in new}
            return {name: [values[index] for index in order] for name, values in both.items()}

        return BakedFrames(
            self.rest,
            [frames[index] for index in order],
            merged(self.coordinates, older.coordinates),
            merged(self.transforms, older.transforms),
            self.jaw_shape,
        )
