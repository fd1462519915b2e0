"""How long PhysFace holds Blender's main thread: its timer, its handlers, the drawing of its panels."""

import time

import bpy


class Stopwatch:
    """Measures while it is entered.

    Attributes:
        updates: poses written to the mesh.
        redraws: of the viewport.
        longest: seconds on the clock of the longest call.
        longest_cpu: seconds of the main thread's CPU of the longest call: what it takes on a machine that does nothing else.
        longest_name: which one that was.
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.updates = self.redraws = 0
        self.longest = self.longest_cpu = 0.0
        self.longest_name = ""

    def __enter__(self) -> "Stopwatch":
        """Put a clock before every function of ours that Blender calls."""
        from physface_blender.blender import face_objects, handlers, live, panels

        self._kept = [(live, "tick"), (face_objects, "pose")]
        self._originals = [(owner, name, getattr(owner, name)) for owner, name in self._kept]
        for panel in panels.CLASSES:
            self._originals.append((panel, "draw", panel.draw))
        self._handlers = list(handlers._HANDLERS)
        if bpy.app.timers.is_registered(live.tick):
            bpy.app.timers.unregister(live.tick)
        pose = face_objects.pose

        def counted(*values):
            self.updates += 1
            return pose(*values)

        face_objects.pose = counted
        for owner, name, function in self._originals:
            if owner is not face_objects:
                setattr(owner, name, self._timed(function, f"{getattr(owner, '__name__', '')}.{name}"))
        handlers.unregister()
        handlers._HANDLERS = tuple((name, self._timed(function, name)) for name, function in self._handlers)
        handlers.register()
        self._drawn = bpy.types.SpaceView3D.draw_handler_add(self._count_redraw, (), "WINDOW", "POST_PIXEL")
        return self

    def __exit__(self, *_error: object) -> None:
        """Take the clocks away."""
        from physface_blender.blender import handlers, live

        bpy.types.SpaceView3D.draw_handler_remove(self._drawn, "WINDOW")
        if bpy.app.timers.is_registered(live.tick):
            bpy.app.timers.unregister(live.tick)
        for owner, name, function in self._originals:
            setattr(owner, name, function)
        handlers.unregister()
        handlers._HANDLERS = tuple(self._handlers)
        handlers.register()
        live.mark_scene(bpy.context.scene)

    def _count_redraw(self) -> None:
        self.redraws += 1

    def _timed(self, function, name: str):
        def timed(*values, **named):
            clock, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*values, **named)
            finally:
                self.longest = max(self.longest, time.perf_counter() - clock)
                spent = time.thread_time() - cpu
                if spent > self.longest_cpu:
                    self.longest_cpu, self.longest_name = spent, name

        return timed
