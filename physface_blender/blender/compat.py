# SPDX-License-Identifier: GPL-3.0-or-later
"""The places where Blender 4.2 to 5.0 (and later) disagree, each behind one function.

Blender 4.4 made actions layered, and 5.0 removed ``Action.fcurves``; 5.x creates shape keys with the value 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import bpy

_LAYERED_ACTIONS = bpy.app.version >= (4, 4, 0)

BLEND_RELATIVE: set[str] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a property whose path may start with ``//``; from 4.5 on it has to be said."""


def ensure_action(datablock: bpy.types.ID) -> bpy.types.Action:
    """The action that animates a data-block, made when there is none.

    Args:
        datablock: Any data-block that can be animated.
    """
    animation = datablock.animation_data or datablock.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{datablock.name} Action")
    return animation.action


def ensure_fcurve(datablock: bpy.types.ID, data_path: str, index: int = 0, group: str = "") -> bpy.types.FCurve:
    """The F-curve of one property in the data-block's own action, made when there is none.

    Args:
        datablock: The data-block whose property is animated.
        data_path: Path of the property from the data-block.
        index: Component of an array property.
        group: Channel group for a new curve.
    """
    action = ensure_action(datablock)
    if _LAYERED_ACTIONS:
        curve = action.fcurve_ensure_for_datablock(datablock, data_path, index=index)
        if group and curve.group is None:
            groups = _channelbag(datablock).groups
            curve.group = groups.get(group) or groups.new(group)
        return curve
    found = action.fcurves.find(data_path, index=index)
    if found is not None:
        return found
    return action.fcurves.new(data_path, index=index, action_group=group)


def fcurve_collection(datablock: bpy.types.ID) -> bpy.types.bpy_prop_collection | None:
    """The collection of F-curves that animate this data-block through its own action, or None."""
    animation = datablock.animation_data
    if animation is None or animation.action is None:
        return None
    if not _LAYERED_ACTIONS:
        return animation.action.fcurves
    channelbag = _channelbag(datablock)
    return None if channelbag is None else channelbag.fcurves


def _channelbag(datablock: bpy.types.ID) -> bpy.types.ActionChannelbag | None:
    """The part of a layered action that animates this data-block, or None."""
    animation = datablock.animation_data
    if animation.action_slot is None:
        return None
    for layer in animation.action.layers:
        for strip in layer.strips:
            channelbag = strip.channelbag(animation.action_slot)
            if channelbag is not None:
                return channelbag
    return None


def fcurves(datablock: bpy.types.ID) -> Iterator[bpy.types.FCurve]:
    """The F-curves that animate this data-block through its own action."""
    yield from fcurve_collection(datablock) or ()


def action_fcurves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    """All F-curves of an action, whatever they animate."""
    if not _LAYERED_ACTIONS:
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for channelbag in strip.channelbags:
                yield from channelbag.fcurves


def remove_fcurves(datablock: bpy.types.ID, is_unwanted: Callable[[bpy.types.FCurve], bool]) -> None:
    """Remove F-curves from the data-block's own action."""
    curves = fcurve_collection(datablock)
    for curve in [curve for curve in curves or () if is_unwanted(curve)]:
        curves.remove(curve)


def add_shape_key(skin: bpy.types.Object, name: str) -> bpy.types.ShapeKey:
    """A new shape key with the value zero, whatever Blender's default is.

    Args:
        skin: A mesh object.
        name: Wanted name of the key.
    """
    key = skin.shape_key_add(name=name, from_mix=False)
    key.value = 0.0
    return key


def enable_nodes(material: bpy.types.Material) -> None:
    """Give a new material a node tree; from 5.0 on every material has one, and asking for it is deprecated."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True


def set_weight_brush(tool_settings: bpy.types.ToolSettings, *, weight: float, radius: int) -> None:
    """Set the weight and the radius in pixels of the brush of Weight Paint; 5.0 keeps them with each kind of paint."""
    unified = getattr(tool_settings.weight_paint, "unified_paint_settings", None)
    if unified is None:
        unified = tool_settings.unified_paint_settings
    unified.use_unified_weight = unified.use_unified_size = True
    unified.weight = weight
    unified.size = radius if bpy.app.version < (5, 0, 0) else 2 * radius  # 5.0 counts diameters
