"""Films: as long as their pictures, in their colors, readable by Blender again."""

import bpy
import numpy as np
import pytest

from physface_blender.blender.contact_sheet import write_picture
from physface_blender.blender.film import write_film


def test_a_film_holds_every_picture_at_the_wanted_rate(tmp_path):
    pictures = []
    for number in range(6):
        colors = np.full((48, 64, 3), number / 6.0, dtype=np.float32)
        pictures.append(tmp_path / f"picture_{number:05d}.png")
        write_picture(colors, pictures[-1])
    scenes = len(bpy.data.scenes)
    write_film(pictures, 24.0, tmp_path / "film.mp4")
    assert len(bpy.data.scenes) == scenes
    assert b"avc1" in (tmp_path / "film.mp4").read_bytes()
    clip = bpy.data.movieclips.load(str(tmp_path / "film.mp4"))
    assert tuple(clip.size) == (64, 48)
    assert clip.frame_duration == 6
    assert clip.fps == pytest.approx(24.0)
    bpy.data.movieclips.remove(clip)


def test_odd_sides_and_no_pictures_are_refused(tmp_path):
    write_picture(np.zeros((48, 63, 3), dtype=np.float32), tmp_path / "odd.png")
    with pytest.raises(ValueError, match="even sides"):
        write_film([tmp_path / "odd.png"], 24.0, tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="at least one"):
        write_film([], 24.0, tmp_path / "film.mp4")
