"""A scene in which one or more faces sit for their portrait: objects, light, camera, and at last a bake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..anatomy.template import Template
from . import animation, baked_frames, bridge, face_objects, new_face, rendering, shape_bake

BELOW_EYES_MM = 34.0
"""The camera looks at a point so far below the middle between the eyes."""


class PortraitScene:
    """Blender's scene, emptied and furnished with a studio and faces of which one is seen at a time."""

    def __init__(self, template: Template, frames_per_second: float) -> None:
        """Empty Blender.

        Args:
            template: what the faces are made of.
            frames_per_second: of the scene.
        """
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._template = template
        self._skins: list[bpy.types.Object] = []
        self._rests: list[Mapping[str, NDArray]] = []
        self._scattering: dict[str, float] | None = None  # of the materials, while it is switched off
        render = bpy.context.scene.render
        render.fps = max(1, round(frames_per_second))
        render.fps_base = render.fps / frames_per_second

    @property
    def scene(self) -> bpy.types.Scene:
        """The only scene."""
        return bpy.context.scene

    def add_face(self, rest: Mapping[str, NDArray], name: str) -> None:
        """Add a face at rest; see ``new_face.create``."""
        self._skins.append(new_face.create(bpy.context, self._template, rest, name=name))
        self._rests.append(rest)

    def add_studio(self, settings: rendering.RenderSettings, shown_mm: float, yaw_degrees: float) -> None:
        """Add light and camera, aimed at the first face."""
        scale = bridge.units_per_millimeter(self.scene)
        eyes = 0.5 * (self._rests[0]["eye_left_center"] + self._rests[0]["eye_right_center"])
        center = Vector(bridge.to_blender(eyes - [0.0, BELOW_EYES_MM, 30.0], scale))
        rendering.prepare(self.scene, settings)
        rendering.add_portrait_light(self.scene, center, 1000.0 * scale)
        rendering.add_portrait_camera(
            self.scene, center, shown_mm * scale, aspect=settings.width / settings.height, yaw_degrees=yaw_degrees
        )

    def show(self, face: int, arrays: Mapping[str, NDArray]) -> None:
        """Pose a face and hide the others; see ``face_objects.pose``."""
        for number, skin in enumerate(self._skins):
            for part, target in face_objects.parts_of(skin).items():
                target.hide_render = number != face or part in face_objects.HIDDEN_PARTS
        face_objects.pose(self._skins[face], arrays)

    def set_quality(self, samples: int, *, fine: bool) -> None:
        """Choose between pictures for a small film and pictures to look at closely.

        Args:
            samples: paths per pixel.
            fine: subdivide the meshes, scatter light in the skin, denoise slowly; in a small film this costs more than it
                shows.
        """
        for skin in self._skins:
            for target in face_objects.parts_of(skin).values():
                for modifier in target.modifiers:
                    modifier.show_render = fine
        rendering.set_samples(self.scene, samples, fine=fine)
        if fine and self._scattering is not None:
            rendering.set_scattering(bpy.data.materials, self._scattering)
            self._scattering = None
        elif not fine and self._scattering is None:
            self._scattering = rendering.set_scattering(bpy.data.materials, {})

    def bake(self, poses: Sequence[Mapping[str, NDArray]], weights: NDArray, first_frame: int) -> None:
        """Put poses on the first face as absolute shape keys, and key its sliders.

        Args:
            poses: at least one, see ``face_objects.pose``.
            weights: (T, 52) the expressions of the poses.
            first_frame: frame number of the first one.
        """
        skin = self._skins[0]
        baked = baked_frames.BakedFrames(rest={part: self._rests[0][part] for part in face_objects.DEFORMED_PARTS})
        for frame, arrays in enumerate(poses, start=first_frame):
            baked.append(frame, arrays, skin.physface.units_per_millimeter)
        shape_bake.write(skin, baked)
        animation.write_expression_keys(skin, np.array(baked.frames), weights)
        scene = self.scene
        scene.frame_start, scene.frame_end = baked.frames[0], baked.frames[-1]
        scene.frame_set(baked.frames[0])
        for screen in bpy.data.screens:
            for area in screen.areas:
                if area.type == "VIEW_3D":
                    area.spaces.active.shading.type = "MATERIAL"
                    area.spaces.active.region_3d.view_perspective = "CAMERA"
