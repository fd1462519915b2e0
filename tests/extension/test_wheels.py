"""The checks of the bundled wheels, on wheels made for the purpose."""

import re
import zipfile

import pytest

from builder import wheels
from builder.process import BuildError

LOCK = "numba==0.61.2\nnumpy==1.26.4\nsetuptools==84.2.1\nsympy==1.14.0\n"
GOOD = {
    "numba-0.61.2-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": "",
    "sympy-1.14.0-py3-none-any.whl": "",
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl": "Requires-Dist: sympy\n",
}


@pytest.fixture
def check(tmp_path, monkeypatch):
    """A function that checks a folder of wheels, made from file names and what their metadata require."""
    (tmp_path / "runtime.txt").write_text(LOCK, encoding="utf-8")
    monkeypatch.setattr(wheels, "REQUIREMENTS", tmp_path)
    folder = tmp_path / "wheels"
    folder.mkdir()

    def run(files: dict[str, str], platform: str = "linux-x64") -> None:
        for name, requirements in files.items():
            with zipfile.ZipFile(folder / name, "w") as wheel:
                wheel.writestr("-".join(name.split("-")[:2]) + ".dist-info/METADATA", requirements)
        wheels.check_wheels(folder, platform)

    return run


def test_the_wheels_of_the_lock_pass(check):
    check(GOOD)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("numba-0.61.2-cp312-cp312-manylinux_2_28_x86_64.whl", "Python 3.11"),
        ("numba-0.61.2-cp311-cp311-win_amd64.whl", "linux-x64"),
        ("numba-0.61.2-cp311-cp311-macosx_11_0_arm64.whl", "linux-x64"),
        ("numba-0.61.2.tar.gz", "no wheel"),
    ],
)
def test_a_file_that_blender_cannot_use_is_refused(check, file, message):
    others = {name: text for name, text in GOOD.items() if not name.startswith("numba")}
    with pytest.raises(BuildError, match=message):
        check({**others, file: ""})


def test_a_bundled_numpy_is_refused(check):
    with pytest.raises(BuildError, match="numpy"):
        check({**GOOD, "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl": ""})


def test_a_missing_wheel_is_noticed(check):
    with pytest.raises(BuildError, match="sympy"):
        check({name: text for name, text in GOOD.items() if not name.startswith("sympy")})


def test_torch_with_cuda_is_refused(check):
    others = {name: text for name, text in GOOD.items() if not name.startswith("torch")}
    requirements = "Requires-Dist: nvidia-cublas==13.1.1.3; platform_system == 'Linux'\n"
    with pytest.raises(BuildError, match="CUDA"):
        check({**others, "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl": requirements})


def test_the_platform_is_one_that_blender_has():
    assert wheels.blender_platform() in wheels.PLATFORM_TAGS


@pytest.mark.parametrize("platform", wheels.SHIPPED_PLATFORMS)
def test_what_pip_downloads_for_a_platform_passes_the_check(platform):
    for tag in wheels.PIP_PLATFORMS[platform]:
        assert re.fullmatch(wheels.PLATFORM_TAGS[platform], tag)


def test_torch_for_windows_needs_no_build_of_its_own_while_it_is_made_on_linux(check):
    check(
        {
            "numba-0.61.2-cp311-cp311-win_amd64.whl": "",
            "sympy-1.14.0-py3-none-any.whl": "",
            "torch-2.13.0-cp311-cp311-win_amd64.whl": "Requires-Dist: triton; platform_system == 'Linux'\n",
        },
        "windows-x64",
    )
