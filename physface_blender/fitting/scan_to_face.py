"""From a scan to a face: found, fitted, finished, and judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..anatomy.mesh import Mesh
from ..anatomy.template import Template
from ..networks.generalized import GeneralizedModel
from .errors import FittingCancelled, NoFaceError
from .face_model import FaceModel
from .face_points import FacePoints
from .parameters import FaceParameters
from .registration import GOOD_MM, Registration, register, unit_of
from .residual import fit_residual, performed_residual
from .scan import Scan
from .scan_fit import fit_model
from .similarity import scale_of, similarity_between

WORST_SCORE_MM = 1.7
"""Of a registration: real and synthetic faces 0.6 to 1.4; egg, cube, ball, skull and mandible 2.0 to 4.0."""
LEAST_COVERED = 0.5
COVERED_MM = 2.5
"""A vertex of the frontal face is covered where the fit is no farther from the scan than this."""
BODY_IN_HEADS = 1.6
"""A scan this many times larger than a head is cut down to it."""
HEAD_MM = 260.0

Progress = Callable[[float, str], bool]


@dataclass(frozen=True, eq=False)
class FittedFace:
    """A face on a scan.

    Attributes:
        parameters: identity and expression.
        residual: (V, 3) what is added to the template's skin at rest, mm.
        to_model: (4, 4) similarity from the scan to the frame of the model, mm.
        unit: of the scan, empty where its size fits none.
        was_inside_out: the scan's faces looked inward.
        scan: in the frame of the model, mm.
        skin: (V, 3) the fitted skin in its expression, mm.
        skin_of_model: (V, 3) the same before the finish.
        distances: (V,) of ``skin`` from the scan in mm, not a number where nothing can be compared.
        seconds: wall time by step.
    """

    parameters: FaceParameters
    residual: np.ndarray
    to_model: np.ndarray
    unit: str
    was_inside_out: bool
    scan: Scan
    skin: np.ndarray
    skin_of_model: np.ndarray
    distances: np.ndarray
    seconds: dict[str, float]


class ScanFitter:
    """Fits scans to one model."""

    def __init__(self, template: Template, model: GeneralizedModel, skin_parting: np.ndarray) -> None:
        """Prepare what all scans share.

        Args:
            template: the mean face.
            model: the trained generalized model.
            skin_parting: (V,) parting of the skin's vertices.
        """
        self.template = template
        self.model = FaceModel.at(model.network, template.meshes["skin"].vertices, skin_parting)
        self.points = FacePoints.of(template, self.model)

    def normals(self, skin: np.ndarray) -> np.ndarray:
        """Unit normals (V, 3) of a skin (V, 3)."""
        return Mesh(skin, self.template.meshes["skin"].faces).vertex_normals

    def fit(
        self,
        scan: Scan,
        progress: Progress | None = None,
        landmarks: np.ndarray | None = None,
        *,
        at_rest: bool = False,
    ) -> FittedFace:
        """Fit a scan.

        Args:
            scan: in any pose and unit.
            progress: told the share done and what is being done; False from it cancels.
            landmarks: (68, 3) in the frame of the scan, not a number where unknown; None finds the face without.
            at_rest: the scan shows no expression.

        Raises:
            NoFaceError: there is no face in it.
            FittingCancelled: ``progress`` said so.
        """
        tell = _cancelling(progress)
        seconds, began = {}, time.perf_counter()

        def took(name: str) -> None:
            nonlocal began
            seconds[name] = time.perf_counter() - began
            began = time.perf_counter()

        scan, registration, was_inside_out = self._found(scan, landmarks, lambda share, text: tell(0.4 * share, text))
        took("finding the face")
        near = self._head(scan, registration)
        fit = fit_model(
            near,
            self.model,
            self.points,
            self.normals,
            registration,
            lambda share, text: tell(0.4 + 0.5 * share, text),
            at_rest=at_rest,
        )
        took("fitting the model")
        tell(0.9, "Finishing the Face")
        placed = near.moved(fit.to_model)
        parameters = fit.parameters
        rest = self.model.rest(parameters.identity)
        moved = rest + self.model.displacement(parameters.identity, parameters.expression)
        residual = fit_residual(placed, rest, moved, self.template, self.points)
        skin = moved + performed_residual(self.template.meshes["skin"], rest, moved, residual)
        distances = self.compared(placed, skin)
        took("finishing")
        seen = distances[self.points.face]
        covered = float((seen < COVERED_MM).mean())
        if covered < LEAST_COVERED:
            raise NoFaceError(
                f"No face was found in the scan: only {100 * covered:.0f} % of the best fitting face lie on it. Turn "
                "the scan upright, cut away what is not the head, or give landmarks."
            )
        tell(1.0, "Ready")
        return FittedFace(
            parameters,
            residual,
            fit.to_model,
            registration.unit,
            was_inside_out,
            placed,
            skin,
            moved,
            distances,
            seconds,
        )

    def compared(self, scan: Scan, skin: np.ndarray) -> np.ndarray:
        """Distances (V,) of a skin (V, 3) from a scan in mm; not a number at holes, and where they face apart."""
        hits = scan.nearest(skin)
        facing = np.einsum("px,px->p", hits.normals, self.normals(skin))
        known = self.points.outer & ~hits.on_rim & (facing > 0.0)
        return np.where(known, hits.distances, np.nan)

    def _found(self, scan: Scan, landmarks: np.ndarray | None, tell) -> tuple[Scan, Registration, bool]:
        """The scan with its outside outside, where its face is, and whether it was inside out."""
        tell(0.0, "Looking for the Face")
        if landmarks is not None:
            return self._found_by(scan, landmarks)
        outward = np.einsum("px,px->p", scan.vertices - scan.vertices.mean(axis=0), scan.normals).sum() > 0.0
        best: tuple[Scan, Registration, bool] | None = None
        for first_share, turned in ((0.0, not outward), (0.5, outward)):
            candidate = scan.turned() if turned else scan

            def looking(share: float, first_share: float = first_share) -> None:
                tell(first_share + 0.5 * share, "Looking for the Face")

            found = register(candidate, self.points.mean_face, looking)
            if best is None or found.score_mm < best[1].score_mm:
                best = candidate, found, turned
            if best[1].score_mm < GOOD_MM:
                break
        if best[1].score_mm > WORST_SCORE_MM:
            raise NoFaceError(
                f"No face was found in the scan: the best place for one fits badly (score {best[1].score_mm:.1f}, a face "
                f"has less than {WORST_SCORE_MM:g}). Cut away what is not the head, or give landmarks."
            )
        return best

    def _found_by(self, scan: Scan, landmarks: np.ndarray) -> tuple[Scan, Registration, bool]:
        """As ``_found``, with landmarks."""
        known = np.isfinite(landmarks).all(axis=1)
        if known.sum() < 6:
            raise NoFaceError(f"{int(known.sum())} landmarks are known; at least 6 are needed to place a face.")
        mean = self.template.meshes["skin"].vertices[self.template.landmarks68]
        to_model = similarity_between(landmarks[known], mean[known])
        vertices = self.template.landmarks68[known]
        normals = self.normals(self.template.meshes["skin"].vertices)[vertices]
        hits = scan.moved(to_model).nearest(mean[known])
        turned = bool(np.einsum("px,px->p", hits.normals, normals).sum() < 0.0)
        registration = Registration(to_model, 0.0, unit_of(scale_of(to_model)))
        return scan.turned() if turned else scan, registration, turned

    def _head(self, scan: Scan, registration: Registration) -> Scan:
        """What of a scan is near the face: all of a head, the head of a body."""
        nose = np.linalg.inv(registration.to_model) @ np.append(self.points.mean_face.nose, 1.0)
        return scan.near(nose[:3], BODY_IN_HEADS * HEAD_MM / scale_of(registration.to_model))


def _cancelling(progress: Progress | None) -> Callable[[float, str], None]:
    def tell(share: float, text: str) -> None:
        if progress is not None and not progress(share, text):
            raise FittingCancelled("The fit was cancelled.")

    return tell
