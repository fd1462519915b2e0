"""Films from pictures, written by Blender's own FFmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy


def write_film(pictures: Sequence[Path], frames_per_second: float, path: Path) -> None:
    """Join pictures to an H.264 film that every player and browser shows (MP4, yuv420p).

    Args:
        pictures: PNG files of one even size in one folder, at least one, in order.
        frames_per_second: Of the film.
        path: Where to write; an existing file is replaced.

    Raises:
        ValueError: There are no pictures, or their sides are odd.
        RuntimeError: Blender could not write the film.
    """
    if not pictures:
        raise ValueError("A film needs at least one picture.")
    image = bpy.data.images.load(str(pictures[0]))
    width, height = image.size
    bpy.data.images.remove(image)
    if width % 2 or height % 2:
        raise ValueError(f"The pictures of a film need even sides; these have {width} x {height}.")
    scene = bpy.data.scenes.new("PF Film")
    try:
        _set_up(scene, width, height, frames_per_second)
        _add_pictures(scene, pictures)
        path.unlink(missing_ok=True)
        scene.render.filepath = str(path)
        bpy.ops.render.render(animation=True, scene=scene.name)
    finally:
        bpy.data.scenes.remove(scene)
    if not path.is_file() or path.stat().st_size == 0:
        raise RuntimeError(f"Blender could not write the film {path}.")


def _set_up(scene: bpy.types.Scene, width: int, height: int, frames_per_second: float) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.fps = max(1, round(frames_per_second))
    render.fps_base = render.fps / frames_per_second
    render.use_file_extension = False
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0 asks for the kind of medium first
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode = "RGB"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.ffmpeg_preset = "GOOD"
    render.ffmpeg.gopsize = 12
    render.ffmpeg.audio_codec = "NONE"
    # The pictures are finished; a second view transform would change their colors.
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.sequencer_colorspace_settings.name = "sRGB"


def _add_pictures(scene: bpy.types.Scene, pictures: Sequence[Path]) -> None:
    sequencer = scene.sequence_editor_create()
    strips = sequencer.strips if hasattr(sequencer, "strips") else sequencer.sequences
    strip = strips.new_image("Pictures", str(pictures[0]), channel=1, frame_start=1)
    for picture in pictures[1:]:
        strip.elements.append(picture.name)
    strip.frame_final_duration = len(pictures)
    scene.frame_start, scene.frame_end = 1, len(pictures)
    scene.render.use_sequencer = True
