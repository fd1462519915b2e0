"""Blender as a module: a fresh scene for every test, one worker process for all of them."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import bpy
import numpy as np
import pytest

import physface_blender
from physface_blender.anatomy.template import Template, load_template
from physface_blender.blender import jobs, live, new_face, preferences
from physface_blender.blender.module_exit import leave

COARSE_MM = 6.8


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Note how the session ended, for `pytest_unconfigure`."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Leave past the destructors of ``bpy``, which sometimes never return."""
    if _EXIT_STATUS in config.stash:
        leave(config.stash[_EXIT_STATUS])


_EXIT_STATUS = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def registered() -> Iterator[None]:
    """PhysFace registered, with the backend's settings for tests."""
    original = preferences.backend_settings
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    preferences.backend_settings = lambda: replace(original(), thread_count=threads)
    physface_blender.register()
    yield
    physface_blender.unregister()
    preferences.backend_settings = original


@pytest.fixture(autouse=True)
def scene(registered) -> Iterator[bpy.types.Scene]:
    """An empty scene after a factory reset, at 24 frames a second."""
    live.stop()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.edit.use_global_undo = True
    yield bpy.context.scene
    assert not jobs.any_running(), "a job outlived its operator"
    live.stop()


@pytest.fixture(scope="session")
def template() -> Template:
    """The shipped template."""
    return load_template()


@pytest.fixture(scope="session")
def template_rest(template) -> dict[str, np.ndarray]:
    """The template as if it were a character at rest: (V, 3) mm by part, and the centers of the eyes."""
    rest = {part: mesh.vertices for part, mesh in template.meshes.items()}
    return rest | {f"{part}_center": center for part, center in template.eye_centers.items()}


@pytest.fixture
def still_face(scene, template, template_rest) -> bpy.types.Object:
    """A face of the template, made without a backend; it does not follow its sliders."""
    skin = new_face.create(bpy.context, template, template_rest)
    skin.physface.live = False
    return skin


@pytest.fixture
def add_face(scene) -> Callable[..., bpy.types.Object]:
    """Add a face through the operator, set up to be quick: a coarse bake, without physics unless a test asks for it."""

    def add(**properties) -> bpy.types.Object:
        assert bpy.ops.physface.add_face(**properties) == {"FINISHED"}
        skin = bpy.context.active_object
        skin.physface.bake.resolution = COARSE_MM
        skin.physface.preview_resolution = COARSE_MM
        skin.physface.bake.physics = False
        return skin

    return add


@pytest.fixture
def settle() -> Callable[[bpy.types.Object], None]:
    """Run the live preview's timer until the face shows what its sliders say."""

    def run(skin: bpy.types.Object, seconds: float = 400.0) -> None:
        deadline = time.monotonic() + seconds
        live.tick()
        while live.is_pending(skin):
            assert time.monotonic() < deadline, f"the live preview did not settle: {live.sentence(skin)}"
            time.sleep(0.005)
            live.tick()

    return run


@pytest.fixture
def evaluated() -> Callable[[bpy.types.Object], np.ndarray]:
    """Vertices of an object as the scene shows them, (V, 3) in its own coordinates, without modifiers."""

    def read(target: bpy.types.Object) -> np.ndarray:
        for modifier in target.modifiers:
            modifier.show_viewport = False
        shown = target.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = shown.to_mesh()
        coordinates = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", coordinates)
        shown.to_mesh_clear()
        return coordinates.reshape(-1, 3)

    return read


@pytest.fixture
def key_jaw(scene) -> Callable[..., None]:
    """Animate jawOpen from 0 to 0.8 over the first frames of the scene."""

    def key(skin: bpy.types.Object, last: int) -> None:
        scene.frame_start, scene.frame_end = 1, last
        for frame, value in ((1, 0.0), (last, 0.8)):
            skin.physface.expression.jawOpen = value
            skin.keyframe_insert("physface.expression.jawOpen", frame=frame)

    return key
