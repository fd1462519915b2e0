"""Pictures of a face: light, camera, Cycles, film and contact sheet.

Everything is made with Blender's own means (text too), so a picture needs no further library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy
from mathutils import Vector

FOCAL_LENGTH_MM = 85.0
SENSOR_MM = 36.0


@dataclass(frozen=True)
class RenderSettings:
    """How large and how fine pictures are.

    Attributes:
        width: Pixels; even, because films need it.
        height: Pixels; even.
        samples: Paths per pixel; what is left of the noise is taken out by Open Image Denoise.
        thread_count: Processors used; 0 uses all.
    """

    width: int = 320
    height: int = 384
    samples: int = 20
    thread_count: int = 0


def prepare(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    """Set a scene up for still pictures with Cycles on the processor."""
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = settings.width, settings.height, 100
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.color_depth = "8"
    render.use_persistent_data = True
    render.threads_mode = "FIXED" if settings.thread_count else "AUTO"
    if settings.thread_count:
        render.threads = settings.thread_count
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.seed = 1
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    set_samples(scene, settings.samples, fine=False)
    cycles.max_bounces = 6
    cycles.diffuse_bounces = 2
    cycles.glossy_bounces = 2
    cycles.transmission_bounces = 2
    cycles.transparent_max_bounces = 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.0


def set_samples(scene: bpy.types.Scene, samples: int, *, fine: bool) -> None:
    """Set the paths per pixel, and how thoroughly the noise that is left is taken out."""
    cycles = scene.cycles
    cycles.samples = samples
    cycles.denoising_prefilter = "FAST" if fine else "NONE"
    if hasattr(cycles, "denoising_quality"):
        cycles.denoising_quality = "HIGH" if fine else "FAST"


def set_scattering(materials: Iterable[bpy.types.Material], weights: dict[str, float]) -> dict[str, float]:
    """Set how much light scatters below the surface of materials; it takes half of the time of a picture.

    Args:
        materials: those with a principled shader are set.
        weights: by name of the material; 0 for a name that is missing.

    Returns:
        The weights as they were.
    """
    before = {}
    for material in materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "BSDF_PRINCIPLED":
                before[material.name] = node.inputs["Subsurface Weight"].default_value
                node.inputs["Subsurface Weight"].default_value = weights.get(material.name, 0.0)
    return before


def add_portrait_light(scene: bpy.types.Scene, center: Vector, unit: float) -> None:
    """A studio: large key from the upper left, weak fill, two rims, a gray backdrop.

    Args:
        scene: Where to add it.
        center: The middle of the face.
        unit: Blender units in a meter.
    """
    _add_area_light(
        scene, "Key", center, unit, place=(-0.75, -0.95, 0.65), size=0.55, watt=17.0, color=(1.0, 0.96, 0.90)
    )
    _add_area_light(scene, "Fill", center, unit, place=(1.1, -0.9, 0.05), size=1.0, watt=7.0, color=(0.88, 0.94, 1.0))
    _add_area_light(
        scene, "Rim Left", center, unit, place=(-0.8, 0.8, 0.5), size=0.4, watt=14.0, color=(0.92, 0.96, 1.0)
    )
    _add_area_light(
        scene, "Rim Right", center, unit, place=(0.85, 0.75, 0.6), size=0.4, watt=18.0, color=(1.0, 0.95, 0.9)
    )
    world = bpy.data.worlds.new("PF Studio")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    output = nodes.new("ShaderNodeOutputWorld")
    ambient, backdrop = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeBackground")
    ambient.inputs["Color"].default_value = (0.55, 0.62, 0.7, 1.0)
    ambient.inputs["Strength"].default_value = 0.16
    # The camera alone sees the backdrop: a gradient around the middle of the window.
    window = nodes.new("ShaderNodeTexCoord").outputs["Window"]
    distance = nodes.new("ShaderNodeVectorMath")
    distance.operation = "DISTANCE"
    distance.inputs[1].default_value = (0.5, 0.55, 0.0)
    links.new(window, distance.inputs[0])
    ramp = nodes.new("ShaderNodeMapRange")
    ramp.interpolation_type = "SMOOTHSTEP"
    for socket, value in (("From Max", 0.75), ("To Min", 0.16), ("To Max", 0.035)):
        ramp.inputs[socket].default_value = value
    links.new(distance.outputs["Value"], ramp.inputs["Value"])
    links.new(ramp.outputs["Result"], backdrop.inputs["Color"])
    mix = nodes.new("ShaderNodeMixShader")
    links.new(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], mix.inputs[0])
    links.new(ambient.outputs[0], mix.inputs[1])
    links.new(backdrop.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], output.inputs["Surface"])


def _add_area_light(
    scene: bpy.types.Scene,
    name: str,
    center: Vector,
    unit: float,
    *,
    place: tuple[float, float, float],
    size: float,
    watt: float,
    color: tuple[float, float, float],
) -> None:
    """An area light that looks at the center; place and size in meters."""
    light = bpy.data.lights.new(f"PF {name}", "AREA")
    light.shape = "DISK"
    light.size = size * unit
    light.energy = watt * unit**2
    light.color = color
    created = bpy.data.objects.new(f"PF {name}", light)
    created.location = center + Vector(place) * unit
    created.rotation_euler = (center - created.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(created)


def add_portrait_camera(
    scene: bpy.types.Scene, center: Vector, height: float, *, aspect: float, yaw_degrees: float = 0.0
) -> bpy.types.Object:
    """An 85 mm portrait camera in front of a face, the scene's active one.

    Args:
        scene: Where to add it.
        center: What it looks at.
        height: Of the part of the world that it shows at the center, in Blender units.
        aspect: Width over height of the picture.
        yaw_degrees: From which side; positive sees more of the character's left.
    """
    camera = bpy.data.cameras.new("PF Camera")
    camera.lens, camera.sensor_width, camera.sensor_height = FOCAL_LENGTH_MM, SENSOR_MM, SENSOR_MM
    camera.sensor_fit = "VERTICAL" if aspect <= 1.0 else "HORIZONTAL"
    shown = height if aspect <= 1.0 else height * aspect
    distance = shown * FOCAL_LENGTH_MM / SENSOR_MM
    camera.clip_start, camera.clip_end = 0.05 * distance, 20.0 * distance
    created = bpy.data.objects.new("PF Camera", camera)
    yaw = math.radians(yaw_degrees)
    created.location = center + distance * Vector((math.sin(yaw), -math.cos(yaw), 0.04))
    created.rotation_euler = (center - created.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(created)
    scene.camera = created
    return created


def render_still(scene: bpy.types.Scene, path: Path) -> None:
    """Render what the scene shows to a PNG file."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
