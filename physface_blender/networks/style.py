"""The style of an actor in the generalized model: what that person's muscles do, and a third input of N_e."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ..performance.arkit import ARKIT_NAMES, MIRROR_INDEX
from .generalized import GeneralizedNetwork
from .lipschitz import LipschitzLinear
from .modulated_siren import ModulatedSiren
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
FIELD_WIDTH, FIELD_DEPTH = 128, 5
"""Of N_e."""
STYLE_SIZE = 3 * FIELD_WIDTH
"""Numbers in the style input of N_e: what it adds to each of the output weights."""


class Readout(NamedTuple):
    """What is learned of one style.

    Attributes:
        muscles: M, (52, FEATURE_COUNT): what the muscles do otherwise.
        field: Q, (STYLE_SIZE, FEATURE_COUNT): the style input of N_e.
    """

    muscles: torch.Tensor
    field: torch.Tensor


class StyleNetwork(nn.Module):
    """Style as a third input of the generalized model, beside identity and expression.

    What *An Implicit Physical Face Model Driven by Expression and Style* calls style, in the network of *Learning a
    Generalized Physical Face Model From Data*, so that every face has it. With h(w) the features of what is asked for and
    s_k how much of style k is wanted,

        T(w, s) = clamp(w + sum_k s_k M_k (h(w) - h(0)), 0, 1)        what the muscles do
        q(w, s) = sum_k s_k Q_k (h(w) - h(0))                         the third input of N_e,

    and q is added to the output weights of N_e. (A basis of 96 that six actors shared took half of what it needs off a new
    actor.) h holds the weights, their squares, and
    ``CROSSED_COUNT`` learned features of each half of the face (two Lipschitz layers, the same for both halves). Both are
    linear in the code s, so that styles blend evenly; a code of zeros and an expression of zeros change nothing. What
    ``UNSTYLED`` names is never changed, nor heard by q.
    """

    def __init__(self, actor_count: int) -> None:
        """Make a network for so many actors; all of them start without a style."""
        super().__init__()
        self.crossing = LipschitzLinear(len(LEFT_VIEW), CROSSED_COUNT)
        self.crossed = LipschitzLinear(CROSSED_COUNT, CROSSED_COUNT)
        self.readouts = nn.Parameter(torch.zeros(actor_count, EXPRESSION_COUNT, FEATURE_COUNT))
        self.fields = nn.Parameter(torch.zeros(actor_count, STYLE_SIZE, FEATURE_COUNT))
        styled = torch.tensor([0.0 if name.startswith(UNSTYLED) else 1.0 for name in ARKIT_NAMES])
        self.register_buffer("styled", styled, persistent=False)
        heard = torch.cat([styled, styled, torch.ones(2 * CROSSED_COUNT)])
        self.register_buffer("heard", heard, persistent=False)

    def features(self, weights: torch.Tensor) -> torch.Tensor:
        """h(w) - h(0), (..., FEATURE_COUNT), of weights (..., 52)."""
        halves = torch.stack([weights[..., LEFT_VIEW], weights[..., RIGHT_VIEW]])
        both = torch.stack([halves, torch.zeros_like(halves)])
        crossed = torch.tanh(self.crossed(nn.functional.gelu(self.crossing(both))))
        left, right = crossed[0] - crossed[1]
        return torch.cat([weights, weights.square(), left, right], dim=-1)

    def readout(self, index: int) -> Readout:
        """What is learned of one of its own actors."""
        return Readout(self.readouts[index], self.fields[index])

    def forward(self, weights: torch.Tensor, readout: Readout) -> tuple[torch.Tensor, torch.Tensor]:
        """Muscles (..., 52) before the clamp, and the style input (..., STYLE_SIZE), for weights (..., 52)."""
        features = self.features(weights)
        return weights + self.styled * (features @ readout.muscles.T), (self.heard * features) @ readout.field.T

    def displacement(
        self, network: GeneralizedNetwork, coordinates: torch.Tensor, condition: torch.Tensor, style: torch.Tensor
    ) -> torch.Tensor:
        """N_e (B, P, 3) in units of ``DISPLACEMENT_SCALE_MM`` with its third input.

        Args:
            network: the generalized model.
            coordinates: (B, P, 4).
            condition: (B, C) of identity and expression.
            style: (B, STYLE_SIZE).
        """
        field = network.expression_field
        weight = field.output_weight(condition) + self.output_weight(style)
        return field.features(coordinates, condition) @ weight + field.output.bias

    def output_weight(self, style: torch.Tensor) -> torch.Tensor:
        """What is added to the output weights (B, FIELD_WIDTH, 3) of N_e for style inputs (B, STYLE_SIZE)."""
        return style.unflatten(-1, (3, FIELD_WIDTH)).mT

    @torch.no_grad()
    def widened(self, field: ModulatedSiren) -> ModulatedSiren:
        """N_e as one network whose code ends with the style input: the same values, in one piece for fast evaluation."""
        code_size = field.scales[0].in_features + STYLE_SIZE
        whole = ModulatedSiren(4, code_size, 3, width=FIELD_WIDTH, depth=FIELD_DEPTH, frequency=field.frequency)
        state = field.state_dict()
        for name in [name for name in state if name.startswith(("scales", "shifts")) and name.endswith("weight")]:
            state[name] = torch.nn.functional.pad(state[name], (0, STYLE_SIZE))
        state["output_modulation.weight"] = torch.cat([state["output_modulation.weight"], torch.eye(STYLE_SIZE)], dim=1)
        whole.load_state_dict(state)
        return whole.eval().requires_grad_(False)


@dataclass(frozen=True, eq=False)
class StyleModel:
    """The trained style network behind plain arrays.

    Attributes:
        network: the features; its own readouts are not used here.
        readouts: what is learned, by the name of a style.
    """

    network: StyleNetwork
    readouts: dict[str, Readout]

    @property
    def names(self) -> tuple[str, ...]:
        """The styles there are."""
        return tuple(self.readouts)

    @torch.inference_mode()
    def perform(
        self, weights: npt.ArrayLike, style: Mapping[str, float]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """What the muscles do (..., 52), 0..1, and the style input of N_e (..., STYLE_SIZE).

        Args:
            weights: (..., 52) ARKit weights that are asked for, 0..1.
            style: names of styles with their weights; what they lack to 1 is the plain performance.

        Raises:
            KeyError: there is no style of such a name.
        """
        asked = np.ascontiguousarray(weights, dtype=np.float32)
        if not any(style.values()):
            return asked.astype(np.float64), np.zeros((*asked.shape[:-1], STYLE_SIZE))
        muscles, field = (sum(share * self.readouts[name][part] for name, share in style.items()) for part in range(2))
        done, code = self.network(torch.as_tensor(asked), Readout(muscles, field))
        return done.clamp(0.0, 1.0).numpy().astype(np.float64), code.numpy().astype(np.float64)

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
        tensors = load_file(path)
        readout = Readout(*(tensors.get(part, torch.zeros(0)) for part in Readout._fields))
        for tensor, rows in zip(readout, (EXPRESSION_COUNT, STYLE_SIZE), strict=True):
            if tensor.shape != (rows, FEATURE_COUNT) or not bool(torch.isfinite(tensor).all()):
                raise WeightsError(f"The style in {path} is damaged; learn it again.")
        return type(self)(self.network, self.readouts | {name: readout})

    @property
    def feature_hash(self) -> str:
        """Hexadecimal, of what readouts belong to: the features and, by the shipped style inputs, N_e."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            if name != "readouts":
                digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()[:16]


def save_style(model: StyleModel, readout: Readout, path: Path) -> None:
    """Write a style that was learned with this model's features to a file that ``StyleModel.with_file`` reads."""
    metadata = {"model": "actor_style", "features": model.feature_hash}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({part: tensor.detach().cpu().contiguous() for part, tensor in readout._asdict().items()}, path, metadata)


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
    return StyleModel(network, {name: network.readout(index) for index, name in enumerate(names)})
