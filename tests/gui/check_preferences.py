"""The preferences: threads, cache folder and its limit, another Python, each typed into its field and seen in the backend.

Drawn as Blender draws them, but in the sidebar, where the other checks look for widgets too.
"""

import os
import tempfile
from pathlib import Path

import bpy

PANELS = ("character",)
ADDON = "physface_blender"
ROWS_ABOVE = {"threads": 2, "cache_megabytes": 3, "cache_directory": 4, "python": 5}
ROW_PIXELS = 26


class PHYSFACE_PT_test_preferences(bpy.types.Panel):  # noqa: N801 - as Blender wants it
    """The preferences in the sidebar."""

    bl_label = "Preferences"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "PhysFace"
    bl_order = -1

    def draw(self, context):
        """As ``addon_utils`` has them drawn."""
        preferences = context.preferences.addons[ADDON].preferences
        preferences.layout = self.layout
        preferences.draw(context)


def main(ui):
    from physface_blender.backend import cache_folder
    from physface_blender.backend.messages import Ping, Status
    from physface_blender.blender import live, preferences, worker_link

    bpy.context.preferences.addons.new().module = ADDON
    chosen = bpy.context.preferences.addons[ADDON].preferences
    if python := os.environ.get("PHYSFACE_PYTHON"):
        chosen.python = python
    bpy.utils.register_class(PHYSFACE_PT_test_preferences)
    yield from ui.sidebar()
    folder = Path(tempfile.mkdtemp(prefix="physface-cache-"))

    def status():
        link = worker_link.get(preferences.backend_settings())
        ticket = link.ask(Ping())
        for _ in link.await_last(ticket):
            pass
        return ticket.result(Status)

    yield from _type(ui, "threads", "1")
    assert chosen.threads == 1
    yield from _type(ui, "cache_directory", str(folder))
    assert Path(chosen.cache_directory) == folder
    yield from ui.press("physface.restart_backend")
    assert status().thread_count == 1
    yield from ui.add_face(seed=1)
    assert list(folder.glob("space_*.npz")), "the cache is where it was put"
    ui.picture("preferences", whole=True)

    yield from _type(ui, "cache_megabytes", "1")
    skin = bpy.context.active_object
    skin.physface.preview_resolution = 7.5
    yield from ui.settle()
    kept = sum(path.stat().st_size for path in folder.glob("space_*.npz")) / 1e6
    ui.measure("MB of prepared anatomy under a limit of 1 MB, one in use", kept)
    assert len(list(folder.glob("space_*.npz"))) == 1, "only what is in use is left"
    ui.measure("MB in the cache, compiled code too", cache_folder.size_megabytes(folder))

    yield from _type(ui, "python", "/nowhere/python")
    yield from ui.press("physface.restart_backend")
    skin.physface.expression.jawOpen = 0.5
    yield from ui.wait(lambda: "/nowhere/python" in live.sentence(skin), "a sentence about the missing Python", 30.0)
    ui.measure("what is said of a Python that is not there", live.sentence(skin))
    yield from _type(ui, "python", python or "")
    yield from ui.press("physface.restart_backend")
    yield from ui.settle()
    assert live.sentence(skin).startswith("Network"), live.sentence(skin)
    yield from ui.press("physface.clear_cache")
    yield 1.0
    assert not list(folder.glob("*.npz")), "the cache is empty"


def _type(ui, field: str, text: str):
    """Type into a field of the preferences, which have no data path to be found by: a row above the buttons each."""
    yield from ui.leave()
    _, y = yield from ui.find("physface.restart_backend")
    region = ui.region("UI")
    yield from ui.click((region.x + int(0.55 * region.width), y - ROWS_ABOVE[field] * ROW_PIXELS), count=2)
    yield from ui.key("ctrl+a")
    yield from (ui.type(text) if text else ui.key("BackSpace"))
    yield from ui.key("Return")
    yield 0.3
