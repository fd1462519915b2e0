"""The zip of the extension: what is in it, what it says of itself, and that one version stands everywhere."""

import re
import tomllib
import zipfile

import pytest


@pytest.fixture(scope="module")
def names(extension_zip) -> set[str]:
    with zipfile.ZipFile(extension_zip) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def manifest(extension_zip) -> dict:
    with zipfile.ZipFile(extension_zip) as archive:
        return tomllib.loads(archive.read("blender_manifest.toml").decode())


def test_the_zip_holds_the_extension_and_its_models(names):
    needed = {"__init__.py", "LICENSE", "blender_manifest.toml", "models/manifest.toml", "models/template.npz"}
    assert needed <= names
    assert any(name.startswith("models/") and name.endswith(".safetensors") for name in names)
    for folder in ("anatomy", "networks", "simulation", "performance", "backend", "blender"):
        assert f"{folder}/__init__.py" in names


def test_the_zip_holds_nothing_that_it_does_without(names):
    folders = {name.split("/")[0] for name in names if "/" in name}
    assert folders.isdisjoint(
        {"training", "benchmark", "evaluation", "tests", "docs", "builder", "wheels", "requirements"}
    )
    assert {name.rsplit(".", 1)[-1] for name in names if not name.startswith("models/")} == {"py", "toml", "LICENSE"}
    assert not [name for name in names if name.endswith("ruff.toml")]


def test_the_manifest_says_what_was_decided(manifest):
    assert manifest["id"] == "physface"
    assert manifest["name"] == "PhysFace"
    assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.1.0")
    assert manifest["permissions"].keys() == {"files"}
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert "wheels" not in manifest


def test_one_version_stands_everywhere(manifest, repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == manifest["version"]
    changes = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?([\d.]+)", changes, flags=re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == manifest["version"]
