# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones that the artist has sculpted: what their displacement does to the tissue on them, and what is no face any more."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..anatomy.embedding import Embedding
from ..anatomy.template import Template
from ..simulation.intersections import intersecting_pairs
from .assets import SharedSpace
from .errors import EffectsError
from .rest_shape import RestShape

Field = npt.NDArray[np.float64]

SCULPTED_BONES = ("skull", "mandible")
PULLED_MM = 40.0
"""Distance from an edited bone over which skin beyond the tissue still follows it."""
NEIGHBORS = 4
"""Vertices of a bone whose displacements are averaged at a point between them."""
INNER_LIPS = [62, 66]
"""Landmarks in the middle of the upper and the lower lip."""
CAVITIES = ("inner_mouth", "eye_socket_left", "eye_socket_right", "nostril", "ear")
"""Regions of the skin that face bone where there is no tissue between them."""


class SculptedBones:
    """Displacements of the vertices of skull and mandible, carried to where tissue and skin follow them.

    Args:
        template: gives the bones' and the skin's triangles.
        shared: the tissue.
        rest: the character at rest.
    """

    def __init__(self, template: Template, shared: SharedSpace, rest: RestShape) -> None:
        self._template = template
        self._shared = shared
        self._rest = rest

    def at_attachments(self, bone: str, displacement: Field) -> Field:
        """The displacement (P, 3) of the points where tissue is attached to a bone, for that of its vertices (V, 3)."""
        space = self._shared.space
        attachment: Embedding = space.skull_attachment if bone == "skull" else space.mandible_attachment
        points = attachment.apply(space.node_positions)[attachment.hexes >= 0]
        distance, nearest = self._trees[bone].query(points, k=NEIGHBORS)
        weights = 1.0 / (distance + 1e-6)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.einsum("pk,pkd->pd", weights, displacement[nearest])

    def pulled(self, bone: str, displacement: Field, canonical: Field) -> Field:
        """The displacement of a bone at points (P, 3), fading with their distance from it in canonical space."""
        distance, nearest = self._trees[bone].query(canonical)
        return fading(distance)[:, None] * displacement[nearest]

    def check(self, bone: str, displacement: Field) -> None:
        """See that a sculpted bone stays under the skin.

        Raises:
            EffectsError: it comes through, with the place.
        """
        mesh = self._template.meshes[bone]
        moved = np.linalg.norm(displacement, axis=1) > 0.0
        triangles = mesh.triangles[moved[mesh.triangles].any(axis=1)]
        skin = self._rest.geometry.vertices["skin"]
        sculpted = self._rest.geometry.vertices[bone] + displacement
        groups = np.repeat([0, 1], [len(self._outer_skin), len(triangles)])
        pairs = intersecting_pairs(
            np.concatenate([skin, sculpted]),
            np.concatenate([self._outer_skin, triangles + len(skin)]),
            groups,
            np.array([[False, True], [True, False]]),
        )
        if len(pairs):
            where = skin[self._outer_skin[pairs[:, 0]]].mean(axis=(0, 1))
            raise EffectsError(
                f"The sculpted {bone} comes through the skin {self._place(where)}; bring it back under the skin there."
            )

    @cached_property
    def _trees(self) -> dict[str, cKDTree]:
        return {bone: cKDTree(self._template.meshes[bone].vertices) for bone in SCULPTED_BONES}

    @cached_property
    def _outer_skin(self) -> npt.NDArray[np.int32]:
        """(T, 3) triangles of the skin outside of mouth, eye sockets, nostrils and ears."""
        inside = np.max([self._template.regions[name] for name in CAVITIES], axis=0) > 0.5
        triangles = self._template.meshes["skin"].triangles
        return triangles[~inside[triangles].any(axis=1)]

    def _place(self, point: Field) -> str:
        """Words for where on the face a point (3,) is."""
        geometry = self._rest.geometry
        eyes = np.mean([center[1] for center in geometry.eye_centers.values()])
        lips = geometry.vertices["skin"][self._template.landmarks68[INNER_LIPS], 1].mean()
        height = point[1]
        if height > eyes + 15.0:
            level = "at the forehead"
        elif height > (eyes + lips) / 2.0:
            level = "at the height of the eyes"
        elif height > lips - 10.0:
            level = "at the height of the mouth"
        else:
            level = "below the mouth"
        side = point[0] - geometry.vertices["skin"][:, 0].mean()
        if abs(side) < 10.0:
            return f"{level}, in the middle"
        return f"{level}, on the character's {'left' if side > 0.0 else 'right'}"


def fading(distance: Field) -> Field:
    """The share (P,) of a bone's displacement that skin beyond the tissue takes part in, by its distance (P,), mm."""
    share = 1.0 - np.clip(distance / PULLED_MM, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
