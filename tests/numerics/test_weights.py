"""The store of weights refuses what it cannot trust, in one sentence."""

import pytest
import torch

from physface_blender.networks.generalized import GeneralizedNetwork, load_generalized
from physface_blender.networks.weights import WeightsError, models_directory, read_shape, save_weights


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A weight file of a fresh network."""
    path = tmp_path_factory.mktemp("weights") / "generalized.safetensors"
    torch.manual_seed(0)
    save_weights(GeneralizedNetwork(), path, {"model": "generalized"})
    return path


def test_round_trip(saved):
    """What is saved is what is loaded."""
    torch.manual_seed(0)
    expected = GeneralizedNetwork().state_dict()
    for name, tensor in load_generalized(saved).network.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_shipped_weights_match_their_manifest():
    """The committed weights load, which checks their hash."""
    assert (models_directory() / "generalized.safetensors").is_file()
    load_generalized()


@pytest.mark.parametrize("kept", [0, 7, 1000, 0.5, 0.999])
def test_truncated_file(saved, tmp_path, kept):
    """A file cut anywhere is refused."""
    content = saved.read_bytes()
    damaged = tmp_path / "generalized.safetensors"
    damaged.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(WeightsError, match="damaged"):
        load_generalized(damaged)


def test_missing_file(tmp_path):
    """A missing file is named."""
    with pytest.raises(WeightsError, match=r"absent\.safetensors"):
        load_generalized(tmp_path / "absent.safetensors")


def test_other_model_and_version(tmp_path):
    """Weights of another model are refused although they could be read."""
    path = tmp_path / "generalized.safetensors"
    save_weights(GeneralizedNetwork(), path, {"model": "style"})
    with pytest.raises(WeightsError, match="'style'"):
        load_generalized(path)


def test_values_that_are_not_finite(tmp_path):
    """A single NaN is refused."""
    network = GeneralizedNetwork()
    with torch.no_grad():
        network.identity_field.output.bias[1] = torch.nan
    save_weights(network, tmp_path / "generalized.safetensors", {"model": "generalized"})
    with pytest.raises(WeightsError, match="not finite"):
        load_generalized(tmp_path / "generalized.safetensors")


def test_other_shape(tmp_path):
    """Tensors of another size are refused."""
    save_weights(torch.nn.Linear(2, 2), tmp_path / "generalized.safetensors", {"model": "generalized"})
    with pytest.raises(WeightsError, match="do not fit"):
        load_generalized(tmp_path / "generalized.safetensors")


def test_shape_of_a_tensor(tmp_path):
    """It is read without the network, and a tensor that is not there is named."""
    save_weights(torch.nn.Linear(3, 2), tmp_path / "small.safetensors", {"model": "small"})
    assert read_shape(tmp_path / "small.safetensors", "weight") == (2, 3)
    with pytest.raises(WeightsError, match="no tensor scale"):
        read_shape(tmp_path / "small.safetensors", "scale")
