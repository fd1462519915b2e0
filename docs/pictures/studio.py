"""A small photo studio in Blender's own Python: put meshes in, take pictures from a given direction.

Numerics use millimeters with y up; the studio turns them to Blender's z up and to centimeters.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

CENTIMETERS = 0.1


class Studio:
    """One scene with lights and a camera."""

    def __init__(self, size: tuple[int, int], samples: int = 24) -> None:
        """Clear the scene and set up lights; pictures are ``size`` (width, height) pixels."""
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.scene.render.engine = "CYCLES"
        self.scene.cycles.samples = samples
        self.scene.cycles.use_denoising = True
        self.scene.render.resolution_x, self.scene.render.resolution_y = size
        self.scene.render.image_settings.file_format = "PNG"
        self.scene.render.image_settings.color_mode = "RGB"
        self.scene.render.image_settings.compression = 100
        self.scene.view_settings.view_transform = "Standard"
        world = bpy.data.worlds.new("World")
        world.use_nodes = True
        world.node_tree.nodes["Background"].inputs[0].default_value = (0.8, 0.85, 0.9, 1)
        world.node_tree.nodes["Background"].inputs[1].default_value = 0.45
        self.scene.world = world
        for rotation, energy in (((0.9, 0.1, 0.7), 2.4), ((1.2, 0.0, -0.9), 0.9)):
            light = bpy.data.lights.new("Sun", "SUN")
            light.energy, light.angle = energy, 0.2
            lamp = bpy.data.objects.new("Sun", light)
            lamp.rotation_euler = rotation
            self.scene.collection.objects.link(lamp)
        camera = bpy.data.cameras.new("Camera")
        camera.type = "ORTHO"
        self.camera = bpy.data.objects.new("Camera", camera)
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera

    def add(
        self,
        name: str,
        vertices: np.ndarray,
        faces: np.ndarray,
        color: tuple[float, float, float] = (0.8, 0.6, 0.52),
        vertex_colors: np.ndarray | None = None,
        face_colors: np.ndarray | None = None,
        roughness: float = 0.5,
        smooth: bool = True,
        wire: float = 0.0,
    ) -> bpy.types.Object:
        """Add a mesh, vertices (V, 3) millimeters and faces (F, 4), -1 as the fourth index of a triangle.

        ``vertex_colors`` (V, 3) or ``face_colors`` (F, 3) replace ``color``; ``wire`` draws the edges as
        tubes of that thickness in millimeters.
        """
        mesh = bpy.data.meshes.new(name)
        lists = [[int(i) for i in face if i >= 0] for face in faces]
        mesh.from_pydata((np.asarray(vertices)[:, [0, 2, 1]] * [1, -1, 1] * CENTIMETERS).tolist(), [], lists)
        mesh.polygons.foreach_set("use_smooth", [smooth] * len(lists))
        thing = bpy.data.objects.new(name, mesh)
        self.scene.collection.objects.link(thing)
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        shader = material.node_tree.nodes["Principled BSDF"]
        shader.inputs["Base Color"].default_value = (*color, 1)
        shader.inputs["Roughness"].default_value = roughness
        if vertex_colors is not None or face_colors is not None:
            corners = np.concatenate([np.asarray(face) for face in lists])
            counts = [len(face) for face in lists]
            values = vertex_colors[corners] if vertex_colors is not None else np.repeat(face_colors, counts, axis=0)
            layer = mesh.color_attributes.new("Color", "FLOAT_COLOR", "CORNER")
            layer.data.foreach_set("color", np.column_stack([values, np.ones(len(values))]).ravel())
            reader = material.node_tree.nodes.new("ShaderNodeVertexColor")
            reader.layer_name = "Color"
            material.node_tree.links.new(reader.outputs["Color"], shader.inputs["Base Color"])
        mesh.materials.append(material)
        if wire:
            lines = thing.copy()
            lines.data = mesh.copy()
            lines.data.materials.clear()
            ink = bpy.data.materials.new(f"{name} lines")
            ink.use_nodes = True
            ink.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.02, 0.02, 0.03, 1)
            lines.data.materials.append(ink)
            modifier = lines.modifiers.new("Wireframe", "WIREFRAME")
            modifier.thickness = wire * CENTIMETERS
            self.scene.collection.objects.link(lines)
        return thing

    def take(
        self, path: Path, target: tuple[float, float, float], width: float, turn: float, tilt: float = 0.0
    ) -> None:
        """Write a picture of ``width`` millimeters around a target point.

        Args:
            path: the PNG to write.
            target: (x, y, z) millimeters in the middle of the picture.
            width: millimeters across the longer side.
            turn: degrees the camera walks around to the character's left.
            tilt: degrees the camera rises.
        """
        across, up = np.radians(turn), np.radians(tilt)
        away = Vector((np.sin(across) * np.cos(up), -np.cos(across) * np.cos(up), np.sin(up)))
        center = Vector((target[0], -target[2], target[1])) * CENTIMETERS
        self.camera.location = center + away * 60
        self.camera.rotation_euler = away.to_track_quat("Z", "Y").to_euler()
        self.camera.data.ortho_scale = width * CENTIMETERS
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
