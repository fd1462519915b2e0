# SPDX-License-Identifier: GPL-3.0-or-later
"""What all characters share: the template, the trained model, the material space of each resolution."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from ..anatomy.material_space import MaterialSpace, load_or_build
from ..anatomy.skin_parting import skin_parting
from ..anatomy.template import Template, load_template
from ..networks.generalized import GeneralizedModel, load_generalized
from ..simulation.membrane import Membrane
from .folded_field import FoldedEvaluator
from .mouth_lining import mouth_lining
from .style_input import StyleInput


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """A material space with what follows from it for the skin.

    Attributes:
        space: the hexahedra and embeddings.
        skin_parting: (V,) parting coordinate of every skin vertex.
        lining: the skin without tissue that is simulated all the same; its L nodes come after the space's.
        node_positions: (N + L, 3) canonical mm.
        node_parting: (N + L,) their parting coordinate.
        corners: (V, 8) nodes that carry each skin vertex.
        weights: (V, 8) their weights, all 0 where nothing carries a vertex.
        inside: (I,) skin vertices that nodes carry.
        outside: (O,) skin vertices beyond, which the network moves.
    """

    space: MaterialSpace
    skin_parting: npt.NDArray[np.float64]
    lining: Membrane
    node_positions: npt.NDArray[np.float64]
    node_parting: npt.NDArray[np.float64]
    corners: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64]
    inside: npt.NDArray[np.intp]
    outside: npt.NDArray[np.intp]

    @classmethod
    def of(cls, template: Template, space: MaterialSpace) -> Self:
        """Derive it from a template's material space."""
        skin = template.meshes["skin"]
        parting = skin_parting(skin, space)
        lining = mouth_lining(template, space.skin.inside)
        corners, weights = lining.carry(space.skin.corners, space.skin.weights, len(space.node_positions))
        carried = weights.any(axis=1)
        return cls(
            space=space,
            skin_parting=parting,
            lining=lining,
            node_positions=np.concatenate([space.node_positions, skin.vertices[lining.vertices]]),
            node_parting=np.concatenate([space.node_parting, parting[lining.vertices]]),
            corners=corners,
            weights=weights,
            inside=np.flatnonzero(carried),
            outside=np.flatnonzero(~carried),
        )

    def skin_inside(self, nodes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The carried skin vertices (I, 3) for nodes (N + L, 3), without their detail."""
        return np.einsum("pk,pkx->px", self.weights[self.inside], nodes[self.corners[self.inside]])


@dataclass(frozen=True, eq=False)
class FaceAssets:
    """The files a character is made from, read once.

    Attributes:
        template: the mean face.
        model: the trained generalized model.
        model_hash: hexadecimal, of all the model's weights.
        evaluator: evaluates the model's fields, with the threads to use.
        style: the styles that expressions can be played in.
    """

    template: Template
    model: GeneralizedModel
    model_hash: str
    evaluator: FoldedEvaluator
    style: StyleInput = field(init=False)
    _spaces: dict[float, SharedSpace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Styles play in the model's own N_e."""
        object.__setattr__(self, "style", StyleInput(self.model.network.expression_field))

    @classmethod
    def load(cls, template_path: Path | None = None, weights_path: Path | None = None, thread_count: int = 1) -> Self:
        """Read template and weights; the shipped ones where no path is given.

        Args:
            template_path: another template.
            weights_path: other weights.
            thread_count: threads that evaluate the model.

        Raises:
            TemplateError: the template cannot be used.
            WeightsError: the weights cannot be used.
        """
        template = load_template(template_path)
        model = load_generalized(weights_path)
        digest = hashlib.sha256()
        for name, tensor in sorted(model.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.numpy().tobytes())
        return cls(template, model, digest.hexdigest(), FoldedEvaluator(thread_count))

    def space(
        self,
        resolution_mm: float,
        cache_directory: Path | None = None,
        progress: Callable[[float, str], None] | None = None,
    ) -> SharedSpace:
        """The material space with hexahedra of this edge: made once, kept in memory and in the cache folder.

        Raises:
            ValueError: the resolution is out of range.
        """
        resolution_mm = float(resolution_mm)
        if resolution_mm not in self._spaces:
            space = load_or_build(self.template, resolution_mm, cache_directory, progress=progress)
            self._spaces[resolution_mm] = SharedSpace.of(self.template, space)
        return self._spaces[resolution_mm]
