import subprocess
import sys

import bpy

import physface_blender
from physface_blender.blender import live, worker_link

PROGRAM = """
import bpy, sys
import physface_blender
before = {name for name in dir(bpy.types) if name.startswith("PHYSFACE")}, len(bpy.app.handlers.load_pre)
for _ in range(2):
    physface_blender.register()
    assert bpy.types.PHYSFACE_PT_expression_mouth.bl_parent_id == "PHYSFACE_PT_expression"
    assert hasattr(bpy.types.Object, "physface")
    physface_blender.unregister()
after = {name for name in dir(bpy.types) if name.startswith("PHYSFACE")}, len(bpy.app.handlers.load_pre)
assert before == after, (before, after)
assert not hasattr(bpy.types.Object, "physface")
assert not any(name.split(".")[0] in ("torch", "scipy", "numba", "ipctk") for name in sys.modules)
physface_blender.register()
print("all well")
"""


def test_register_and_unregister_leave_nothing_and_bring_no_torch_into_blender() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "all well" in ended.stdout, "the interpreter also has to end while the classes are registered"


def test_every_operator_says_what_it_does() -> None:
    names = [name for name in dir(bpy.ops.physface) if not name.startswith("_")]
    assert len(names) >= 8
    for name in names:
        description = getattr(bpy.ops.physface, name).get_rna_type().description
        assert description
        assert not description.endswith("."), name


def test_unregistering_ends_the_worker_and_the_timer(add_face) -> None:
    skin = add_face(seed=1)
    skin.physface.expression.jawOpen = 0.5
    link = worker_link.current()
    assert link.process_id is not None
    physface_blender.unregister()
    try:
        assert worker_link.current() is None
        assert link.process_id is None
        assert not bpy.app.timers.is_registered(live.tick)
    finally:
        physface_blender.register()
