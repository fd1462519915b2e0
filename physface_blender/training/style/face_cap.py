"""A real third-party character as an actor: the Face Cap head with its 51 ARKit shapes and its own captured animation.

Credit: Face Cap / Niels Jansson, bannaflak.com (three.js, MIT repository).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ...anatomy.mesh import Mesh
from ...anatomy.template import Template
from ...fitting.actor_capture import ActorCapture, Sequence
from ...performance.arkit import ARKIT_COUNT, ARKIT_INDEX, find_arkit_name, mirror_name
from ..rigid_fit import fit_rigid

Array = npt.NDArray[np.float64]

CENTIMETRE_MM = 10.0
FRAME_STRIDE = 4
"""Of 30 frames per second."""
ALIGNMENT_ROUNDS = 30
NEAR_MM = 25.0
"""Vertices farther than this from the aligned template, neck and back of the head, have no place in the canonical face."""
FACING_COSINE = 0.5


def read_face_cap(data: Path, template: Template, parting: Array) -> ActorCapture:
    """The character in the form of any actor, its frontal face placed in the canonical one.

    The head is brought over the template by its eyes and teeth and then by an affine map to the nearest skin; a
    vertex's canonical point is the nearest template vertex that faces the same way.

    Args:
        data: folder of the source data.
        template: the mean face.
        parting: (V,) of the template's skin.

    Raises:
        FileNotFoundError: the character is not there.
    """
    with np.load(data / "character_facecap" / "facecap_repaired.npz") as file:
        arrays = {name: file[name] for name in file.files}
    neutral = CENTIMETRE_MM * arrays["V"].astype(np.float64)
    shapes = CENTIMETRE_MM * arrays["D"].astype(np.float64)
    names = [find_arkit_name(_spelled_out(str(name))) for name in arrays["names"]]
    blink = np.linalg.norm(shapes[names.index("eyeBlinkLeft")], axis=1)
    if blink @ neutral[:, 0] < 0.0:  # named as the viewer sees it
        names = [mirror_name(name) for name in names]
    used = [index for index, shape in enumerate(shapes) if np.abs(shape).max() > 0.1]
    weights = np.zeros((len(used), ARKIT_COUNT))
    for row, index in enumerate(used):
        weights[row, ARKIT_INDEX[names[index]]] = 1.0

    canonical, place, kept = _place(arrays, neutral, template)
    remap = np.full(len(neutral), -1)
    remap[kept] = np.arange(len(kept))
    faces = _with_fourth(remap[arrays["F"]])
    frames = neutral + np.tensordot(arrays["W"][::FRAME_STRIDE], shapes, axes=1)
    return ActorCapture(
        name="face_cap",
        neutral=neutral[kept],
        faces=faces[(faces[:, :3] >= 0).all(axis=1)],
        shape_names=tuple(names[index] for index in used),
        shape_weights=weights,
        shapes=shapes[used][:, kept],
        canonical=canonical,
        parting=parting[place],
        sequences={"training_own": Sequence(frames[:, kept])},
    )


def _spelled_out(name: str) -> str:
    for ending, side in (("_L", "Left"), ("_R", "Right")):
        if name.endswith(ending):
            return name.removesuffix(ending) + side
    return name


def _with_fourth(triangles: npt.NDArray[np.generic]) -> npt.NDArray[np.int32]:
    return np.pad(triangles.astype(np.int32), ((0, 0), (0, 1)), constant_values=-1)


def _place(
    arrays: dict[str, npt.NDArray[np.generic]], neutral: Array, template: Template
) -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Canonical points (K, 3) of the vertices that have one, the template vertices (K,) they lie at, and which (K,)."""
    skin = template.meshes["skin"]
    eyes = [CENTIMETRE_MM * arrays[name].mean(axis=0) for name in ("eyeL_V", "eyeR_V")]
    own = np.stack([*sorted(eyes, key=lambda center: -center[0]), CENTIMETRE_MM * arrays["teeth_V"].mean(axis=0)])
    teeth = np.concatenate([template.meshes[part].vertices for part in ("upper_teeth", "lower_teeth")])
    target = np.stack(
        [template.meshes[part].vertices.mean(axis=0) for part in ("eye_left", "eye_right")] + [teeth.mean(axis=0)]
    )
    matrix = fit_rigid(own, target)
    linear, shift = matrix[:3, :3], matrix[:3, 3]
    normals = Mesh(neutral, _with_fourth(arrays["F"])).vertex_normals
    face = np.flatnonzero(template.regions["face"] > 0.5)
    tree = cKDTree(skin.vertices[face])
    extended = np.concatenate([neutral, np.ones((len(neutral), 1))], axis=1)
    for _ in range(ALIGNMENT_ROUNDS):
        moved = neutral @ linear.T + shift
        turned = normals @ np.linalg.inv(linear)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        distance, index = tree.query(moved, k=8)
        agreement = np.einsum("vx,vkx->vk", turned, skin.vertex_normals[face[index]])
        best = np.where(agreement > FACING_COSINE, distance, np.inf).argmin(axis=1)
        rows = np.arange(len(neutral))
        place, gap = face[index[rows, best]], distance[rows, best]
        near = np.flatnonzero((gap < NEAR_MM / 3.0) & (agreement[rows, best] > FACING_COSINE))
        solution, *_ = np.linalg.lstsq(extended[near], skin.vertices[place[near]], rcond=None)
        linear, shift = solution[:3].T, solution[3]
    kept = near
    return skin.vertices[place[kept]], place[kept], kept
