"""``fit-photo``: a character from the landmarks of a photo, with its Blender file, pictures and a report."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from ..backend.assets import FaceAssets
from ..backend.character import Character, CharacterSettings
from ..backend.identity import Identity
from ..backend.identity_file import save_identity
from ..backend.settings import default_cache_directory
from ..fitting.bone_consistency import BoneConsistency
from ..fitting.detected_landmarks import detected_vertices
from ..fitting.errors import PhotoError
from ..fitting.face_model import FaceModel
from ..fitting.photo_fit import BY_HAND_MM, DETECTED_MM, PhotoFit, checked_landmarks, fit_photo
from ..performance.arkit import ARKIT_NAMES, expression
from .console import Console
from .fit_output import portray, prepared_folder, read_faces
from .landmark_detector import detect_faces
from .picture_file import read_picture
from .png import write_png
from .report import surroundings
from .shaded_picture import View, shade, shade_over

PICTURE_PIXELS = 640
"""Height of the pictures that are written."""
GIVEN, FITTED = (60, 220, 90), (250, 70, 60)


@dataclass(frozen=True)
class FitPhotoOptions:
    """What is fitted, and where to.

    Attributes:
        photo: a picture file.
        out: the folder of the results.
        landmarks: a JSON file with 68 points in pixels.
        detect: let the detector look for them.
        resolution_mm: edge of the hexahedra.
        cache_directory: where material spaces are kept.
    """

    photo: Path
    out: Path
    landmarks: Path | None = None
    detect: bool = False
    resolution_mm: float = 4.0
    cache_directory: Path = field(default_factory=default_cache_directory)


def run_fit_photo(options: FitPhotoOptions, command: Sequence[str], console: Console) -> int:
    """Fit a photo; writes identity.npz, fit.blend, fit.png, portraits.png and report.json, and returns 0.

    Raises:
        FittingError: the photo or its landmarks cannot be used.
        DemoError: the options cannot be followed.
        StudioError: Blender could not make the pictures.
    """
    if options.landmarks is None and not options.detect:
        raise PhotoError(
            "The photo came without landmarks; place the 68 points (iBUG order, pixels from the upper left corner) and give "
            "them with --landmarks FILE, or let a detector look for them with --detect."
        )
    photo = read_picture(options.photo)
    size = photo.shape[1], photo.shape[0]
    faces = detect_faces(photo) if options.landmarks is None else read_faces(options.landmarks)
    landmarks = checked_landmarks(faces, size)
    folder = prepared_folder(options.out)
    if options.landmarks is None:
        (folder / "landmarks.json").write_text(json.dumps(np.round(landmarks, 2).tolist()), encoding="utf-8")
    assets = FaceAssets.load()
    shared = assets.space(options.resolution_mm, options.cache_directory)
    template, network = assets.template, assets.model.network
    began = time.perf_counter()
    skin = template.meshes["skin"]
    model = FaceModel.at(network, skin.vertices, shared.skin_parting)

    def progress(share: float, text: str) -> bool:
        console.progress(f"{text}: {100 * share:.0f} %")
        return True

    is_detected = options.landmarks is None
    fit = fit_photo(
        landmarks,
        size,
        model.subset(detected_vertices(template) if is_detected else template.landmarks68),
        BoneConsistency.of(template, network),
        progress,
        DETECTED_MM if is_detected else BY_HAND_MM,
    )
    seconds = time.perf_counter() - began
    identity = Identity(fit.parameters.identity)
    save_identity(folder / "identity.npz", identity)
    console.say(f"The face was fitted in {seconds:.0f} s.")
    performed = model.performed(fit.parameters.identity, fit.parameters.expression)
    write_png(folder / "fit.png", _pictures(photo, landmarks, fit, template, performed))
    settings = CharacterSettings(resolution_mm=options.resolution_mm)
    character = Character(identity, settings, cache_directory=options.cache_directory, assets=assets)
    poses = {
        "at rest": expression(),
        "as in the photo": fit.parameters.expression,
        "jaw open": expression(jawOpen=0.7),
        "smile": expression(mouthSmileLeft=0.9, mouthSmileRight=0.9, cheekSquintLeft=0.5, cheekSquintRight=0.5),
    }
    intersections = portray(character, template, poses, folder, options.photo.name, console)
    strongest = np.argsort(-fit.parameters.expression)[:6]
    report = {
        "landmark_error_pixels": round(fit.error_pixels, 3),
        "landmark_error_share": round(fit.error_pixels / fit.face_pixels, 4),
        "face_pixels": round(fit.face_pixels, 1),
        "bone_error_mm": round(fit.bone_error_mm, 3),
        "focal_length_pixels": round(float(np.exp(fit.camera.log_focal)), 1),
        "distance_mm": round(float(-fit.camera.placed(performed)[:, 2].max()), 1),
        "expression": {ARKIT_NAMES[i]: round(float(fit.parameters.expression[i]), 3) for i in strongest},
        "intersections": intersections,
        "seconds": round(seconds, 2),
        **surroundings(command),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    console.say(
        f"{folder}: landmarks {report['landmark_error_pixels']:.1f} pixels from the photo's on average, of a face of "
        f"{report['face_pixels']:.0f}; {intersections} intersections."
    )
    return 0


def _pictures(
    photo: np.ndarray, landmarks: np.ndarray, fit: PhotoFit, template: Template, skin: np.ndarray
) -> np.ndarray:
    """The photo with its landmarks (green) and the fitted ones (red), the fit over it, and the fit from the side."""
    mesh = Mesh(skin, template.meshes["skin"].faces)
    share = min(1.0, PICTURE_PIXELS / photo.shape[0])
    rows = (np.arange(round(photo.shape[0] * share)) / share).astype(int)
    columns = (np.arange(round(photo.shape[1] * share)) / share).astype(int)
    small = photo[rows][:, columns]
    rotation = Rotation.from_rotvec(fit.camera.rotation).as_matrix()
    flat = np.column_stack([share * fit.camera.project(skin), fit.camera.placed(skin)[:, 2]])
    marked = small.copy()
    for points, color in ((landmarks, GIVEN), (fit.landmarks, FITTED)):
        for x, y in share * points[np.isfinite(points).all(axis=1)]:
            if 1 <= x < marked.shape[1] - 2 and 1 <= y < marked.shape[0] - 2:
                marked[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2] = color
    over = shade_over(small, flat, mesh.triangles, mesh.vertex_normals @ rotation.T)
    eyes = skin[template.landmarks68[36:48]].mean(axis=0)
    view = View((eyes[0], eyes[1] - 30.0, eyes[2] - 40.0), yaw_degrees=42.0, width=360, height=len(rows))
    return np.concatenate([marked, over, shade(mesh.vertices, mesh.triangles, mesh.vertex_normals, view)], axis=1)
