"""What the network says of the bones: how rigid its jaw is, how fixed its skull, where both lie, whether skin is pierced."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..anatomy.material_space import MaterialSpace
from ..anatomy.template import Template
from ..backend.face_geometry import FaceGeometry
from ..backend.rest_check import BONES, rest_intersections
from ..fitting.face_model import FaceModel
from ..fitting.parameters import FaceParameters
from ..fitting.similarity import apply
from ..networks.generalized import GeneralizedNetwork
from ..training.rigid_fit import fit_rigid
from .captured_faces import CapturedFaces, CapturedFrame

MANDIBLE_EVERY = 40


class NetworkConstraints:
    """Measures the bones of one network.

    Args:
        network: the model.
        template: its mean face.
        space: the material space whose attachment points are measured.
        faces: the captures.
    """

    def __init__(
        self, network: GeneralizedNetwork, template: Template, space: MaterialSpace, faces: CapturedFaces
    ) -> None:
        self._template = template
        self._skull, self._jaw = (
            FaceModel.at(network, bone.points, bone.apply(space.node_parting[:, None])[:, 0])
            for bone in (space.skull_attachment, space.mandible_attachment)
        )
        mandible = template.meshes["mandible"].vertices[::MANDIBLE_EVERY]
        self._mandible = FaceModel.at(network, mandible, -np.ones(len(mandible)))
        parts = faces.source.parts
        bones = faces.source.mean[parts["skull"][0] : parts["mandible"][1]]
        self._bones = FaceModel.at(network, bones, np.zeros(len(bones)))
        self._surfaces = {
            part: FaceModel.at(network, template.meshes[part].vertices, np.zeros(len(template.meshes[part].vertices)))
            for part in ("skin", *BONES)
        }

    def measure(self, parameters: FaceParameters, frame: CapturedFrame) -> dict[str, float]:
        """Figures of one frame.

        ``jaw_rigidity_mm`` and ``skull_fixation_mm`` are equations 12 and 13 as mean distances, ``bone_fidelity_mm`` is
        equation 16 against the parametric bones of the true skin, the jaw's errors are those against the true motion
        of the mandible: the angle between both rotations, and the distance of the middle of the mandible.
        """
        identity, expression = parameters.identity, parameters.expression
        rest = self._jaw.rest(identity)
        moved = rest + self._jaw.displacement(identity, expression)
        mandible = self._mandible.rest(identity)
        inferred = fit_rigid(mandible, mandible + self._mandible.displacement(identity, expression))
        middle = mandible.mean(axis=0)[None]
        turn = Rotation.from_matrix(inferred[:3, :3].T @ frame.jaw[:3, :3]).magnitude()
        return {
            "jaw_rigidity_mm": _mean_distance(moved, apply(fit_rigid(rest, moved), rest)),
            "skull_fixation_mm": _mean_distance(self._skull.displacement(identity, expression), 0.0),
            "bone_fidelity_mm": _mean_distance(self._bones.rest(identity), frame.bones),
            "jaw_angle_error_deg": float(np.degrees(turn)),
            "jaw_translation_error_mm": _mean_distance(apply(inferred, middle), apply(frame.jaw, middle)),
        }

    def penetration_pairs(self, identity: np.ndarray) -> int:
        """Pairs of triangles of bones and outer skin that intersect, with the rest shape as the network has it."""
        vertices = {part: model.rest(identity) for part, model in self._surfaces.items()}
        return rest_intersections(self._template, FaceGeometry(vertices, {})).bone_skin


def _mean_distance(points: np.ndarray, others: np.ndarray | float) -> float:
    return float(np.linalg.norm(points - others, axis=1).mean())
