"""The manifest of the models: what is written is what TOML reads."""

import hashlib
import tomllib

from physface_blender.networks.weights import models_directory
from physface_blender.training.manifest import publish_entry, published_entry


def test_entries_are_replaced_and_kept(tmp_path):
    """A second entry leaves the first alone; writing one again replaces it."""
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    publish_entry(tmp_path, "a", first, {"licence": 'MIT, "quoted" \\ Ünïcode', "error_mm": 0.5})
    publish_entry(tmp_path, "b", second, {})
    first.write_bytes(b"three")
    publish_entry(tmp_path, "a", first, {"licence": 'MIT, "quoted" \\ Ünïcode', "error_mm": 0.25})
    entries = tomllib.loads((tmp_path / "manifest.toml").read_text(encoding="utf-8"))
    assert entries["a"]["licence"] == 'MIT, "quoted" \\ Ünïcode'
    assert entries["a"]["error_mm"] == 0.25
    assert entries["a"]["sha256"] == hashlib.sha256(b"three").hexdigest()
    assert entries["b"]["bytes"] == 3
    assert published_entry(tmp_path, "a") == entries["a"]
    assert published_entry(tmp_path, "c") == {}


def test_shipped_files_match_the_manifest():
    """Every file the manifest names is there with the hash it says."""
    folder = models_directory()
    entries = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    assert {"template", "generalized"} <= set(entries)
    for name, entry in entries.items():
        assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], name
