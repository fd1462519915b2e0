# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own mesh and its parts on a character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
class BoundPart:
    """A mesh of its own that goes with the one that rides on the character.

    Attributes:
        kind: of ``PART_KINDS``.
        mesh: in the reference, mm.
        to_model: (4, 4) that took it to the frame of the model.
        binding: how teeth and lashes follow; None for eyes, which turn about their own centers.
    """

    kind: str
    mesh: Scan
    to_model: Transform
    binding: MouthBinding | SkinBinding | None

    def posed(self, pose: PosedFace, reference: PosedFace) -> Vertices:
        """Its vertices in a pose, mm, in the frame of the model."""
        if self.kind == "teeth":
            return self.binding.apply(pose.jaw @ np.linalg.inv(reference.jaw))
        if self.kind == "lashes":
            return self.binding.apply(pose.skin)
        turn = pose.transform(self.kind) @ np.linalg.inv(reference.transform(self.kind))
        return follow_eye(self.mesh.vertices, turn)


@dataclass(frozen=True, eq=False)
class BoundMesh:
    """The mesh that was fitted, riding on the character, in the frame of the model.

    Attributes:
        binding: of the mesh.
        head: the mesh in the reference, mm.
        reference: the pose of the character in which all of them were bound.
        inside: (V,) bool, pieces of the head that lie inside the mouth: near the teeth and not on the skin.
        mouth: of all vertices of the head, used where ``inside``.
        to_model: (4, 4) that took the head to the frame of the model.
        is_mirrored: head and parts were mirrored (x negated) before.
        parts: what goes with it, by name.
    """

    binding: SkinBinding
    head: Scan
    reference: PosedFace
    to_model: Transform
    is_mirrored: bool
    inside: npt.NDArray[np.bool_]
    mouth: MouthBinding
    parts: Mapping[str, BoundPart]

    @classmethod
    def bind(
        cls,
        head: Scan,
        rest: FaceGeometry,
        template: Template,
        reference: PosedFace,
        to_model: Transform,
        *,
        is_mirrored: bool = False,
    ) -> BoundMesh:
        """Bind a mesh to a character.

        Args:
            head: the mesh, in the frame of the model, mm.
            rest: the character at rest.
            template: what it is made of.
            reference: its pose in which the mesh lies on it.
            to_model: (4, 4) that took the mesh to that frame.
            is_mirrored: it was mirrored before.

        Raises:
            BindingError: the mesh does not lie on the skin.
        """
        skin = Mesh(reference.skin, template.meshes["skin"].faces)
        binding, mouth = SkinBinding.bind(head, skin), _in_mouth(head, rest, reference)
        piece = connected_pieces(head)
        held = (np.bincount(piece, binding.held) / np.bincount(piece))[piece]
        return cls(
            binding,
            head,
            reference,
            to_model,
            is_mirrored,
            (held < 0.5) & (mouth.distances < INSIDE_MM),
            mouth,
            {},
        )

    def with_part(self, name: str, kind: str, mesh: Scan, rest: FaceGeometry, to_model: Transform) -> BoundMesh:
        """The same with one more mesh.

        Args:
            name: of the mesh; another one of this name is replaced.
            kind: of ``PART_KINDS``.
            mesh: in the frame of the model, mm, where it belongs in the reference.
            rest: the character at rest.
            to_model: (4, 4) that took the mesh to that frame.

        Raises:
            BindingError: lashes do not lie on the skin.
        """
        binding = None
        if kind == "teeth":
            binding = _in_mouth(mesh, rest, self.reference)
        elif kind == "lashes":
            binding = SkinBinding.bind(mesh, self.binding.skin)
        return replace(self, parts={**self.parts, name: BoundPart(kind, mesh, to_model, binding)})

    @property
    def meshes(self) -> dict[str, Scan]:
        """The mesh as ``head`` and every part by name, in the reference, mm."""
        return {"head": self.head} | {name: part.mesh for name, part in self.parts.items()}

    def posed_as_it_came(self, pose: PosedFace) -> dict[str, Vertices]:
        """As ``posed``, each in the frame and unit that it came in."""
        sides = [-1.0, 1.0, 1.0] if self.is_mirrored else [1.0, 1.0, 1.0]
        places = {"head": self.to_model} | {name: part.to_model for name, part in self.parts.items()}
        return {name: apply(np.linalg.inv(places[name]), moved) * sides for name, moved in self.posed(pose).items()}

    def posed(self, pose: PosedFace) -> dict[str, Vertices]:
        """Vertices of all meshes in a pose, mm."""
        jaw = pose.jaw @ np.linalg.inv(self.reference.jaw)
        moved = {"head": np.where(self.inside[:, None], self.mouth.apply(jaw), self.binding.apply(pose.skin))}
        return moved | {name: part.posed(pose, self.reference) for name, part in self.parts.items()}


def _in_mouth(mesh: Scan, rest: FaceGeometry, reference: PosedFace) -> MouthBinding:
    """The binding of a mesh to the character's teeth in the reference."""
    return MouthBinding.bind(mesh, *(reference.vertices(rest, part) for part in ("upper_teeth", "lower_teeth")))


def read_in_frame(path: Path, to_model: Transform, *, mirror: bool) -> Scan:
    """Read a mesh and take it to the frame of the model.

    Raises:
        ScanError: the file cannot be read.
    """
    mesh = Scan(*read_surface(path))
    return (mesh.mirrored() if mirror else mesh).moved(to_model)
