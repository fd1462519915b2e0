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
from .folded_field import FoldedEvaluator
from .mouth_lining import MouthLining


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """A material space with what follows from it for the skin.

    Attributes:
        space: the hexahedra and embeddings.
        skin_parting: (V,) parting coordinate of every skin vertex.
        inside: (I,) skin vertices embedded in the tissue.
        outside: (O,) skin vertices beyond it, which the network or a bone moves.
        inside_weights: (I, 8) trilinear weights of the vertices inside.
        inside_corners: (I, 8) their nodes.
        lining: the vertices beyond the tissue that lie on bone in the mouth.
    """

    space: MaterialSpace
    skin_parting: npt.NDArray[np.float64]
    inside: npt.NDArray[np.intp]
    outside: npt.NDArray[np.intp]
    inside_weights: npt.NDArray[np.float64]
    inside_corners: npt.NDArray[np.int32]
    lining: MouthLining

    @classmethod
    def of(cls, template: Template, space: MaterialSpace) -> Self:
        """Derive it from a template's material space."""
        inside, outside = np.flatnonzero(space.skin.hexes >= 0), np.flatnonzero(space.skin.hexes < 0)
        return cls(
            space=space,
            skin_parting=skin_parting(template.meshes["skin"], space),
            inside=inside,
            outside=outside,
            inside_weights=space.skin.weights[inside],
            inside_corners=space.skin.corners[inside],
            lining=MouthLining.of(template, outside),
        )

    def skin_inside(self, nodes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The embedded skin vertices (I, 3) for nodes (N, 3), without their detail."""
        return np.einsum("pk,pkx->px", self.inside_weights, nodes[self.inside_corners])


@dataclass(frozen=True, eq=False)
class FaceAssets:
    """The files a character is made from, read once.

    Attributes:
        template: the mean face.
        model: the trained generalized model.
        model_hash: hexadecimal, of all the model's weights.
        evaluator: evaluates the model's fields, with the threads to use.
    """

    template: Template
    model: GeneralizedModel
    model_hash: str
    evaluator: FoldedEvaluator
    _spaces: dict[float, SharedSpace] = field(default_factory=dict)

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
