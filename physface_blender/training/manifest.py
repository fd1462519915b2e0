"""The manifest of the shipped models: what each file is, what it was made from and how good it is."""

import hashlib
import json
import tomllib
from pathlib import Path

Entry = dict[str, str | float]

HEADER = """\
# What lies in this folder: each file's SHA-256, licence, the data and command it came from, and what was measured.
# Written by the commands that make the files.
"""


def publish_entry(models: Path, name: str, file: Path, entry: Entry) -> None:
    """Write or replace one entry of ``models/manifest.toml``; the file's SHA-256 and size are added.

    Args:
        models: the folder of the models.
        name: the entry's table, e.g. ``generalized``.
        file: the model's file, in that folder.
        entry: further keys with strings or numbers.
    """
    manifest = models / "manifest.toml"
    entries = _entries(manifest)
    content = file.read_bytes()
    entries[name] = {
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        **entry,
    }
    # A basic TOML string and number are written as in JSON.
    tables = [
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())
        for table, keys in sorted(entries.items())
    ]
    temporary = manifest.with_suffix(".part")
    temporary.write_text("\n".join([HEADER, *tables]), encoding="utf-8")
    temporary.replace(manifest)


def published_entry(models: Path, name: str) -> Entry:
    """Return one entry of ``models/manifest.toml``; an empty one where there is none."""
    return _entries(models / "manifest.toml").get(name, {})


def _entries(manifest: Path) -> dict[str, Entry]:
    return tomllib.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
