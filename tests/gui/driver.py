"""Runs inside Blender: registers PhysFace, plays one ``check_*.py`` with real X events, and ends Blender.

A check is a generator ``main(ui)`` that yields the seconds to wait; Blender goes on meanwhile. ``PANELS`` in its file
names the panels that are open; all others are closed, so that what is looked for is in sight.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy

SCRIPT = Path(os.environ["PHYSFACE_GUI_SCRIPT"])
PICTURES = Path(os.environ["PHYSFACE_GUI_PICTURES"])
REPOSITORY = SCRIPT.resolve().parent.parent.parent
COLUMNS = (0.3, 0.75, 0.9, 0.17)
ROW = 8
SLOWEST_CALLS = 3
"""That are reported of every check."""

sys.dont_write_bytecode = True
sys.path[:0] = [str(REPOSITORY), str(SCRIPT.resolve().parent)]

from stopwatch import Stopwatch  # noqa: E402 - found by the line above

bpy.context.preferences.view.show_splash = False  # before the window is there

Steps = Iterator[float]


class Window:
    """Blender's window, its widgets by what they do, mouse and keyboard. Screen points count from the upper left."""

    def __init__(self) -> None:
        """Take the first window."""
        self.measured: dict[str, float | int | str] = {}

    @property
    def window(self) -> bpy.types.Window:
        """The window itself."""
        return bpy.context.window_manager.windows[0]

    def area(self, kind: str = "VIEW_3D") -> bpy.types.Area:
        """The largest area of a kind."""
        return max((a for a in self.window.screen.areas if a.type == kind), key=lambda a: a.width * a.height)

    def region(self, kind: str = "UI", area: bpy.types.Area | None = None) -> bpy.types.Region:
        """A region of an area."""
        return next(region for region in (area or self.area()).regions if region.type == kind)

    def override(self, kind: str = "WINDOW", area: bpy.types.Area | None = None):
        """A context for operators that need one."""
        area = area or self.area()
        return bpy.context.temp_override(
            window=self.window, screen=self.window.screen, area=area, region=self.region(kind, area)
        )

    def redraw(self) -> None:
        """Draw the whole window now."""
        with self.override():
            bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)

    def on_screen(self, x: float, y: float) -> tuple[int, int]:
        """The screen point of a point of the window."""
        return int(x), int(self.window.height - 1 - y)

    def project(self, place) -> tuple[int, int]:
        """The screen point of a world coordinate in the viewport."""
        from bpy_extras.view3d_utils import location_3d_to_region_2d

        area = self.area()
        region = self.region("WINDOW", area)
        flat = location_3d_to_region_2d(region, area.spaces.active.region_3d, place)
        return self.on_screen(region.x + flat.x, region.y + flat.y)

    def in_viewport(self) -> tuple[int, int]:
        """A screen point of the viewport beside the face."""
        area = self.area()
        return self.on_screen(area.x + 120, area.y + area.height // 2)

    # panels

    def sidebar(self, tab: str = "PhysFace", width: int = 0) -> Steps:
        """Open the sidebar on a tab."""
        area = self.area()
        area.spaces.active.show_region_ui = True
        yield 0.3
        for _ in range(30):
            self.redraw()
            try:
                self.region("UI").active_panel_category = tab
                break
            except TypeError:  # the tabs are made with the first drawing
                yield 0.1
        area.tag_redraw()
        yield 0.2
        self.redraw()

    def under(self) -> str:
        """Data path, or command, of the widget of the sidebar under the pointer; empty where there is none."""
        manager = bpy.context.window_manager
        kept, found = manager.clipboard, ""
        with bpy.context.temp_override(window=self.window, area=self.area(), region=self.region("UI")):
            for operator, values in (
                (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
                (bpy.ops.ui.copy_python_command_button, {}),
            ):
                try:
                    manager.clipboard = ""
                    if operator.poll() and "FINISHED" in operator(**values) and manager.clipboard:
                        found = manager.clipboard
                        break
                except RuntimeError:
                    continue
        manager.clipboard = kept
        return found

    def find(self, part: str) -> Iterator[float]:
        """The screen point of the widget whose data path or command holds a text, or ends with it before a $."""
        self.redraw()
        region, seen = self.region("UI"), set()
        for column in COLUMNS:
            for below in range(6, region.height - 4, ROW):
                point = self.on_screen(region.x + column * (region.width - 22), region.y + region.height - below)
                self.events("mousemove", *point)
                yield 0.03
                found = self.under()
                seen.add(found)
                if found.endswith(part[:-1]) if part.endswith("$") else part in found:
                    inner = (point[0], point[1] + ROW // 2)
                    self.events("mousemove", *inner)
                    yield 0.03
                    return inner if self.under() == found else point
        raise AssertionError(f"no widget with {part!r} is in sight; there are {sorted(seen)}")

    # mouse and keyboard

    def events(self, *words: object) -> None:
        """Hand words to xdotool."""
        subprocess.run(["xdotool", *map(str, words)], check=True)

    def click(self, point: tuple[int, int], count: int = 1, button: int = 1) -> Steps:
        """Click at a screen point."""
        self.events("mousemove", *point)
        yield 0.15
        self.events("click", "--repeat", count, "--delay", 40, button)
        yield 0.3

    def press(self, part: str) -> Steps:
        """Click the widget whose data path or command holds a text."""
        point = yield from self.find(part)
        yield from self.click(point)

    def leave(self) -> Steps:
        """Move the pointer off the sidebar, so that a button can be pressed a second time."""
        self.events("mousemove", *self.in_viewport())
        yield 0.3
        self.redraw()

    def choose(self, beside: str, share: float, *keys: str) -> Steps:
        """Open a menu, which has no data path or command of its own, and choose by keys; its first entry by default.

        It is found by a widget in the same row, and by the share of the sidebar's width at which it lies itself.
        """
        _, y = yield from self.find(beside)
        region = self.region("UI")
        yield from self.click((region.x + int(share * region.width), y))
        yield 1.0
        yield from self.key(*(keys or ("Down", "Return")))
        yield 0.5

    def drag(self, start: tuple[int, int], steps: list[tuple[int, int]], seconds: float, button: int = 1) -> Steps:
        """Drag through relative steps in a time; another process sends the events, so that Blender is not held up."""
        pause = seconds / max(len(steps), 1)
        words: list[object] = ["mousemove", *start, "sleep", 0.1, "mousedown", button, "sleep", 0.1]
        for across, down in steps:
            words += ["mousemove_relative", "--", across, down, "sleep", f"{pause:.4f}"]
        words += ["mouseup", button]
        sending = subprocess.Popen(["xdotool", *map(str, words)])
        while sending.poll() is None:
            yield 0.02
        assert sending.returncode == 0
        yield 0.3

    def key(self, *keys: str) -> Steps:
        """Press keys one after the other."""
        for name in keys:
            self.events("key", name)
            yield 0.15

    def type(self, text: str) -> Steps:
        """Type a text."""
        self.events("type", "--delay", 15, text)
        yield 0.2

    # what comes of it

    def wait(self, done, what: str, seconds: float = 240.0) -> Steps:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
            yield 0.05

    def settle(self) -> Steps:
        """Wait until the active face shows what its sliders say."""
        from physface_blender.blender import face_objects, live

        yield 0.3
        yield from self.wait(
            lambda: not live.is_pending(face_objects.skin_of(bpy.context.active_object)), "the preview", 400.0
        )
        yield 0.1

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Write the 3D viewport, or the whole window, to NAME.png."""
        self.redraw()
        path = PICTURES / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        words = ["import", "-silent", "-window", "root"]
        if not whole:
            area = self.area()
            x, y = self.on_screen(area.x, area.y + area.height)
            words += ["-crop", f"{area.width}x{area.height}+{x}+{y}", "+repage"]
        else:
            words += ["-resize", "70%"]
        subprocess.run([*words, "-strip", "-colors", "220", f"png8:{path}"], check=True)

    def measure(self, name: str, value: float | int | str) -> None:
        """Note a figure for the report."""
        self.measured[name] = round(value, 4) if isinstance(value, float) else value
        print("MEASURED", name, self.measured[name], flush=True)

    def undo_step(self, name: str) -> None:
        """Make an undo step of what the script has changed."""
        with self.override():
            bpy.ops.ed.undo_push(message=name)

    # scenes

    def empty_scene(self) -> None:
        """Remove what the startup file brings, and quiet what is not ours."""
        for found in list(bpy.data.objects):
            bpy.data.objects.remove(found)
        preferences = bpy.context.preferences
        preferences.system.viewport_aa = "OFF"  # a software renderer needs a third of the time without
        preferences.inputs.use_mouse_continuous = False
        preferences.view.smooth_view = 0
        self.undo_step("empty")

    def add_face(self, **values) -> Steps:
        """Add a face by its operator, look at it from the front, and wait for it."""
        with self.override():
            bpy.ops.physface.add_face("INVOKE_DEFAULT", **values)
        yield from self.wait(lambda: bpy.context.active_object is not None, "the face", 400.0)
        yield from self.look()
        yield from self.settle()

    def look(self, zoom: float = 0.0) -> Steps:
        """Look at the face from the front."""
        area = self.area()
        area.spaces.active.overlay.show_floor = area.spaces.active.overlay.show_axis_x = False
        area.spaces.active.overlay.show_cursor = False
        with self.override():
            bpy.ops.view3d.view_axis(type="FRONT")
            bpy.ops.view3d.view_selected()
        if zoom:
            area.spaces.active.region_3d.view_distance *= zoom
        yield 0.3
        self.redraw()


def register(open_panels: tuple[str, ...]) -> None:
    """Register PhysFace with these panels open and the others closed."""
    import physface_blender
    from physface_blender.blender import panels

    for panel in panels.CLASSES:
        name = panel.__name__.removeprefix("PHYSFACE_PT_")
        kept = set(getattr(panel, "bl_options", set())) - {"DEFAULT_CLOSED"}
        panel.bl_options = kept if name in open_panels else kept | {"DEFAULT_CLOSED"}
    physface_blender.register()


def play() -> Steps:
    """The check from its beginning to its end."""
    specification = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    check = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(check)
    register(check.PANELS)
    yield 0.3
    window = Window()
    window.empty_scene()
    yield from window.sidebar()
    try:
        with Stopwatch() as watch:
            yield from check.main(window)
    finally:
        for name, (clock, cpu) in sorted(watch.by_call.items(), key=lambda call: -call[1][0])[:SLOWEST_CALLS]:
            window.measure(f"{name}: longest call, ms on the clock", 1000.0 * clock)
            window.measure(f"{name}: the same, ms of CPU", 1000.0 * cpu)
        file = PICTURES / "measured.json"
        known = json.loads(file.read_text()) if file.is_file() else {}
        file.write_text(json.dumps(known | {SCRIPT.stem: window.measured}, indent=2))


_steps = play()


def advance() -> float | None:
    """Blender's timer: one step of the check."""
    code = 0
    try:
        return next(_steps)
    except StopIteration:
        pass
    except BaseException:  # noqa: BLE001 - whatever it is, Blender must end and say so
        traceback.print_exc()
        code = 1
        subprocess.run(
            ["import", "-silent", "-window", "root", str(PICTURES / f"{SCRIPT.stem}_failed.png")], check=False
        )
    from physface_blender.blender import worker_link

    worker_link.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


bpy.app.timers.register(advance, first_interval=0.3, persistent=True)
