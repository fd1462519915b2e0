"""The store of weights: safetensors files, their manifest, and what is checked before they are used."""

import hashlib
import tomllib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

FORMAT_VERSION = "1"


class WeightsError(Exception):
    """A weight file cannot be used; the message says what came, what is allowed and what to do."""


def models_directory() -> Path:
    """The folder of the shipped models: inside the installed extension, else beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def save_weights(network: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Write the network's tensors and string metadata to a safetensors file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    save_file(tensors, temporary, metadata={"format_version": FORMAT_VERSION, **metadata})
    temporary.replace(path)


def read_metadata(file: Path) -> dict[str, str]:
    """The string metadata of a safetensors file.

    Raises:
        WeightsError: the file is missing or cannot be read.
    """
    if not file.is_file():
        raise WeightsError(f"The weights {file.name} are missing from {file.parent}; reinstall PhysFace or train them.")
    try:
        with safe_open(file, framework="pt") as reader:
            return reader.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"The weights {file.name} cannot be read ({error}); the file is damaged, reinstall PhysFace."
        ) from error


def read_shape(file: Path, name: str) -> tuple[int, ...]:
    """The shape of a tensor of a safetensors file.

    Raises:
        WeightsError: the file is missing, cannot be read, or has no such tensor.
    """
    read_metadata(file)
    with safe_open(file, framework="pt") as reader:
        if name not in reader.keys():  # noqa: SIM118 - not a dict
            raise WeightsError(f"The weights {file.name} have no tensor {name}; they are of another model.")
        return tuple(reader.get_slice(name).get_shape())


def load_weights(network: nn.Module, model: str, path: Path | None = None) -> None:
    """Fill a network from a weight file.

    Args:
        network: receives the tensors.
        model: name of the model, the file is ``<model>.safetensors`` and its metadata must name it.
        path: another file than the shipped one; only the shipped one is checked against the manifest's hash.

    Raises:
        WeightsError: the file is missing, truncated, changed, of another model or version, or does not fit.
    """
    file = models_directory() / f"{model}.safetensors" if path is None else Path(path)
    metadata = read_metadata(file)
    if path is None:
        _check_hash(file)
    try:
        with safe_open(file, framework="pt") as reader:
            tensors = {name: reader.get_tensor(name) for name in reader.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"The weights {file.name} cannot be read ({error}); the file is damaged, reinstall PhysFace."
        ) from error
    found = (metadata.get("model"), metadata.get("format_version"))
    if found != (model, FORMAT_VERSION):
        raise WeightsError(
            f"The file {file.name} holds model {found[0]!r} of format {found[1]!r}; "
            f"this version needs {model!r} of format {FORMAT_VERSION!r}. Reinstall PhysFace."
        )
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes != expected:
        raise WeightsError(f"The tensors of {file.name} do not fit this version's network; reinstall PhysFace.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError(f"The weights {file.name} contain values that are not finite; reinstall PhysFace.")
    network.load_state_dict(tensors)


def _check_hash(file: Path) -> None:
    manifest = file.parent / "manifest.toml"
    try:
        entries = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"The models' manifest {manifest} cannot be read ({error}); reinstall PhysFace.") from error
    expected = entries.get(file.stem, {}).get("sha256")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(
            f"The weights {file.name} are not those of the manifest (SHA-256 {found[:12]}… instead of "
            f"{str(expected)[:12]}…); the file is damaged or was changed, reinstall PhysFace."
        )
