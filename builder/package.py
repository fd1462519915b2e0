"""The extension's zip: staged in a fresh folder, built and checked by Blender's own extension tool."""

import json
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

from .environment import PROJECT, ROOT
from .process import BuildError, run_checked
from .wheels import check_wheels, download_wheels

MARKER = "# platforms and wheels\n"
LARGEST_MEGABYTES = 300
"""Of a zip; what Blender's extension platform is planned for."""
LEFT_OUT = ("training/", "evaluation/", "benchmark/")
"""Parts of ``physface_blender`` that the extension does without."""


def build_package(output: Path, platform: str | None) -> Path:
    """Make the zip of the extension for a platform.

    Args:
        output: the folder that it is put into, made if it is not there.
        platform: Blender's name of the platform, whose torch and what else the worker needs are bundled; None bundles
            nothing, and the worker needs a Python that has them.

    Returns:
        The zip, ``physface-VERSION-PLATFORM.zip`` or, without wheels, ``physface-VERSION.zip``.

    Raises:
        BuildError: a file is missing, a wheel is wrong, Blender's extension tool refuses the result, or it is too large.
    """
    stage = ROOT / "build" / f"package-{platform or 'without-wheels'}"
    if stage.exists():
        shutil.rmtree(stage)
    extension = stage / "physface"
    files = _stage_files(extension)
    template = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    version = tomllib.loads(template)["version"]
    wheels = []
    if platform is not None:
        wheels = [f"./wheels/{path.name}" for path in download_wheels(extension / "wheels", platform)]
        check_wheels(extension / "wheels", platform)
    _write_manifest(extension / "blender_manifest.toml", template, platform, wheels)

    output.mkdir(parents=True, exist_ok=True)
    archive = output.resolve() / (f"physface-{version}-{platform}.zip" if platform else f"physface-{version}.zip")
    archive.unlink(missing_ok=True)
    tool = [PROJECT.python, _extension_tool()]
    run_checked([*tool, "validate", extension], "validate the staged extension")
    build = ["build", "--source-dir", extension, "--output-filepath", archive]
    run_checked([*tool, *build], "build the extension")
    run_checked([*tool, "validate", archive], "validate the zip")
    _check_archive(archive, files, wheels)
    if archive.stat().st_size > LARGEST_MEGABYTES * 1e6:
        raise BuildError(
            f"{archive.name} has {archive.stat().st_size / 1e6:.0f} MB, and {LARGEST_MEGABYTES} are allowed: see which "
            "wheel has grown."
        )
    return archive


def _stage_files(extension: Path) -> list[str]:
    """Copy what belongs into the extension and give back the names there, with forward slashes."""
    package, names = ROOT / "physface_blender", []
    for path in _project_files():
        if path.is_relative_to(package):
            name = path.relative_to(package).as_posix()
            if path.suffix != ".py" or name.startswith(LEFT_OUT):
                continue
        elif path.is_relative_to(ROOT / "models") or path == ROOT / "LICENSE":
            name = path.relative_to(ROOT).as_posix()
        else:
            continue
        (extension / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, extension / name)
        names.append(name)
    for needed in ("__init__.py", "LICENSE", "models/template.npz", "models/manifest.toml"):
        if needed not in names:
            raise BuildError(f"{needed} is missing, and the extension cannot do without it.")
    return sorted(names)


def _project_files() -> list[Path]:
    """The files of the project: in a checkout those that git tracks, elsewhere, as in an unpacked archive, all."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
        if listed.returncode:
            raise BuildError(f"git could not list the files of the project: {listed.stderr.strip()}")
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        folders = (ROOT / "physface_blender", ROOT / "models")
        paths = [ROOT / "LICENSE", *(path for folder in folders for path in sorted(folder.rglob("*")))]
    return [path for path in paths if path.is_file()]


def _write_manifest(path: Path, template: str, platform: str | None, wheels: list[str]) -> None:
    """Fill the manifest's template; a zip without wheels has no platform of its own."""
    if template.count(MARKER) != 1:
        raise BuildError(f"blender_manifest.toml needs the line '{MARKER.strip()}' exactly once.")
    lines = []
    if platform is not None:
        lines.append(f"platforms = {json.dumps([platform])}")
    if wheels:
        lines.append(f"wheels = {json.dumps(wheels, indent=2)}")
    text = template.replace(MARKER, "".join(f"{line}\n" for line in lines))
    if tomllib.loads(text).get("wheels", []) != wheels:
        raise BuildError("The manifest's list of wheels is not the one that was written into it.")
    path.write_text(text, encoding="utf-8")


def _extension_tool() -> Path:
    """Blender's own tool for extensions, as its Python module ships it."""
    found = sorted(PROJECT.folder.glob("[Ll]ib*/**/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise BuildError("Blender's extension tool is not in the bpy package of .venv: delete .venv and run again.")
    return found[-1]


def _check_archive(archive: Path, files: list[str], wheels: list[str]) -> None:
    """See that the zip holds the staged files, the manifest and the wheels, and nothing else."""
    with zipfile.ZipFile(archive) as package:
        broken = package.testzip()
        held = {name for name in package.namelist() if not name.endswith("/")}
    expected = {*files, "blender_manifest.toml", *(wheel.removeprefix("./") for wheel in wheels)}
    if broken is not None:
        raise BuildError(f"{broken} in {archive} is damaged.")
    if held != expected:
        raise BuildError(
            f"{archive} does not hold what was staged: too many {sorted(held - expected)}, "
            f"too few {sorted(expected - held)}."
        )
