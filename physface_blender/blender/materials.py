# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural materials for Cycles and EEVEE, shared by all characters of a file.

A material is made when the file has none of its name, and never touched again: what the artist changes stays. Lengths
(the skin's scattering) are true to the scene's unit; the eyes are colored by the angle from their optical axis, so they
need no texture and fit eyes of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import bpy

from . import bridge, compat, hair

REGION_ATTRIBUTES = {
    "physface_lips": ("upper_lip", "lower_lip"),
    "physface_mouth": ("inner_mouth",),
    "physface_scalp": ("scalp",),
}
"""Number per skin vertex that the skin material reads: its name, and the regions it is the maximum of."""

EYE_ATTRIBUTE = "physface_eye_degrees"
"""Number per eye vertex that the eye material reads: degrees from the optical axis, seen from the center of rotation."""

IRIS_DEGREES = 21.5
PUPIL_DEGREES = 8.5

_Color = tuple[float, float, float]


class _Graph:
    """A short hand for building a node tree."""

    def __init__(self, material: bpy.types.Material) -> None:
        compat.enable_nodes(material)
        self.nodes = material.node_tree.nodes
        self.links = material.node_tree.links
        self.nodes.clear()
        self.output = self.add("ShaderNodeOutputMaterial")
        self.column = 0

    def add(self, kind: str, **inputs: object) -> bpy.types.Node:
        """A node; inputs by name (underscores for spaces) are values, or sockets to link from."""
        node = self.nodes.new(kind)
        node.location = (-220.0 * (len(self.nodes) % 6), -160.0 * (len(self.nodes) // 6))
        for name, value in inputs.items():
            self.feed(node.inputs[name.replace("_", " ")], value)
        return node

    def feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, socket)
        elif isinstance(value, tuple) and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def surface(self, shader: bpy.types.Node) -> None:
        self.links.new(shader.outputs[0], self.output.inputs["Surface"])

    def mix(self, share: object, first: object, second: object) -> bpy.types.NodeSocket:
        """A color between two colors."""
        node = self.nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        # A mix node has sockets for every type of data; those of colors are found by their type.
        colors = [socket for socket in node.inputs if socket.type == "RGBA"]
        self.feed(node.inputs[0], share)
        self.feed(colors[0], first)
        self.feed(colors[1], second)
        return next(socket for socket in node.outputs if socket.type == "RGBA")

    def ramp(self, value: bpy.types.NodeSocket, low: float, high: float) -> bpy.types.NodeSocket:
        """0 below ``low``, 1 above ``high``, smooth between."""
        node = self.add("ShaderNodeMapRange", Value=value, From_Min=low, From_Max=high)
        node.interpolation_type = "SMOOTHSTEP"
        return node.outputs["Result"]

    def attribute(self, name: str) -> bpy.types.NodeSocket:
        node = self.nodes.new("ShaderNodeAttribute")
        node.attribute_name = name
        return node.outputs["Fac"]

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        """A mathematical operation on numbers or sockets."""
        node = self.nodes.new("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, values, strict=False):
            self.feed(socket, value)
        return node.outputs[0]

    def noise(self, x: object, y: object, detail: float = 2.0) -> bpy.types.NodeSocket:
        """Noise over two numbers, about 0.25 to 0.75, one bump in every unit."""
        place = self.add("ShaderNodeCombineXYZ", X=x, Y=y).outputs[0]
        return self.add("ShaderNodeTexNoise", Vector=place, Scale=1.0, Detail=detail).outputs[0]


def _skin(material: bpy.types.Material) -> None:
    graph = _Graph(material)
    place = graph.nodes.new("ShaderNodeTexCoord").outputs["UV"]
    blotches = graph.add("ShaderNodeTexNoise", Vector=place, Scale=14.0, Detail=4.0).outputs[0]
    pores = graph.add("ShaderNodeTexNoise", Vector=place, Scale=420.0, Detail=2.0).outputs[0]
    lips, mouth = graph.attribute("physface_lips"), graph.attribute("physface_mouth")
    color = graph.mix(graph.ramp(blotches, 0.35, 0.7), (0.55, 0.315, 0.225), (0.63, 0.375, 0.275))
    color = graph.mix(graph.ramp(lips, 0.2, 0.9), color, (0.46, 0.19, 0.165))
    color = graph.mix(graph.ramp(mouth, 0.3, 0.9), color, (0.30, 0.075, 0.07))
    color = graph.mix(_stubble(graph), color, (0.16, 0.11, 0.085))
    color = graph.mix(_brow(graph), color, (0.045, 0.027, 0.018))
    wet = graph.math("MAXIMUM", mouth, lips)
    roughness = graph.add("ShaderNodeMapRange", Value=wet, To_Min=0.48, To_Max=0.3).outputs["Result"]
    bump = graph.add("ShaderNodeBump", Strength=0.12, Height=pores)
    millimeter = bridge.units_per_millimeter(bpy.context.scene)
    graph.feed(bump.inputs["Distance"], 0.4 * millimeter)
    shader = graph.add(
        "ShaderNodeBsdfPrincipled",
        Base_Color=color,
        Roughness=roughness,
        Subsurface_Weight=0.35,
        Subsurface_Radius=(1.0, 0.36, 0.2),
        Subsurface_Scale=3.5 * millimeter,
        Normal=bump.outputs["Normal"],
    )
    graph.surface(shader)


def _stubble(graph: _Graph) -> bpy.types.NodeSocket:
    """How much of a shaved scalp is hair."""
    place = graph.nodes.new("ShaderNodeTexCoord").outputs["UV"]
    specks = graph.add("ShaderNodeTexNoise", Vector=place, Scale=700.0, Detail=2.0).outputs[0]
    edge = graph.add("ShaderNodeTexNoise", Vector=place, Scale=40.0, Detail=3.0).outputs[0]
    scalp = graph.math("ADD", graph.attribute("physface_scalp"), graph.math("MULTIPLY_ADD", edge, 0.6, -0.3))
    share = graph.math("MULTIPLY", graph.ramp(scalp, 0.15, 1.0), graph.ramp(specks, 0.2, 0.7))
    return graph.math("MULTIPLY", share, 0.55)


def _brow(graph: _Graph) -> bpy.types.NodeSocket:
    """How much of the skin is hidden by a brow: hairs that lean outward, thinner toward the edges."""
    along, height = graph.attribute(hair.BROW_ALONG), graph.attribute(hair.BROW_HEIGHT)
    distance = graph.attribute(hair.BROW_DISTANCE)
    leaning = graph.math("MULTIPLY_ADD", height, -0.05, along)
    hairs = graph.noise(graph.math("MULTIPLY", leaning, 60.0), graph.math("MULTIPLY", height, 1.1), detail=3.0)
    ragged = graph.math("MULTIPLY_ADD", graph.math("SUBTRACT", hairs, 0.5), -1.2, distance)
    inside = graph.math("SUBTRACT", 1.0, graph.ramp(ragged, 0.35, 1.05))
    strength = graph.math("MULTIPLY", graph.math("MULTIPLY_ADD", graph.ramp(hairs, 0.3, 0.6), 0.6, 0.4), inside)
    return graph.math("MULTIPLY", strength, 0.92)


def _plain(color: _Color, roughness: float, *, scatter_mm: float = 0.0, coat: float = 0.0) -> Callable:
    def build(material: bpy.types.Material) -> None:
        graph = _Graph(material)
        shader = graph.add("ShaderNodeBsdfPrincipled", Base_Color=color, Roughness=roughness, Coat_Weight=coat)
        if scatter_mm > 0.0:
            graph.feed(shader.inputs["Subsurface Weight"], 0.25)
            graph.feed(shader.inputs["Subsurface Radius"], (1.0, 0.6, 0.45))
            graph.feed(shader.inputs["Subsurface Scale"], scatter_mm * bridge.units_per_millimeter(bpy.context.scene))
        graph.surface(shader)

    return build


def _eye(material: bpy.types.Material) -> None:
    """An eyeball: pupil, iris with fibers and a dark rim, white that reddens toward the back, all under a wet coat."""
    graph = _Graph(material)
    degrees = graph.attribute(EYE_ATTRIBUTE)
    place = graph.nodes.new("ShaderNodeTexCoord").outputs["Object"]
    direction = graph.nodes.new("ShaderNodeVectorMath")
    direction.operation = "NORMALIZE"
    graph.links.new(place, direction.inputs[0])
    fibers = graph.add("ShaderNodeTexNoise", Vector=direction.outputs["Vector"], Scale=28.0, Detail=6.0).outputs[0]
    color = graph.mix(graph.ramp(degrees, PUPIL_DEGREES, IRIS_DEGREES), (0.20, 0.12, 0.055), (0.07, 0.10, 0.11))
    color = graph.mix(graph.ramp(fibers, 0.35, 0.65), color, (0.26, 0.20, 0.12))
    color = graph.mix(graph.ramp(degrees, IRIS_DEGREES - 6.0, IRIS_DEGREES - 0.5), color, (0.015, 0.016, 0.018))
    color = graph.mix(graph.ramp(degrees, PUPIL_DEGREES - 0.8, PUPIL_DEGREES + 0.8), (0.001, 0.001, 0.001), color)
    white = graph.mix(graph.ramp(degrees, 40.0, 80.0), (0.72, 0.69, 0.66), (0.62, 0.40, 0.36))
    is_white = graph.ramp(degrees, IRIS_DEGREES - 1.0, IRIS_DEGREES + 2.5)
    shader = graph.add(
        "ShaderNodeBsdfPrincipled",
        Base_Color=graph.mix(is_white, color, white),
        Roughness=0.3,
        Coat_Weight=1.0,
        Coat_Roughness=0.02,
        Coat_IOR=1.376,
    )
    graph.surface(shader)


_KINDS: dict[str, tuple[str, Callable[[bpy.types.Material], None], _Color]] = {
    "skin": ("PF Skin", _skin, (0.60, 0.40, 0.32)),
    "sclera": ("PF Eye White", _eye, (0.72, 0.69, 0.66)),
    "iris": ("PF Iris", _eye, (0.13, 0.10, 0.07)),
    "pupil": ("PF Pupil", _eye, (0.01, 0.01, 0.01)),
    "lashes": ("PF Lashes", _plain((0.018, 0.012, 0.009), 0.5), (0.03, 0.02, 0.02)),
    "gum": ("PF Gums", _plain((0.46, 0.15, 0.14), 0.2, scatter_mm=1.5, coat=0.6), (0.5, 0.2, 0.19)),
    "teeth": ("PF Teeth", _plain((0.74, 0.67, 0.55), 0.18, scatter_mm=1.0, coat=0.3), (0.8, 0.75, 0.65)),
    "bone": ("PF Bone", _plain((0.68, 0.60, 0.47), 0.6), (0.7, 0.63, 0.5)),
}
_KIND_OF_NAME = {"lips": "skin", "inner_mouth": "skin"}
"""Materials of the template that another of ours shows: lips and mouth are painted on the skin by attributes. The three
of an eye are alike but for their color in the solid view, where iris and pupil should be seen too."""


def ensure(material_names: Iterable[str]) -> dict[str, bpy.types.Material]:
    """Materials for the material names of a template, made where the file has none yet.

    Args:
        material_names: Names of the template's materials; one that is not known is shown as skin.
    """
    return {name: _ensure(_KIND_OF_NAME.get(name, name)) for name in material_names}


def _ensure(kind: str) -> bpy.types.Material:
    name, build, viewport_color = _KINDS.get(kind, _KINDS["skin"])
    existing = bpy.data.materials.get(name)
    if existing is not None and existing.library is None:
        return existing
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*viewport_color, 1.0)
    build(material)
    return material
