"""The wheels that go into the extension: downloaded for a platform, then looked at one by one."""

import re
import sysconfig
import zipfile
from pathlib import Path

from .environment import PROJECT, PYTORCH_INDEX, REQUIREMENTS, torch_sources
from .process import BuildError, run_checked

NOT_BUNDLED = {
    "numpy": "Blender brings it, and a second one breaks other extensions",
    "setuptools": "torch needs it only to compile extensions of its own",
}

SHIPPED_PLATFORMS = ("linux-x64", "windows-x64", "macos-arm64")
"""What ``package --all`` makes zips for."""

PIP_PLATFORMS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "linux-arm64": (
        "manylinux_2_28_aarch64",
        "manylinux_2_27_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ),
    "macos-arm64": ("macosx_14_0_arm64", "macosx_14_0_universal2"),
    "macos-x64": ("macosx_14_0_x86_64", "macosx_14_0_universal2"),
    "windows-x64": ("win_amd64",),
}
"""What pip may download for a platform of Blender's; of macOS it takes what is for older versions too."""

PLATFORM_TAGS = {
    "linux-x64": r"manylinux\w*_x86_64",
    "linux-arm64": r"manylinux\w*_aarch64",
    "macos-arm64": r"macosx_\d+_\d+_(arm64|universal2)",
    "macos-x64": r"macosx_\d+_\d+_(x86_64|universal2)",
    "windows-x64": r"win_amd64",
}
"""Blender's name of a platform and what the platform tags of its wheels look like."""


def blender_platform() -> str:
    """Blender's name of the platform this runs on, such as ``linux-x64``.

    Raises:
        BuildError: Blender has no such platform.
    """
    name = sysconfig.get_platform()  # such as linux-x86_64, macosx-11.0-arm64, win-amd64
    system = {"linux": "linux", "macosx": "macos", "win": "windows"}.get(name.split("-")[0])
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(name.split("-")[-1])
    platform = f"{system}-{machine}"
    if platform not in PLATFORM_TAGS:
        raise BuildError(f"There is no Blender for this platform, {name}: {', '.join(PLATFORM_TAGS)} exist.")
    return platform


def download_wheels(folder: Path, platform: str) -> list[Path]:
    """Download the locked wheels of the extension for a platform, this one or another.

    Args:
        folder: where they are put, inside the staged extension; it must not exist yet.
        platform: Blender's name of the platform.

    Returns:
        The wheels, sorted by name.

    Raises:
        BuildError: a download failed.
    """
    folder.mkdir(parents=True)
    locks = [lock for lock in _locked_requirements() if lock.split("==")[0] not in NOT_BUNDLED]
    chosen = folder.parent.parent / "bundled.txt"  # beside the staged extension, not in it
    chosen.write_text("\n".join(locks), encoding="utf-8")
    _download(folder, chosen, (), platform)
    for group, extra in torch_sources(platform.startswith("linux")):
        try:
            _download(folder, REQUIREMENTS / f"{group}.txt", extra, platform)
            break
        except BuildError as error:
            failure = error
    else:
        raise failure
    return sorted(folder.iterdir())


def check_wheels(folder: Path, platform: str) -> None:
    """See that a folder holds wheels that this platform's Blender can use, and nothing else.

    Args:
        folder: the folder ``wheels`` of the extension.
        platform: Blender's name of the platform.

    Raises:
        BuildError: a file is no wheel, is for another platform or Python, or is torch with CUDA.
    """
    expected = {lock.split("==")[0] for lock in _locked_requirements()} - NOT_BUNDLED.keys() | {"torch"}
    found = set()
    for path in folder.iterdir():
        match = re.fullmatch(r"([^-]+)-([^-]+)-([^-]+)-([^-]+)-([^-]+)\.whl", path.name)
        if match is None or not zipfile.is_zipfile(path):
            raise BuildError(f"{path.name} in the extension's wheels is no wheel.")
        name, version, python, abi, tags = match.groups()
        if not (python == "cp311" or abi == "abi3" or "py3" in python.split(".")):
            raise BuildError(f"{path.name} is not for Python 3.11.")
        if tags != "any" and not any(re.fullmatch(PLATFORM_TAGS[platform], tag) for tag in tags.split(".")):
            raise BuildError(f"{path.name} is not for {platform}.")
        if name == "torch":
            _check_torch(path, version, platform)
        found.add(name.lower().replace("_", "-"))
    if found != expected:
        raise BuildError(
            f"The wheels are not those of the lock: {found - expected} too many, {expected - found} too few."
        )


def _check_torch(path: Path, version: str, platform: str) -> None:
    """Refuse the build of torch that needs CUDA: it is ten times as large and useless without its other packages.

    Only Linux has two builds; the metadata of the others name CUDA's packages too, but for Linux.
    """
    if not platform.startswith("linux"):
        return
    with zipfile.ZipFile(path) as wheel:
        metadata = wheel.read(f"torch-{version}.dist-info/METADATA").decode()
    needs = re.findall(r"^Requires-Dist: (nvidia\S*|triton|cuda\S*)", metadata, flags=re.MULTILINE)
    if needs or not version.endswith("+cpu"):
        raise BuildError(f"{path.name} is the build with CUDA; the extension takes the one of {PYTORCH_INDEX}.")


def _locked_requirements() -> list[str]:
    """The entries of the lock of the runtime, each with its hashes."""
    text = (REQUIREMENTS / "runtime.txt").read_text(encoding="utf-8")
    return [entry for entry in re.split(r"\n(?=[a-z])", text.strip()) if "==" in entry]


def _download(folder: Path, lock: Path, extra: tuple[str, ...], platform: str) -> None:
    target = [f"--platform={tag}" for tag in PIP_PLATFORMS[platform]]
    target += ["--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none"]
    command = PROJECT.pip("download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", folder)
    run_checked([*command, *target, "-r", lock, *extra], f"download the wheels of {lock.name} for {platform}")
