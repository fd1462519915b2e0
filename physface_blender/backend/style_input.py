# SPDX-License-Identifier: GPL-3.0-or-later
"""The style that an expression is played in: checked names and weights, and the styles there are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..networks.modulated_siren import ModulatedSiren
from ..networks.style import StyleModel, load_style
from .errors import StyleError

FILE_SUFFIX = ".safetensors"
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class StyledField:
    """N_e with a style input, and its value.

    Attributes:
        field: N_e whose code ends with the style input.
        code: (STYLE_SIZE,) float32.
    """

    field: ModulatedSiren
    code: torch.Tensor


class StyleInput:
    """The styles of a session: the shipped ones, read with the first use, and those of files, read when they are named."""

    def __init__(self, field: ModulatedSiren, model: StyleModel | None = None) -> None:
        """Use these styles, the shipped ones when None, in a network N_e."""
        self._plain = field
        self._styled: ModulatedSiren | None = None
        self._given = self._model = model
        self._files: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The shipped styles.

        Raises:
            WeightsError: they cannot be used.
        """
        return tuple(name for name in self._loaded().names if name not in self._files)

    def perform(
        self, weights: npt.NDArray[np.float64], style: Mapping[str, float]
    ) -> tuple[npt.NDArray[np.float64], StyledField | None]:
        """What the muscles do (52,) when an expression (52,), 0..1, is asked for, and N_e with its style.

        Args:
            weights: ARKit weights, 0..1.
            style: weights by the name of a shipped style or the path of a style file; what they lack to 1 is the plain
                performance. Empty: the expression as it is, and None.

        Raises:
            StyleError: a style is unknown, or the weights are not numbers 0..1 that add up to 1 at most.
            WeightsError: a file cannot be used.
        """
        shares = checked_shares(style)
        if not any(shares.values()):
            return weights, None
        for name in shares:
            self._find(name)
        done, code = self._loaded().perform(weights, shares)
        if self._styled is None:
            self._styled = self._loaded().network.widened(self._plain)
        return done, StyledField(self._styled, torch.as_tensor(code, dtype=torch.float32))

    def forget_files(self) -> None:
        """Read style files again when they are next named: one of them was learned anew."""
        self._model = self._given
        self._files.clear()

    def _loaded(self) -> StyleModel:
        if self._model is None:
            self._model = load_style()
        return self._model

    def _find(self, name: str) -> None:
        """See that there is such a style; a file is read the first time it is named."""
        model = self._loaded()
        if name in model.names:
            return
        if not name.endswith(FILE_SUFFIX):
            raise StyleError(
                f"There is no style {name!r}; there are {', '.join(self.names)}, and files of your own "
                f"that end in {FILE_SUFFIX}."
            )
        self._model = model.with_file(Path(name), name)
        self._files.add(name)


def checked_shares(style: Mapping[str, float]) -> dict[str, float]:
    """The weights of a style as floats.

    Raises:
        StyleError: they are not numbers 0..1 that add up to 1 at most.
    """
    shares = {}
    for name, share in style.items():
        try:
            shares[str(name)] = float(share)
        except (TypeError, ValueError) as error:
            raise StyleError(f"The weight of style {name} must be a number, not {share!r}.") from error
        if not (math.isfinite(shares[str(name)]) and 0.0 <= shares[str(name)] <= 1.0):
            raise StyleError(f"The weight of style {name} is {share:g}; weights lie between 0 and 1.")
    total = sum(shares.values())
    if total > 1.0 + SUM_TOLERANCE:
        raise StyleError(f"The weights of the styles add up to {total:g}; together they may be 1 at most.")
    return shares
