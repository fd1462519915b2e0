"""The style of an actor in front of the generalized model: what is asked for becomes what that person's muscles do."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ..performance.arkit import ARKIT_NAMES, MIRROR_INDEX
from .lipschitz import LipschitzLinear
from .weights import WeightsError, load_weights, models_directory, read_metadata

EXPRESSION_COUNT = 52
CROSSED_COUNT = 24
"""Of each side."""
FEATURE_COUNT = 2 * EXPRESSION_COUNT + 2 * CROSSED_COUNT
LEFT_VIEW = tuple(index for index, name in enumerate(ARKIT_NAMES) if not name.endswith("Right"))
RIGHT_VIEW = tuple(int(MIRROR_INDEX[index]) for index in LEFT_VIEW)
"""What the left and the right half of a face are asked for, in the same order."""
STYLE_FILE = "style"
UNSTYLED = ("eyeBlink", "eyeLook", "tongueOut")
"""What is nobody's style: lids that are asked to close must close, and eyes look where they are told."""


class StyleNetwork(nn.Module):
    """A map from semantic weights and a style code to the expression input of the generalized model.

    This is what *An Implicit Physical Face Model Driven by Expression and Style* calls style, put in front of
    the network of *Learning a Generalized Physical Face Model From Data*, so that every face has it:

        T(w, s) = clamp(w + sum_k s_k M_k (h(w) - h(0)), 0, 1)

    h holds the weights, their squares, and ``CROSSED_COUNT`` learned features of each half of the face (two Lipschitz
    layers, the same for both halves); M_k, (52, FEATURE_COUNT), is learned per actor and s_k is the code: how much of
    actor k. The correction is linear in the code, so that styles blend evenly; a code of zeros and an expression of zeros
    change nothing, and what ``UNSTYLED`` names is never changed.
    """

    def __init__(self, actor_count: int) -> None:
        """Make a network for so many actors; all of them start without a style."""
        super().__init__()
        self.crossing = LipschitzLinear(len(LEFT_VIEW), CROSSED_COUNT)
        self.crossed = LipschitzLinear(CROSSED_COUNT, CROSSED_COUNT)
        self.readouts = nn.Parameter(torch.zeros(actor_count, EXPRESSION_COUNT, FEATURE_COUNT))
        styled = torch.tensor([0.0 if name.startswith(UNSTYLED) else 1.0 for name in ARKIT_NAMES])
        self.register_buffer("styled", styled, persistent=False)

    def features(self, weights: torch.Tensor) -> torch.Tensor:
        """h(w) - h(0), (..., FEATURE_COUNT), of weights (..., 52)."""
        halves = torch.stack([weights[..., LEFT_VIEW], weights[..., RIGHT_VIEW]])
        both = torch.stack([halves, torch.zeros_like(halves)])
        crossed = torch.tanh(self.crossed(nn.functional.gelu(self.crossing(both))))
        left, right = crossed[0] - crossed[1]
        return torch.cat([weights, weights.square(), left, right], dim=-1)

    def forward(self, weights: torch.Tensor, readout: torch.Tensor) -> torch.Tensor:
        """Map weights (..., 52) by readouts (..., 52, FEATURE_COUNT), before the clamp, to (..., 52)."""
        return weights + self.styled * (readout @ self.features(weights).unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True, eq=False)
class StyleModel:
    """The trained style network behind plain arrays.

    Attributes:
        network: the features; its own readouts are not used here.
        readouts: name of a style to its readout (52, FEATURE_COUNT).
    """

    network: StyleNetwork
    readouts: dict[str, torch.Tensor]

    @property
    def names(self) -> tuple[str, ...]:
        """The styles there are."""
        return tuple(self.readouts)

    @torch.inference_mode()
    def perform(self, weights: npt.ArrayLike, style: Mapping[str, float]) -> npt.NDArray[np.float64]:
        """What the muscles do (..., 52), 0..1, when weights (..., 52), 0..1, are asked for in a style.

        Args:
            weights: ARKit weights.
            style: names of styles with their weights; what they lack to 1 is the plain performance.

        Raises:
            KeyError: there is no style of such a name.
        """
        asked = np.ascontiguousarray(weights, dtype=np.float32)
        if not any(style.values()):
            return asked.astype(np.float64)
        readout = sum(share * self.readouts[name] for name, share in style.items())
        done = self.network(torch.as_tensor(asked), readout)
        return done.clamp(0.0, 1.0).numpy().astype(np.float64)

    def with_file(self, path: Path, name: str) -> Self:
        """This model with the style of a file that ``save_style`` wrote, under a name.

        Raises:
            WeightsError: the file cannot be used, or belongs to other features than this model's.
        """
        metadata = read_metadata(path)
        if metadata.get("model") != "actor_style":
            raise WeightsError(f"The file {path} holds {metadata.get('model')!r}; a style file is wanted.")
        if metadata.get("features") != self.feature_hash:
            raise WeightsError(f"The style in {path} was learned with another version of PhysFace; learn it again.")
        readout = load_file(path)["readout"]
        if readout.shape != (EXPRESSION_COUNT, FEATURE_COUNT) or not bool(torch.isfinite(readout).all()):
            raise WeightsError(f"The style in {path} is damaged; learn it again.")
        return type(self)(self.network, self.readouts | {name: readout})

    @property
    def feature_hash(self) -> str:
        """Hexadecimal, of the features that readouts belong to."""
        digest = hashlib.sha256()
        for layer in (self.network.crossing, self.network.crossed):
            for _, tensor in sorted(layer.state_dict().items()):
                digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()[:16]


def save_style(model: StyleModel, readout: torch.Tensor, path: Path) -> None:
    """Write a style that was learned with this model's features to a file that ``StyleModel.with_file`` reads."""
    metadata = {"model": "actor_style", "features": model.feature_hash}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"readout": readout.detach().cpu().contiguous()}, path, metadata=metadata)


def load_style(path: Path | None = None) -> StyleModel:
    """Load the trained styles.

    Args:
        path: a safetensors file; the shipped ``models/style.safetensors`` when left out.

    Raises:
        WeightsError: the file is missing, truncated, changed, or of another version.
    """
    file = models_directory() / f"{STYLE_FILE}.safetensors" if path is None else Path(path)
    names = [name for name in read_metadata(file).get("styles", "").split(",") if name]
    network = StyleNetwork(len(names))
    load_weights(network, STYLE_FILE, path)
    network.eval().requires_grad_(False)
    return StyleModel(network, dict(zip(names, network.readouts, strict=True)))
