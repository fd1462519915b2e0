"""A user's first minutes: add a face, move a slider, bake three frames, save, open again, disable."""

import json
import os
import sys

import bpy
import installation
import numpy as np

BAKE_MM = 6.8


def coordinates(owner: bpy.types.Mesh | bpy.types.ShapeKey) -> np.ndarray:
    """Positions (V, 3) of a mesh or of a shape key."""
    points = owner.vertices if isinstance(owner, bpy.types.Mesh) else owner.data
    flat = np.empty(3 * len(points), dtype=np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def shown(skin: bpy.types.Object, frame: int) -> np.ndarray:
    """Positions (V, 3) that the viewport shows at a frame."""
    bpy.context.scene.frame_set(frame)
    return coordinates(skin.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)


def is_running(process: int) -> bool:
    """Whether a process, a child of this one, still runs."""
    try:
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


bpy.ops.wm.read_factory_settings(use_empty=True)
installation.install()
bpy.context.scene.unit_settings.scale_length = 1.0
assert bpy.ops.physface.add_face(seed=3) == {"FINISHED"}
skin = bpy.context.active_object
assert skin.physface.part == "skin", skin.name
objects = sorted(entry.physface.part for entry in bpy.data.objects if entry.physface.part)
neutral = shown(skin, 1)
height = float(np.ptp(neutral[:, 2]))

sliders = skin.physface.expression
for frame, weight in ((1, 0.0), (3, 0.6)):
    sliders.jawOpen = weight
    skin.keyframe_insert("physface.expression.jawOpen", frame=frame)
skin.physface.bake.resolution = BAKE_MM
assert bpy.ops.physface.bake(frame_start=1, frame_end=3) == {"FINISHED"}
keys = [block.name for block in skin.data.shape_keys.key_blocks]
frames = [shown(skin, frame) for frame in (1, 2, 3)]
motion = [float(np.linalg.norm(points - frames[0], axis=1).max()) for points in frames]

path = os.path.join(bpy.app.tempdir or os.getcwd(), "first_shot.blend")
assert bpy.ops.wm.save_as_mainfile(filepath=path) == {"FINISHED"}
link = sys.modules[f"{installation.MODULE}.blender.worker_link"].current()
worker = link.process_id if link is not None else None
assert bpy.ops.wm.open_mainfile(filepath=path) == {"FINISHED"}
skin = next(entry for entry in bpy.data.objects if entry.physface.part == "skin")
reopened = float(np.abs(shown(skin, 3) - frames[2]).max())
bpy.context.scene.frame_set(3)
slider = skin.physface.expression.jawOpen

installation.disable()
print(
    json.dumps(
        {
            "version": list(bpy.app.version),
            "parts": objects,
            "height": height,
            "keys": keys,
            "motion": motion,
            "finite": bool(all(np.isfinite(points).all() for points in frames)),
            "reopened_error": reopened,
            "reopened_slider": slider,
            "worker": worker,
            "worker_ended": worker is not None and installation.wait_until(lambda: not is_running(worker), 20.0),
            "modules": sorted(name for name in sys.modules if name.startswith("physface_blender")),
        }
    )
)
installation.leave()
