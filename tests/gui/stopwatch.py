"""How long PhysFace holds Blender's main thread: timer, handlers, panels that are drawn, operators, steps of jobs."""

import os
import time

import bpy

LONGEST = 0.05
"""Seconds of CPU that a call of ours may hold the window."""


class Stopwatch:
    """Measures while it is entered.

    Attributes:
        seconds: it was entered.
        updates: poses written to the mesh.
        redraws: of the viewport.
        longest: seconds on the clock of the longest call.
        longest_cpu: seconds of the main thread's CPU of the longest call: what it takes on a machine that does nothing else.
        longest_name: which one that was.
        by_call: seconds on the clock and of CPU by name of a call, of the longest one by the clock.
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.updates = self.redraws = 0
        self.longest = self.longest_cpu = self.seconds = 0.0
        self.longest_name = ""
        self.by_call: dict[str, tuple[float, float]] = {}

    def __enter__(self) -> "Stopwatch":
        """Put a clock before every function of ours that Blender calls."""
        from physface_blender.blender import face_objects, handlers, live, operators, panels
        from physface_blender.blender.operators.base import JobOperator

        self._kept = [(live, "tick"), (face_objects, "pose"), (JobOperator, "_advance")]
        quick = [owner for owner in operators.CLASSES if "perform" in vars(owner)]
        self._kept += [(owner, "perform") for owner in quick]
        self._originals = [(owner, name, getattr(owner, name)) for owner, name in self._kept]
        for panel in panels.CLASSES:
            self._originals.append((panel, "draw", panel.draw))
            panel.draw = self._timed_drawing(panel.draw, f"{panel.__name__}.draw")
        advance = JobOperator._advance
        JobOperator._advance = lambda operator: self._timed(advance, f"a step of {operator.bl_idname}")(operator)
        for owner in quick:
            owner.perform = self._timed_method(owner.perform, owner.bl_idname)
        self._handlers = list(handlers._HANDLERS)
        if bpy.app.timers.is_registered(live.tick):
            bpy.app.timers.unregister(live.tick)
        pose = face_objects.pose

        def counted(skin, arrays):
            self.updates += 1
            return pose(skin, arrays)

        face_objects.pose = counted
        live.tick = self._timed(live.tick, "live.tick")
        handlers.unregister()
        handlers._HANDLERS = tuple((name, self._timed(function, name)) for name, function in self._handlers)
        handlers.register()
        self._began = time.perf_counter()
        self._drawn = bpy.types.SpaceView3D.draw_handler_add(self._count_redraw, (), "WINDOW", "POST_PIXEL")
        return self

    def __exit__(self, *_error: object) -> None:
        """Take the clocks away."""
        from physface_blender.blender import handlers, live

        self.seconds = time.perf_counter() - self._began
        bpy.types.SpaceView3D.draw_handler_remove(self._drawn, "WINDOW")
        if bpy.app.timers.is_registered(live.tick):
            bpy.app.timers.unregister(live.tick)
        for owner, name, function in self._originals:
            setattr(owner, name, function)
        handlers.unregister()
        handlers._HANDLERS = tuple(self._handlers)
        handlers.register()
        live.mark_scene(bpy.context.scene)

    def tell(self, ui, kind: str) -> None:
        """Note how long the window was held, and see that it was short."""
        ui.measure(f"{kind}: processes that were ready to run", os.getloadavg()[0])
        ui.measure(f"{kind}: longest of our calls, ms of CPU", 1000.0 * self.longest_cpu)
        ui.measure(f"{kind}: longest of our calls, ms on the clock", 1000.0 * self.longest)
        ui.measure(f"{kind}: which call", self.longest_name)
        assert self.longest_cpu < LONGEST, f"{self.longest_name} held the window for {self.longest_cpu:.3f} s"

    def _count_redraw(self) -> None:
        self.redraws += 1

    def _timed_method(self, method, name: str):
        timed = self._timed(method, name)
        return lambda operator, context: timed(operator, context)

    def _timed_drawing(self, draw, name: str):
        timed = self._timed(draw, name)

        def drawing(panel, context):  # Blender counts the arguments
            return timed(panel, context)

        return drawing

    def _timed(self, function, name: str):
        def timed(*values, **named):
            clock, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*values, **named)
            finally:
                elapsed, spent = time.perf_counter() - clock, time.thread_time() - cpu
                self.longest = max(self.longest, elapsed)
                self.by_call[name] = max(self.by_call.get(name, (0.0, 0.0)), (elapsed, spent))
                if spent > self.longest_cpu:
                    self.longest_cpu, self.longest_name = spent, name

        return timed
