"""The three rings: numerics inside, the backend around them, Blender outermost, and imports that go inward only."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "physface_blender"
NUMERICS = ("anatomy", "networks", "simulation", "fitting", "performance", "training")
MAY_IMPORT = {
    **{folder: set(NUMERICS) - {"training"} for folder in NUMERICS},
    "training": set(NUMERICS),  # left out of the extension, so that nothing else may need it
    "backend": (set(NUMERICS) - {"training"}) | {"backend"},
    "evaluation": set(NUMERICS) | {"backend", "demo", "benchmark", "evaluation"},  # left out like the training
    "demo": (set(NUMERICS) - {"training"}) | {"backend", "demo"},  # starts Blender in a process of its own
    "benchmark": (set(NUMERICS) - {"training"}) | {"backend", "demo", "benchmark"},  # left out of the extension
    "blender": (set(NUMERICS) - {"training"}) | {"backend", "demo", "blender"},
}
"""What a module of each folder may import from the package."""

LOADS_THE_PACKAGE = {"backend.worker"}
"""Scripts that load the package under its own name themselves, and may then call it by that name."""

BLENDER_MODULES = {"bpy", "bmesh", "mathutils", "gpu", "bl_ui", "bpy_extras", "addon_utils"}

IMPORT_EVERYTHING = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def forbidden_imports(source: str, module: str) -> list[str]:
    """Imports of a module that its ring does not allow.

    Args:
        source: the module's text.
        module: its name below the package, such as ``backend.worker``; a package itself ends in ``.__init__``.
    """
    folder = module.split(".")[0]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [PACKAGE, *module.split(".")][: -node.level] if node.level else []
            base += node.module.split(".") if node.module else []
            targets = [[*base, alias.name] for alias in node.names]
            if not node.level and base[0] == PACKAGE and module not in LOADS_THE_PACKAGE:
                found.append(f"absolute: {'.'.join(base)}")
        else:
            continue
        found += [".".join(target) for target in targets if not _is_allowed(target, folder)]
    return found


def _is_allowed(target: list[str], folder: str) -> bool:
    if target[0] == PACKAGE:
        return len(target) > 1 and target[1] in MAY_IMPORT[folder]
    return target[0] not in BLENDER_MODULES or folder == "blender"


def modules_with_a_ring(repository: Path) -> list[tuple[str, Path]]:
    """Every module in the folders of the rings, as its name below the package and its file."""
    root = repository / PACKAGE
    files = [path for folder in MAY_IMPORT for path in sorted((root / folder).rglob("*.py"))]
    return [(".".join(path.relative_to(root).with_suffix("").parts), path) for path in files]


def test_imports_go_inward_only(repository):
    modules = modules_with_a_ring(repository)
    assert {name.split(".")[0] for name, _ in modules} == set(MAY_IMPORT)
    offences = {name: forbidden_imports(path.read_text(encoding="utf-8"), name) for name, path in modules}
    assert {name: found for name, found in offences.items() if found} == {}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("anatomy.template", "import bpy"),
        ("backend.worker", "def f():\n    from mathutils import Vector"),
        ("simulation.solver", "from ..backend import messages"),
        ("simulation.solver", "from .. import blender"),
        ("networks.deep.layers", "from ...backend.messages import Request"),
        ("networks.generalized", "from ..training.losses import loss"),
        ("backend.worker", "from ..blender.bridge import to_blender"),
        ("blender.bridge", "from ..training import losses"),
        ("blender.bridge", "from physface_blender.anatomy import template"),
        ("backend.__init__", "from ..blender import bridge"),
        ("demo.run", "from ..blender import rendering"),
    ],
)
def test_a_wrong_import_is_noticed(module, source):
    assert forbidden_imports(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("anatomy.template", "import numpy\nfrom .mesh import Mesh\nfrom ..networks import generalized"),
        ("backend.__init__", "from .worker import main"),
        ("training.generalized.loop", "from ...networks.layers import Layer\nfrom ..captures import read"),
        ("blender.operators.bake", "import bpy\nfrom ...backend.client import WorkerClient\nfrom .. import bridge"),
    ],
)
def test_a_right_import_is_let_through(module, source):
    assert forbidden_imports(source, module) == []


def test_the_inner_rings_are_free_of_blender_in_a_fresh_interpreter(repository):
    names = [name for name, _ in modules_with_a_ring(repository) if not name.startswith("blender.")]
    wanted = [f"{PACKAGE}.{name}".removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    command = [sys.executable, "-c", IMPORT_EVERYTHING, *wanted]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout.splitlines()[-1])
    assert set(wanted) <= set(loaded)
    assert {name.split(".")[0] for name in loaded} & BLENDER_MODULES == set()
    assert not [name for name in loaded if name.startswith(f"{PACKAGE}.blender")]
