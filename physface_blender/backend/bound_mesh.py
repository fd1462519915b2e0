# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own mesh and its parts on a character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from ..fitting.binding import MouthBinding, SkinBinding, connected_pieces, follow_eye
from ..fitting.scan import Scan
from ..fitting.scan_file import read_surface
from .face_geometry import FaceGeometry, PosedFace, Vertices
from .rigid_motion import Transform, apply

PART_KINDS = ("teeth", "eye_left", "eye_right", "lashes")
INSIDE_MM = 15.0
"""A piece of the mesh that is on average nearer to the teeth than this, and not on the skin, lies inside the mouth."""


@dataclass(frozen=True, eq=False)
class BoundMesh:
    """The mesh that was fitted, riding on the character, in the frame of the model.

    Attributes:
        binding: of the mesh.
        meshes: the mesh as ``head`` and every part, in the reference, mm.
        reference: the pose of the character in which all of them were bound.
        inside: (V,) bool, pieces of the head that lie inside the mouth: near the teeth and not on the skin.
        mouth: of all vertices of the head, used where ``inside``.
        teeth: of the part ``teeth``, if there is one.
        to_model: (4, 4) that took the meshes to the frame of the model.
        is_mirrored: the meshes were mirrored (x negated) before.
        lashes: of the part ``lashes``, if there is one.
    """

    binding: SkinBinding
    meshes: dict[str, Scan]
    reference: PosedFace
    to_model: Transform
    is_mirrored: bool
    inside: npt.NDArray[np.bool_]
    mouth: MouthBinding
    teeth: MouthBinding | None
    lashes: SkinBinding | None

    @classmethod
    def bind(
        cls,
        head: Scan,
        parts: Mapping[str, Scan],
        rest: FaceGeometry,
        template: Template,
        reference: PosedFace,
        to_model: Transform,
        *,
        is_mirrored: bool = False,
    ) -> BoundMesh:
        """Bind meshes to a character.

        Args:
            head: the mesh, in the frame of the model, mm.
            parts: by kind, in the same frame.
            rest: the character at rest.
            template: what it is made of.
            reference: its pose in which the meshes lie on it.
            to_model: (4, 4) that took the meshes to that frame.
            is_mirrored: they were mirrored before.

        Raises:
            BindingError: the mesh does not lie on the skin.
        """
        skin = Mesh(reference.skin, template.meshes["skin"].faces)
        rows = [reference.vertices(rest, part) for part in ("upper_teeth", "lower_teeth")]
        binding, mouth = SkinBinding.bind(head, skin), MouthBinding.bind(head, *rows)
        piece = connected_pieces(head)
        held = (np.bincount(piece, binding.held) / np.bincount(piece))[piece]
        return cls(
            binding,
            {"head": head, **parts},
            reference,
            to_model,
            is_mirrored,
            (held < 0.5) & (mouth.distances < INSIDE_MM),
            mouth,
            MouthBinding.bind(parts["teeth"], *rows) if "teeth" in parts else None,
            SkinBinding.bind(parts["lashes"], skin) if "lashes" in parts else None,
        )

    def posed_as_it_came(self, pose: PosedFace) -> dict[str, Vertices]:
        """As ``posed``, in the frame and unit that the meshes came in."""
        back = np.linalg.inv(self.to_model)
        sides = [-1.0, 1.0, 1.0] if self.is_mirrored else [1.0, 1.0, 1.0]
        return {name: apply(back, vertices) * sides for name, vertices in self.posed(pose).items()}

    def posed(self, pose: PosedFace) -> dict[str, Vertices]:
        """Vertices of all meshes in a pose, mm."""
        jaw = pose.jaw @ np.linalg.inv(self.reference.jaw)
        moved = {"head": np.where(self.inside[:, None], self.mouth.apply(jaw), self.binding.apply(pose.skin))}
        if self.teeth is not None:
            moved["teeth"] = self.teeth.apply(jaw)
        if self.lashes is not None:
            moved["lashes"] = self.lashes.apply(pose.skin)
        for part in ("eye_left", "eye_right"):
            if part in self.meshes:
                turn = pose.transform(part) @ np.linalg.inv(self.reference.transform(part))
                moved[part] = follow_eye(self.meshes[part].vertices, turn)
        return moved


def read_parts_in_frame(parts: Mapping[str, Path], to_model: Transform, *, mirror: bool) -> dict[str, Scan]:
    """Read parts that lie in the frame of a scan, and take them to that of the model."""
    read = {}
    for kind, path in parts.items():
        part = Scan(*read_surface(path))
        read[kind] = (part.mirrored() if mirror else part).moved(to_model)
    return read
