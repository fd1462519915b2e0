"""The generalized model fitted to the landmarks of a photo.

Source: *Learning a Generalized Physical Face Model From Data*, equations 20 and 21: camera, identity and expression are
found such that the projected landmarks of the skin lie on those of the photo, and bones are those that parametric bones
expect under the fitted skin. Our deviations: 68 landmarks instead of some 8000; parameters in front of the encoders;
Gauss-Newton.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ..performance.arkit import ARKIT_NAMES
from .bone_consistency import BoneConsistency
from .errors import FittingCancelled, NoFaceError, PhotoError
from .face_model import FaceModel
from .parameters import FaceParameters

LEAST_LANDMARKS = 20
LEAST_FACE_PIXELS = 64.0
"""Width of the landmarks of a face that can be fitted."""
FOCAL_LENGTHS = 1.6
"""Focal length in longer sides of the picture that is expected: 58 mm on 35 mm film."""
FOCAL_DEVIATION = 0.3
"""Expected logarithm of the ratio to it."""
BY_HAND_MM, DETECTED_MM = (1.5, 6.0), (3.0, 12.0)
"""How exact landmarks are that were placed or detected: all but the contour, and the jaw's contour, which lies where the
face ends in the picture and not at one place."""
CONTOUR = slice(0, 17)
ROUNDS = ((10.0, 4), (3.0, 4), (1.0, 6), (1.0, 6))
"""Of every linearization: weight of the prior, steps."""
BONE_WEIGHT = 0.02
WORST_PIXELS_SHARE = 0.06
"""Landmarks farther from the fit than this share of the face's width, on average, are no face."""
UNSEEN = np.isin(ARKIT_NAMES, ("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "jawForward", "tongueOut"))
"""What no landmark shows: cheeks have none, and what moves toward the viewer hardly moves in the picture. Left free,
these weights take what identity and contour are off: a portrait with a smile got puffed cheeks."""

FARTHEST_FOCAL = 4.0
"""Of the logarithm of the focal length from the expected one: fifty times as long, or a fiftieth."""
ORDER = "They are 68 points in iBUG order, with the right half of the face first."


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera; pixels from the upper left corner.

    Attributes:
        rotation: (3,) rotation vector from the model's frame to the camera's (x right, y up, z toward the viewer).
        translation: (3,) mm; -z is the distance.
        log_focal: logarithm of the focal length in pixels.
        center: (2,) pixels.
    """

    rotation: np.ndarray
    translation: np.ndarray
    log_focal: float
    center: np.ndarray

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points (P, 3) of the model in the camera's frame, mm."""
        return points @ Rotation.from_rotvec(self.rotation).as_matrix().T + self.translation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (P, 2) of points (P, 3) of the model."""
        seen = self.placed(points)
        return self.center + np.exp(self.log_focal) * seen[:, :2] * [1.0, -1.0] / -seen[:, 2:]

    def stepped(self, step: np.ndarray) -> Camera:
        """After a step (7,): rotation in the camera's frame, translation, logarithm of the focal length."""
        turn = Rotation.from_rotvec(step[:3]) * Rotation.from_rotvec(self.rotation)
        return Camera(turn.as_rotvec(), self.translation + step[3:6], self.log_focal + float(step[6]), self.center)


@dataclass(frozen=True, eq=False)
class PhotoFit:
    """A face in a photo.

    Attributes:
        parameters: identity and expression.
        camera: that sees it.
        landmarks: (68, 2) pixels of the fitted landmarks.
        error_pixels: mean distance from the given ones, without the contour.
        face_pixels: width of the face.
        bone_error_mm: mean distance of the bones from what skin and teeth expect (equation 21).
    """

    parameters: FaceParameters
    camera: Camera
    landmarks: np.ndarray
    error_pixels: float
    face_pixels: float
    bone_error_mm: float


def checked_landmarks(faces: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The landmarks (68, 2) of the only face of a photo.

    Args:
        faces: (68, 2) pixels each, not a number where unknown.
        size: width and height of the photo.

    Raises:
        NoFaceError: there is none, or more than one.
        PhotoError: too few, too small, or outside the photo.
    """
    if not faces:
        raise NoFaceError("No face was found in the photo; place the 68 landmarks by hand and give them.")
    if len(faces) > 1:
        raise NoFaceError(f"The photo shows {len(faces)} faces; crop it to one, or give the landmarks of one.")
    landmarks = np.asarray(faces[0], dtype=np.float64)
    known = np.isfinite(landmarks).all(axis=1)
    if known.sum() < LEAST_LANDMARKS:
        raise PhotoError(f"{int(known.sum())} landmarks are known; at least {LEAST_LANDMARKS} are needed.")
    inside = (landmarks[known] > -0.1 * np.array(size)).all() and (landmarks[known] < 1.1 * np.array(size)).all()
    if not inside:
        raise PhotoError(
            f"Landmarks lie outside the photo of {size[0]} x {size[1]} pixels; they are counted in pixels from its upper "
            "left corner."
        )
    width = float(np.ptp(landmarks[known], axis=0).max())
    if width < LEAST_FACE_PIXELS:
        raise PhotoError(
            f"The face is {width:.0f} pixels large; at least {LEAST_FACE_PIXELS:g} are needed. Use a larger photo."
        )
    return landmarks


def fit_photo(
    landmarks: np.ndarray,
    size: tuple[int, int],
    model: FaceModel,
    bones: BoneConsistency,
    progress: Callable[[float, str], bool] | None = None,
    exactness_mm: tuple[float, float] = BY_HAND_MM,
) -> PhotoFit:
    """Fit camera, identity and expression.

    Args:
        landmarks: (68, 2) pixels, see ``checked_landmarks``.
        size: width and height of the photo.
        model: at the 68 landmarks of the skin, or where the detector's points lie (``detected_vertices``).
        bones: equation 21.
        progress: told the share done and what is being done; False from it cancels.
        exactness_mm: of the landmarks, and of the contour's among them.

    Raises:
        NoFaceError: the landmarks are not those of a face.
        FittingCancelled: ``progress`` said so.
    """
    known = np.isfinite(landmarks).all(axis=1)
    parameters = FaceParameters.mean()
    camera = _first_camera(landmarks, known, size, model.rest(parameters.identity))
    expected_focal = camera.log_focal
    deviations = np.full(68, exactness_mm[0])
    deviations[CONTOUR] = exactness_mm[1]
    for number, (prior, steps) in enumerate(ROUNDS):
        if progress is not None and not progress(number / len(ROUNDS), "Fitting the Face"):
            raise FittingCancelled("The fit was cancelled.")
        by_identity, by_expression = model.expression_derivative(parameters.identity, parameters.expression)
        by_identity = by_identity + model.identity_derivative(parameters.identity)
        derivative = np.concatenate([by_identity, by_expression])
        by_bone = bones.derivative(parameters.identity)
        for _ in range(steps):
            points = model.performed(parameters.identity, parameters.expression)
            system, slope = _equations(points, derivative, camera, landmarks, known, deviations)
            rows = by_bone.reshape(len(by_bone), -1)
            count = len(rows)
            system[:count, :count] += BONE_WEIGHT * rows @ rows.T
            slope[:count] -= BONE_WEIGHT * rows @ bones.errors(parameters.identity).ravel()
            system[-1, -1] += FOCAL_DEVIATION**-2
            slope[-1] += FOCAL_DEVIATION**-2 * (expected_focal - camera.log_focal)
            parameters, step = parameters.improved(system, slope, prior, 7, held=UNSEEN)
            camera = camera.stepped(step)
            # Landmarks that no face has can drive the camera into the head or infinitely far away.
            lost = (
                not abs(camera.log_focal - expected_focal) < FARTHEST_FOCAL
                or not (camera.placed(points)[:, 2] < 0.0).all()
            )
            if lost:
                raise NoFaceError(f"The landmarks are not those of a face: no camera sees one like that. {ORDER}")
    fitted = camera.project(model.performed(parameters.identity, parameters.expression))
    distances = np.linalg.norm(fitted - landmarks, axis=1)
    inner = known.copy()
    inner[CONTOUR] = False
    width = float(np.ptp(landmarks[known], axis=0).max())
    error = float(distances[inner].mean())
    if not error < WORST_PIXELS_SHARE * width:
        raise NoFaceError(
            f"The landmarks are not those of a face: the best fit is {error:.0f} pixels away from them on average. {ORDER}"
        )
    bone_error = float(np.linalg.norm(bones.errors(parameters.identity), axis=1).mean())
    return PhotoFit(parameters, camera, fitted, error, width, bone_error)


def _first_camera(landmarks: np.ndarray, known: np.ndarray, size: tuple[int, int], mean: np.ndarray) -> Camera:
    """A camera that sees the mean face (68, 3) upright in the plane of the landmarks, where and as large as they are."""
    center = 0.5 * np.array(size, dtype=np.float64)
    focal = FOCAL_LENGTHS * max(size)
    flat = (landmarks[known] - center) * [1.0, -1.0]
    shown = mean[known]
    flat_middle, middle = flat.mean(axis=0), shown.mean(axis=0)
    # The similarity in the plane that takes the mean's front view to the landmarks, as complex numbers.
    from_mean = (shown - middle)[:, :2] @ [1.0, 1.0j]
    to_photo = (flat - flat_middle) @ [1.0, 1.0j]
    factor = np.vdot(from_mean, to_photo) / np.vdot(from_mean, from_mean).real
    distance = focal / abs(factor)
    turn = Rotation.from_euler("z", np.angle(factor))
    place = np.array([*(flat_middle * distance / focal), -distance])
    return Camera(turn.as_rotvec(), place - turn.apply(middle), float(np.log(focal)), center)


def _equations(points, derivative, camera, landmarks, known, deviations):
    """The normal equations of a step for identity, expression and camera; errors are in mm at the face's distance."""
    seen = camera.placed(points)
    rotation = Rotation.from_rotvec(camera.rotation).as_matrix()
    focal, depth = np.exp(camera.log_focal), -seen[:, 2]
    flat = seen[:, :2] / depth[:, None]
    # Derivative of the projection by the point in the camera's frame, in mm: pixels times depth over focal length.
    by_point = np.zeros((len(points), 2, 3))
    by_point[:, 0, 0] = by_point[:, 1, 1] = 1.0
    by_point[:, :, 2] = flat
    turned = np.einsum("pax,xy->pay", by_point, rotation)
    by_shape = np.einsum("pay,kpy->pak", turned, derivative)
    arms = seen - camera.translation
    cross = np.zeros((len(points), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = arms[:, 2], -arms[:, 1], arms[:, 0]
    cross -= np.swapaxes(cross, 1, 2)
    by_focal = (flat * depth[:, None])[:, :, None]
    rows = np.concatenate([by_shape, by_point @ cross, by_point, by_focal], axis=2)
    target = (landmarks - camera.center) * [1.0, -1.0] / focal
    errors = (target - flat) * depth[:, None]
    weights = known / deviations**2
    rows, errors = rows[known].reshape(-1, rows.shape[2]), errors[known].ravel()
    weights = np.repeat(weights[known], 2)
    weighted = rows * weights[:, None]
    system = weighted.T @ rows
    system[range(-7, -1), range(-7, -1)] += 1e-6
    return system, weighted.T @ errors
